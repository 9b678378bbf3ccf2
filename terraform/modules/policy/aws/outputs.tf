output "policy_id" {
  description = "The service control policy."
  value       = aws_organizations_policy.residency.id
}

output "allowed_locations" {
  description = "Regions in which anything may be created."
  value       = module.residency.regions
}
