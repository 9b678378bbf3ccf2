output "place" {
  description = "Where the state is kept: the bucket, as the backend names it."
  value       = aws_s3_bucket.state.bucket
}

output "key" {
  description = "The key that encrypts the state."
  value       = aws_kms_key.state.arn
}
