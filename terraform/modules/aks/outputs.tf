output "cluster_id" {
  description = "The cluster's resource id."
  value       = azurerm_kubernetes_cluster.this.id
}

output "cluster_name" {
  description = "The cluster's name."
  value       = azurerm_kubernetes_cluster.this.name
}

output "endpoint" {
  description = "The API server's private host name."
  value       = azurerm_kubernetes_cluster.this.private_fqdn
}

output "oidc_issuer_url" {
  description = "The issuer of the service accounts' tokens, which modules/identity trusts."
  value       = azurerm_kubernetes_cluster.this.oidc_issuer_url
}

output "node_principal" {
  description = "The nodes' object id, which pulls images."
  value       = azurerm_user_assigned_identity.nodes.principal_id
}

output "gpu_pools" {
  description = "The GPU pools' resource ids, by name."
  value       = { for name, pool in azurerm_kubernetes_cluster_node_pool.gpu : name => pool.id }
}
