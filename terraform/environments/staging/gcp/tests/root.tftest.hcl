# The root with its own terraform.tfvars. One plan for all that is asserted: it is a whole deployment.
mock_provider "google" {}

override_data {
  target = module.platform.data.google_kms_crypto_key_version.signing
  values = { public_key = [{ algorithm = "EC_SIGN_P384_SHA384", pem = "-----BEGIN PUBLIC KEY-----" }] }
}

run "the_root_is_inside_closed_and_explained" {
  command = plan

  assert {
    condition     = output.residency.boundary == "eu" && output.residency.article == "GDPR Article 44" && output.residency.verdict == "inside the eu boundary"
    error_message = "The verdict must be that all is inside."
  }
  assert {
    condition     = toset(output.residency.regions) == toset(["europe-west3", "europe-west4"])
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
    budget = { amount = 100, start = "2026-12-01", emails = [] }
  }

  expect_failures = [var.budget]
}

run "a_project_with_capitals_is_refused" {
  command = plan

  variables {
    project = "Maily"
  }

  expect_failures = [var.project]
}
