output "policy_id" {
  description = "The policy of the locations."
  value       = google_org_policy_policy.locations.id
}

output "allowed_locations" {
  description = "Regions in which anything may be created."
  value       = module.residency.regions
}
