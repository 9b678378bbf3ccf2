output "cluster_id" {
  description = "The cluster's ARN."
  value       = aws_eks_cluster.this.arn
}

output "cluster_name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "The private Kubernetes API."
  value       = aws_eks_cluster.this.endpoint
}

output "oidc_issuer_url" {
  description = "Issuer of the service accounts' tokens."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

output "node_principal" {
  description = "Role of the nodes; it pulls images."
  value       = aws_iam_role.node.arn
}

output "gpu_pools" {
  description = "GPU pool to node group."
  value       = { for name in keys(var.gpu_pools) : name => aws_eks_node_group.this["gpu-${name}"].node_group_name }
}
