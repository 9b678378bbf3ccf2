output "residency" {
  description = "The verdict on residency: boundary, article, and every region that holds a copy."
  value       = module.platform.residency
}

output "cluster" {
  description = "The cluster's name, id, private endpoint and token issuer."
  value       = module.platform.cluster
}

output "services" {
  description = "What each service's Kubernetes service account carries."
  value       = module.platform.services
}

output "storage" {
  description = "The blob endpoint and each bucket's id."
  value       = module.platform.storage
}

output "redis" {
  description = "Where Redis is and how one logs in."
  value       = module.platform.redis
}

output "registry" {
  description = "The image registry's host name."
  value       = module.platform.registry
}

output "egress" {
  description = "All that the cluster can reach outside, and why."
  value       = module.platform.egress
}

output "backup" {
  description = "Where backups can be restored."
  value       = module.platform.backup
}

output "vault_seal" {
  description = "What Vault's gcpckms seal is configured with; none of it is secret."
  value       = module.platform.vault_seal
}

output "edge" {
  description = "The edge's name and address, its key exchange groups, and where TLS ends; null until edge_backend is given."
  value       = module.platform.edge
}
