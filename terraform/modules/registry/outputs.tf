output "id" {
  description = "The registry's resource id."
  value       = azurerm_container_registry.this.id
}

output "host" {
  description = "The registry's host name, the first part of an image's name."
  value       = azurerm_container_registry.this.login_server
}
