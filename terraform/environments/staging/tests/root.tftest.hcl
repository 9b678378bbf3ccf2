# The root with its own terraform.tfvars. One plan for all that is asserted: it is a whole deployment.
mock_provider "azurerm" {}

run "the_root_is_inside_closed_and_explained" {
  command = plan

  assert {
    condition     = output.residency.boundary == "eu" && output.residency.article == "GDPR Article 44" && output.residency.verdict == "inside the eu boundary"
    error_message = "The verdict must be that all is inside."
  }
  assert {
    condition     = toset(output.residency.regions) == toset(["westeurope", "northeurope"])
    error_message = "Copies must be where the environment says, and nowhere else."
  }
  assert {
    condition     = output.redis.authentication == "identity" && output.redis.tls
    error_message = "Redis must take identities over TLS only."
  }
  assert {
    condition     = toset(keys(output.services)) == toset(["storage", "compliance", "orchestrator", "inference", "finetune", "vault"])
    error_message = "Each service that reaches the cloud must have an identity, and no other."
  }
  assert {
    condition     = alltrue([for entry in values(output.egress) : length(entry.reason) >= 10 && !contains(entry.fqdns, "*")])
    error_message = "Egress must be named and explained."
  }
  assert {
    condition     = output.edge.groups[0] == "X25519MLKEM768"
    error_message = "ML-KEM must come first."
  }
}

run "nobody_to_administer_is_refused" {
  command = plan

  variables {
    admin_groups = []
  }

  expect_failures = [var.admin_groups]
}

run "a_hostname_without_a_domain_is_refused" {
  command = plan

  variables {
    hostname = "mail"
  }

  expect_failures = [var.hostname]
}

run "a_budget_that_tells_nobody_is_refused" {
  command = plan

  variables {
    budget = { amount = 100, start = "2026-12-01T00:00:00Z", emails = [] }
  }

  expect_failures = [var.budget]
}

run "fireworks_by_the_back_door_is_refused" {
  command = plan

  variables {
    egress = { model = { fqdns = ["api.fireworks.ai"], reason = "The model answers faster there" } }
  }

  expect_failures = [var.egress]
}
