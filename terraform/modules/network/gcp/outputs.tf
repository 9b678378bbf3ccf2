output "network_id" {
  description = "The VPC network."
  value       = google_compute_network.spoke.id
}

output "cluster_subnet_id" {
  description = "The cluster's subnet; its ranges pods and services are the cluster's too."
  value       = google_compute_subnetwork.cluster.id
}

output "endpoint_subnet_id" {
  description = "The private endpoints' subnet."
  value       = google_compute_subnetwork.endpoint.id
}

output "spoke_cidr" {
  description = "Addresses of the network."
  value       = var.address_space
}

output "egress_address" {
  description = "Address that traffic leaves from."
  value       = google_compute_address.nat.address
}

output "egress" {
  description = "All that is let out, and why."
  value       = local.egress
}

output "dns_zones" {
  description = "Service to private zone: storage and keys share googleapis.com, registry is pkg.dev. The cache has none: its endpoint is an address in the network."
  value = {
    storage  = google_dns_managed_zone.this["storage"].id
    keys     = google_dns_managed_zone.this["storage"].id
    registry = google_dns_managed_zone.this["registry"].id
  }
}
