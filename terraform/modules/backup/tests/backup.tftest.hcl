mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  storage_id          = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/data"
  buckets             = ["objects", "ledger"]
}

run "a_backup_can_be_brought_back" {
  command = plan

  assert {
    condition     = azurerm_data_protection_backup_vault.this.soft_delete == "AlwaysOn" && azurerm_data_protection_backup_vault.this.retention_duration_in_days == 14 && azurerm_data_protection_backup_vault.this.immutability == "Unlocked"
    error_message = "Who deletes a backup must not be rid of it."
  }
  assert {
    condition     = output.restore.location == "westeurope" && !output.restore.cross_region && output.restore.soft_delete_days == 14
    error_message = "The output must say where and for how long, as the contract says."
  }
}

run "daily_and_for_its_time" {
  command = plan

  assert {
    condition     = azurerm_data_protection_backup_policy_blob_storage.daily.vault_default_retention_duration == "P30D" && tolist(azurerm_data_protection_backup_policy_blob_storage.daily.backup_repeating_time_intervals) == tolist(["R/2026-01-01T02:00:00+00:00/P1D"])
    error_message = "A backup a day, kept for 30."
  }
  assert {
    condition     = toset(azurerm_data_protection_backup_instance_blob_storage.data.storage_account_container_names) == toset(["objects", "ledger"])
    error_message = "The named buckets must be backed up."
  }
}

run "an_identity_of_its_own" {
  command = plan

  assert {
    condition     = azurerm_data_protection_backup_vault.this.identity[0].type == "SystemAssigned" && azurerm_role_assignment.backup.role_definition_name == "Storage Account Backup Contributor"
    error_message = "Who can delete the data must not be able to delete these."
  }
}

run "zone_copies_stay_in_the_region" {
  command = plan

  assert {
    condition     = azurerm_data_protection_backup_vault.this.redundancy == "ZoneRedundant"
    error_message = "The copies must stay in the region's zones."
  }
}

run "geo_copies_can_be_restored_in_the_pair" {
  command = plan

  variables {
    replication = "geo"
  }

  assert {
    condition     = azurerm_data_protection_backup_vault.this.redundancy == "GeoRedundant" && azurerm_data_protection_backup_vault.this.cross_region_restore_enabled && output.restore.cross_region
    error_message = "A geo-redundant backup must be restorable in the pair."
  }
}

run "backups_are_logged" {
  command = plan

  assert {
    condition     = one(azurerm_monitor_diagnostic_setting.backup.enabled_log).category_group == "allLogs"
    error_message = "Backups and restores must be logged."
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

run "a_log_workspace_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "w", location = "uksouth" }
  }

  expect_failures = [terraform_data.residency]
}

run "copies_that_leave_are_refused" {
  command = plan

  variables {
    location       = "brazilsouth"
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
    log_sink       = { id = "w", location = "brazilsouth" }
    replication    = "geo"
  }

  expect_failures = [terraform_data.residency]
}

run "a_backup_that_can_be_deleted_is_refused_in_prod" {
  command = plan

  variables {
    ownership    = { owner = "platform", environment = "prod", data_class = "restricted" }
    immutability = "Disabled"
  }

  expect_failures = [azurerm_data_protection_backup_vault.this]
}

run "backups_for_a_day_are_refused" {
  command = plan

  variables {
    retention_days = 1
  }

  expect_failures = [var.retention_days]
}

run "nothing_to_back_up_is_refused" {
  command = plan

  variables {
    buckets = []
  }

  expect_failures = [var.buckets]
}

run "an_unknown_immutability_is_refused" {
  command = plan

  variables {
    immutability = "On"
  }

  expect_failures = [var.immutability]
}
