mock_provider "azurerm" {}

variables {
  name            = "maily-test"
  data_residency  = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  subscription_id = "00000000-0000-0000-0000-000000000001"
  tenant_id       = "22222222-2222-2222-2222-222222222222"
  admin_groups    = ["11111111-1111-1111-1111-111111111111"]
  hostname        = "mail.example.com"
  budget          = { amount = 100, start = "2026-12-01T00:00:00Z", emails = ["platform@example.com"] }
}

run "a_whole_deployment_is_planned_inside" {
  command = plan

  assert {
    condition     = output.residency.boundary == "eu" && output.residency.verdict == "inside the eu boundary" && tolist(output.residency.regions) == tolist(["westeurope"])
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
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "eastus2" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_secondary_region_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "westeurope", secondary = "eastus2" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "westeurope" }
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
    budget = { amount = 0, start = "2026-12-01T00:00:00Z", emails = ["platform@example.com"] }
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

run "geo_copies_go_to_the_pair" {
  command = plan

  variables {
    replication = "geo"
  }

  assert {
    condition     = toset(output.residency.regions) == toset(["westeurope", "northeurope"]) && output.backup.cross_region
    error_message = "The copies must be in the pair region."
  }
}

run "tls_ends_in_the_service" {
  command = plan

  assert {
    condition     = output.edge.terminates == "service" && output.edge.groups[0] == "X25519MLKEM768"
    error_message = "No cloud service may open the connection."
  }
}

run "geo_copies_out_of_the_boundary_are_refused" {
  command = plan

  variables {
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
    replication    = "geo"
  }

  expect_failures = [terraform_data.residency]
}

run "a_subscription_by_its_name_is_refused" {
  command = plan

  variables {
    subscription_id = "Production"
  }

  expect_failures = [var.subscription_id]
}

run "a_gpu_pool_without_gpus_is_refused" {
  command = plan

  variables {
    gpu_pools = { cpu = { size = "Standard_D8ds_v5", max = 1 } }
  }

  expect_failures = [var.gpu_pools]
}

run "logs_for_a_week_are_refused" {
  command = plan

  variables {
    log_days = 7
  }

  expect_failures = [var.log_days]
}
