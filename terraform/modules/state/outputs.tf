output "place" {
  description = "Where the state is kept: the storage account, as the backend names it."
  value       = azurerm_storage_account.this.name
}

output "key" {
  description = "The key that encrypts the state."
  value       = azurerm_key_vault_key.state.resource_versionless_id
}
