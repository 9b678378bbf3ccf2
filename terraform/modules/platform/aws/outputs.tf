output "residency" {
  description = "The verdict on residency: boundary, article, and every region that holds a copy."
  value = {
    boundary = module.residency.boundary
    article  = module.residency.article
    regions  = module.storage.replication.regions
    verdict  = module.residency.message
  }
}

output "cluster" {
  description = "The cluster's name, id, private endpoint and token issuer."
  value = {
    name     = module.cluster.cluster_name
    id       = module.cluster.cluster_id
    endpoint = module.cluster.endpoint
    issuer   = module.cluster.oidc_issuer_url
  }
}

output "services" {
  description = "What each service's Kubernetes service account carries."
  value       = module.identity.annotations
}

output "storage" {
  description = "The blob endpoint and each bucket's id."
  value       = { endpoint = module.storage.endpoint, buckets = module.storage.buckets, replication = module.storage.replication }
}

output "redis" {
  description = "Where Redis is and how one logs in."
  value       = { host = module.redis.host, port = module.redis.port, authentication = module.redis.authentication, tls = module.redis.tls }
}

output "registry" {
  description = "The image registry's host name."
  value       = module.registry.host
}

output "egress" {
  description = "All that the cluster can reach outside, and why."
  value       = module.network.egress
}

output "backup" {
  description = "Where backups can be restored."
  value       = module.backup.restore
}

output "vault_seal" {
  description = "What Vault's awskms seal is configured with; none of it is secret."
  value       = { region = local.location, kms_key_id = module.keys.keys["seal"] }
}

output "edge" {
  description = "The edge's name and address, its key exchange groups, and where TLS ends."
  value       = { hostname = var.hostname, address = module.pqtls.address, groups = module.pqtls.groups, terminates = module.pqtls.terminates, policy = module.pqtls.policy }
}
