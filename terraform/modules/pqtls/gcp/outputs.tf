output "policy" {
  description = "The load balancer's TLS policy."
  value       = google_compute_region_ssl_policy.edge.name
}

output "groups" {
  description = "Key exchange groups offered, best first."
  value       = google_compute_region_ssl_policy.edge.post_quantum_key_exchange == "ENABLED" ? local.groups : slice(local.groups, 1, 3)
}

output "terminates" {
  description = "Where TLS ends: at the cloud's load balancer, which opens TLS anew to the service."
  value       = "cloud"
}

output "address" {
  description = "The load balancer's address, for the hostname's A record."
  value       = google_compute_address.edge.address
}
