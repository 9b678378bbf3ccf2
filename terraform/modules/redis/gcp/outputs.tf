output "id" {
  description = "The instance."
  value       = google_memorystore_instance.this.id
}

output "host" {
  description = "Address of the primary, in the private subnet."
  value       = try(google_memorystore_instance.this.discovery_endpoints[0].address, google_memorystore_instance.this.endpoints[0].connections[0].psc_auto_connection[0].ip_address, "")
}

output "port" {
  description = "Port; TLS only."
  value       = 6379
}

output "authentication" {
  description = "How clients log in: always identity."
  value       = google_memorystore_instance.this.authorization_mode == "IAM_AUTH" ? "identity" : "none"
}

output "tls" {
  description = "Whether every connection is encrypted."
  value       = google_memorystore_instance.this.transit_encryption_mode == "SERVER_AUTHENTICATION"
}
