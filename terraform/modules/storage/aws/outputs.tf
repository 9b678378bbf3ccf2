output "id" {
  description = "Pattern of the buckets' ARNs; AWS has no account of storage."
  value       = "arn:aws:s3:::${var.name}-*"
}

output "endpoint" {
  description = "Where S3 is spoken, privately."
  value       = "https://s3.${local.location}.amazonaws.com"
}

output "buckets" {
  description = "Name to bucket."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.bucket }
}

output "log_bucket" {
  description = "Bucket of trails and access logs."
  value       = aws_s3_bucket.logs.bucket
}

output "replication" {
  description = "Class of replication, and every region with a copy."
  value = {
    class   = module.residency.replication[var.replication]
    regions = local.geo ? [local.location, module.residency.secondary] : [local.location]
  }
}
