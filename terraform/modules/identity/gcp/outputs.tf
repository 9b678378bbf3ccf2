output "principals" {
  description = "Service to IAM member."
  value       = { for service, account in google_service_account.service : service => "serviceAccount:${account.email}" }
}

output "annotations" {
  description = "Service to the annotations of its Kubernetes service account."
  value       = { for service, account in google_service_account.service : service => { "iam.gke.io/gcp-service-account" = account.email } }
}
