mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  subscription_id     = "/subscriptions/00000000-0000-0000-0000-000000000000"
  resource_group_id   = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/endpoints"
  dns_zone_ids        = ["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.monitor.azure.com"]
  budget              = { amount = 100, start = "2026-12-01T00:00:00Z", emails = ["platform@example.com"] }
}

run "logs_are_private" {
  command = plan

  assert {
    condition     = azurerm_log_analytics_workspace.this.internet_ingestion_access_type == "Disabled" && azurerm_log_analytics_workspace.this.internet_query_access_type == "Disabled"
    error_message = "Logs must neither come nor be read over the Internet."
  }
  assert {
    condition     = azurerm_monitor_private_link_scope.this.ingestion_access_mode == "PrivateOnly" && azurerm_monitor_private_link_scope.this.query_access_mode == "PrivateOnly"
    error_message = "The private link must be the only way."
  }
}

run "logs_have_no_keys" {
  command = plan

  assert {
    condition     = !azurerm_log_analytics_workspace.this.local_authentication_enabled
    error_message = "Agents must log in by identity."
  }
}

run "logs_end" {
  command = plan

  assert {
    condition     = azurerm_log_analytics_workspace.this.retention_in_days == 90
    error_message = "Logs must be kept for their time."
  }
}

run "the_budget_warns_in_time" {
  command = plan

  assert {
    condition     = toset([for notice in azurerm_consumption_budget_resource_group.this.notification : "${notice.threshold} ${notice.threshold_type}"]) == toset(["50 Actual", "80 Actual", "100 Actual", "100 Forecasted"])
    error_message = "Half, most, all, and a forecast of all must be told."
  }
}

run "what_takes_a_protection_away_is_told" {
  command = plan

  assert {
    condition     = alltrue([for operation in ["Microsoft.Authorization/policyAssignments/delete", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Insights/diagnosticSettings/delete", "Microsoft.KeyVault/vaults/delete", "Microsoft.Authorization/locks/delete"] : contains([for alert in azurerm_monitor_activity_log_alert.protection : one(alert.criteria).operation_name], operation)])
    error_message = "Each such change must raise an alert."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "eastus2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "westeurope" }
  }

  expect_failures = [terraform_data.residency]
}

run "logs_for_a_week_are_refused" {
  command = plan

  variables {
    retention_days = 7
  }

  expect_failures = [var.retention_days]
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    budget = { amount = 0, start = "2026-12-01T00:00:00Z", emails = ["platform@example.com"] }
  }

  expect_failures = [var.budget]
}

run "a_budget_that_tells_nobody_is_refused" {
  command = plan

  variables {
    budget = { amount = 100, start = "2026-12-01T00:00:00Z", emails = [] }
  }

  expect_failures = [var.budget]
}

run "a_budget_from_the_middle_of_a_month_is_refused" {
  command = plan

  variables {
    budget = { amount = 100, start = "2026-12-15T00:00:00Z", emails = ["platform@example.com"] }
  }

  expect_failures = [var.budget]
}
