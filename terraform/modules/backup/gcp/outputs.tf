output "vault_id" {
  description = "The bucket that copies are in."
  value       = google_storage_bucket.this.name
}

output "policy_id" {
  description = "The plan that makes them."
  value       = google_gke_backup_backup_plan.this.id
}

output "restore_plan_id" {
  description = "The plan of how they are restored."
  value       = google_gke_backup_restore_plan.this.id
}

output "restore" {
  description = "Where a restore can be made, whether that is another region than the data's, and for how many days a deleted backup is kept."
  value = {
    location         = local.place
    cross_region     = local.geo
    soft_delete_days = google_gke_backup_backup_plan.this.retention_policy[0].backup_delete_lock_days
  }
}
