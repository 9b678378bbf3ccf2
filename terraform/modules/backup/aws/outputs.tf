output "vault_id" {
  description = "The vault that backups are in."
  value       = aws_backup_vault.this.arn
}

output "policy_id" {
  description = "The plan that makes them."
  value       = aws_backup_plan.this.arn
}

output "role_arn" {
  description = "Role that AWS Backup reads objects with; the storage module lets it past the private endpoint (service_roles)."
  value       = aws_iam_role.backup.arn
}

output "restore" {
  description = "Where a restore can be made, whether also from the second region, and for how many days a deleted backup is kept: the lock's minimum."
  value = {
    location         = local.location
    cross_region     = local.geo
    soft_delete_days = aws_backup_vault_lock_configuration.this.min_retention_days
  }
}
