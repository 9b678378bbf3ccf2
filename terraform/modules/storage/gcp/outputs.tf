output "id" {
  description = "Prefix of the buckets' names; Google has no account of storage."
  value       = "projects/_/buckets/${var.name}-"
}

output "endpoint" {
  description = "Where storage is spoken, privately: googleapis.com resolves to its private address in the network."
  value       = "https://storage.googleapis.com"
}

output "buckets" {
  description = "Name to bucket."
  value       = { for name, bucket in google_storage_bucket.this : name => bucket.name }
}

output "replication" {
  description = "Class of replication, and every region with a copy."
  value = {
    class   = module.residency.replication[var.replication]
    regions = local.geo ? [local.location, module.residency.secondary] : [local.location]
  }
}
