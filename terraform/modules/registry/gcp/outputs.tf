output "id" {
  description = "The repository."
  value       = google_artifact_registry_repository.this.id
}

output "host" {
  description = "Where images are pulled from."
  value       = "${local.location}-docker.pkg.dev/${var.project}/${var.name}"
}

output "attestor" {
  description = "Attestor that the cluster's admission asks (gke's attestors)."
  value       = google_binary_authorization_attestor.this.id
}
