output "id" {
  description = "The storage account's resource id."
  value       = azurerm_storage_account.this.id
}

output "endpoint" {
  description = "The blob endpoint; resolves to the private endpoint inside the network."
  value       = "https://${azurerm_storage_account.this.name}.blob.core.windows.net"
}

output "buckets" {
  description = "Each container's resource id, by name."
  value       = { for name, bucket in azurerm_storage_container.bucket : name => bucket.id }
}

output "replication" {
  description = "Azure's replication class, and the regions that hold a copy."
  value = {
    class   = azurerm_storage_account.this.account_replication_type
    regions = var.replication == "geo" ? [local.location, terraform_data.residency.input.secondary] : [local.location]
  }
}
