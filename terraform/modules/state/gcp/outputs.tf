output "place" {
  description = "Where the state is kept: the bucket, as the backend names it."
  value       = google_storage_bucket.state.name
}

output "key" {
  description = "The key that encrypts the state."
  value       = google_kms_crypto_key.state.id
}
