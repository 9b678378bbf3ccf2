output "id" {
  description = "The Managed Redis resource id."
  value       = azurerm_managed_redis.this.id
}

output "host" {
  description = "The host name; resolves to the private endpoint inside the network."
  value       = azurerm_managed_redis.this.hostname
}

output "port" {
  description = "The TLS port."
  value       = 10000
}

output "authentication" {
  description = "How clients log in: identity, an Entra ID token for https://redis.azure.com; there are no access keys."
  value       = "identity"
}

output "tls" {
  description = "Whether the database takes TLS connections only."
  value       = azurerm_managed_redis.this.default_database[0].client_protocol == "Encrypted"
}
