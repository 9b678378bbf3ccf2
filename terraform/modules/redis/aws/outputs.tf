output "id" {
  description = "The replication group."
  value       = aws_elasticache_replication_group.this.id
}

output "host" {
  description = "Address of the primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "Port; TLS only."
  value       = aws_elasticache_replication_group.this.port
}

output "authentication" {
  description = "How clients log in: always identity."
  value       = alltrue([for user in aws_elasticache_user.service : user.authentication_mode[0].type == "iam"]) ? "identity" : "password"
}

output "tls" {
  description = "Whether every connection is encrypted."
  value       = aws_elasticache_replication_group.this.transit_encryption_mode == "required"
}
