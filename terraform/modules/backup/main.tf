# Daily backups into a vault of their own, with an identity of their own: who can delete the data can't delete these.
resource "azurerm_data_protection_backup_vault" "this" {
  name                         = "${var.name}-backup"
  location                     = local.location
  resource_group_name          = var.resource_group_name
  datastore_type               = "VaultStore"
  redundancy                   = terraform_data.residency.input.class
  cross_region_restore_enabled = terraform_data.residency.input.geo ? true : null
  soft_delete                  = "AlwaysOn"
  retention_duration_in_days   = var.soft_delete_days
  immutability                 = var.immutability
  tags                         = local.tags

  identity {
    type = "SystemAssigned"
  }

  lifecycle {
    # AlwaysOn and Locked can't be undone, so leaving them is a new vault and a decision, not a plan's side effect.
    precondition {
      condition     = var.ownership.environment != "prod" || var.immutability != "Disabled"
      error_message = "immutability may not be Disabled in prod: a backup that can be deleted is none."
    }
  }
}

resource "azurerm_role_assignment" "backup" {
  scope                            = var.storage_id
  role_definition_name             = "Storage Account Backup Contributor"
  principal_id                     = azurerm_data_protection_backup_vault.this.identity[0].principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_data_protection_backup_policy_blob_storage" "daily" {
  name                             = "${var.name}-daily"
  vault_id                         = azurerm_data_protection_backup_vault.this.id
  backup_repeating_time_intervals  = ["R/2026-01-01T02:00:00+00:00/P1D"]
  vault_default_retention_duration = "P${var.retention_days}D"
  time_zone                        = "UTC"
}

resource "azurerm_data_protection_backup_instance_blob_storage" "data" {
  name                            = "${var.name}-data"
  vault_id                        = azurerm_data_protection_backup_vault.this.id
  location                        = local.location
  storage_account_id              = var.storage_id
  backup_policy_id                = azurerm_data_protection_backup_policy_blob_storage.daily.id
  storage_account_container_names = var.buckets

  depends_on = [azurerm_role_assignment.backup]
}

resource "azurerm_monitor_diagnostic_setting" "backup" {
  name                       = "audit"
  target_resource_id         = azurerm_data_protection_backup_vault.this.id
  log_analytics_workspace_id = var.log_sink.id

  enabled_log {
    category_group = "allLogs"
  }
}
