mock_provider "aws" {}

variables {
  name               = "maily-test"
  data_residency     = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership          = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id         = "123456789012"
  admin_groups       = ["arn:aws:iam::123456789012:role/admins"]
  kubernetes_version = "1.34"
  system_pool        = { size = "m7i.large", min = 2, max = 3 }
  services_pool      = { size = "m7i.xlarge", min = 2, max = 5 }
  maintenance        = { day = "Sunday", start_hour = 2, hours = 4 }
  redis_size         = "cache.m7g.large"
  log_days           = 365
  hostname           = "mail.example.com"
  edge_sources       = ["203.0.113.0/24"]
  budget             = { amount = 100, start = "2026-12-01", emails = ["platform@example.com"] }
}

run "a_whole_deployment_is_planned_inside" {
  command = plan

  assert {
    condition     = output.residency.boundary == "eu" && output.residency.verdict == "inside the eu boundary" && tolist(output.residency.regions) == tolist(["eu-central-1"])
    error_message = "Everything must be in the boundary."
  }
  assert {
    condition     = output.redis.authentication == "identity" && output.redis.tls
    error_message = "Redis must take identities over TLS only."
  }
  assert {
    condition     = alltrue([for entry in values(output.egress) : length(entry.reason) >= 10])
    error_message = "Each way out must say why."
  }
}

run "the_model_never_falls_back_out_of_the_boundary" {
  command = plan

  assert {
    condition     = !anytrue([for entry in values(output.egress) : anytrue([for fqdn in entry.fqdns : strcontains(fqdn, "fireworks")])])
    error_message = "Fireworks.ai must not be reachable."
  }
}

run "a_primary_region_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "us-east-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_secondary_region_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "us-east-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "eu-central-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_fallback_outside_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true }
  }

  expect_failures = [terraform_data.residency]
}

run "a_fallback_that_nobody_knows_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true, endpoint = "https://models.example.com/v1" }
  }

  expect_failures = [terraform_data.residency]
}

run "an_unknown_replication_is_refused" {
  command = plan

  variables {
    replication = "everywhere"
  }

  expect_failures = [var.replication]
}

run "an_audit_without_days_is_refused" {
  command = plan

  variables {
    audit_days = 0
  }

  expect_failures = [var.audit_days]
}

run "backups_for_a_day_are_refused" {
  command = plan

  variables {
    backup_days = 1
  }

  expect_failures = [var.backup_days]
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    budget = { amount = 0, start = "2026-12-01", emails = ["platform@example.com"] }
  }

  expect_failures = [var.budget]
}

run "an_old_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "one"
  }

  expect_failures = [var.kubernetes_version]
}

run "geo_copies_go_to_the_second_region" {
  command = plan

  variables {
    replication = "geo"
  }

  assert {
    condition     = toset(output.residency.regions) == toset(["eu-central-1", "eu-west-1"]) && output.backup.cross_region
    error_message = "The copies must be in the second region."
  }
}

run "vault_may_unseal_and_no_more" {
  command = plan

  assert {
    condition     = toset(aws_kms_grant.vault_seal.operations) == toset(["Encrypt", "Decrypt", "DescribeKey"])
    error_message = "Vault must use its seal key and nothing else."
  }
}

run "the_edge_speaks_ml_kem" {
  command = plan

  assert {
    condition     = output.edge.groups[0] == "X25519MLKEM768" && strcontains(output.edge.policy, "PQ")
    error_message = "The load balancer must have a post-quantum policy."
  }
}

run "geo_copies_where_there_is_one_region_are_refused" {
  command = plan

  variables {
    data_residency = { boundary = "uk", clouds = ["aws"], primary = "eu-west-2" }
    replication    = "geo"
  }

  expect_failures = [terraform_data.residency]
}

run "an_account_by_its_name_is_refused" {
  command = plan

  variables {
    account_id = "production"
  }

  expect_failures = [var.account_id]
}

run "nobody_to_administer_is_refused" {
  command = plan

  variables {
    admin_groups = []
  }

  expect_failures = [var.admin_groups]
}
