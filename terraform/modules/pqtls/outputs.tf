output "policy" {
  description = "The name of the policy: TLS passes through the cloud unopened."
  value       = "passthrough"
}

output "groups" {
  description = "The key exchange groups that the edge offers, best first (libs/chassis)."
  value       = ["X25519MLKEM768", "X25519"]
}

output "terminates" {
  description = "Where TLS ends: in the service, never in the cloud."
  value       = "service"
}

output "endpoint" {
  description = "The edge's public name and address, for the DNS record."
  value       = { hostname = var.hostname, address = var.public_address }
}
