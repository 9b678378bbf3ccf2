output "vault_id" {
  description = "The Key Vault's resource id."
  value       = azurerm_key_vault.this.id
}

output "vault_uri" {
  description = "The Key Vault's address; resolves to the private endpoint inside the network."
  value       = azurerm_key_vault.this.vault_uri
}

output "keys" {
  description = "Each key's id without its version, by purpose: storage, disks, etcd, redis, registry, seal, signing."
  value       = { for purpose, key in azurerm_key_vault_key.this : purpose => key.versionless_id }
}

output "key_versions" {
  description = "Each key's id with its version, for the services that want one (redis, etcd); after a rotation the next plan moves them on."
  value       = { for purpose, key in azurerm_key_vault_key.this : purpose => key.id }
}

output "key_resources" {
  description = "Each key's resource id, the scope for a role on that one key."
  value       = { for purpose, key in azurerm_key_vault_key.this : purpose => key.resource_versionless_id }
}
