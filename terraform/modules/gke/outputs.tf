output "cluster_id" {
  description = "The cluster's resource name."
  value       = google_container_cluster.this.id
}

output "cluster_name" {
  description = "The cluster's name."
  value       = google_container_cluster.this.name
}

output "endpoint" {
  description = "The private Kubernetes API."
  value       = google_container_cluster.this.private_cluster_config[0].private_endpoint
}

output "oidc_issuer_url" {
  description = "Issuer of the service accounts' tokens."
  value       = "https://container.googleapis.com/v1/projects/${var.project}/locations/${local.location}/clusters/${google_container_cluster.this.name}"
}

output "node_principal" {
  description = "Account of the nodes; it pulls images."
  value       = "serviceAccount:${google_service_account.node.email}"
}

output "gpu_pools" {
  description = "GPU pool to node pool."
  value       = { for name in keys(var.gpu_pools) : name => google_container_node_pool.this["gpu-${name}"].name }
}
