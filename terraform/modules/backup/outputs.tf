output "vault_id" {
  description = "The backup vault's resource id."
  value       = azurerm_data_protection_backup_vault.this.id
}

output "policy_id" {
  description = "The daily policy's resource id."
  value       = azurerm_data_protection_backup_policy_blob_storage.daily.id
}

output "restore" {
  description = "Where a backup can be restored: the region, whether also in the pair region, and for how long after deletion."
  value = {
    location         = azurerm_data_protection_backup_vault.this.location
    cross_region     = terraform_data.residency.input.geo
    soft_delete_days = azurerm_data_protection_backup_vault.this.retention_duration_in_days
  }
}
