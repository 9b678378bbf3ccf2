output "policy_id" {
  description = "The id of the assignment that holds resources inside the boundary."
  value       = azurerm_subscription_policy_assignment.this["locations"].id
}

output "allowed_locations" {
  description = "The regions that Azure lets anything be made in."
  value       = local.allowed
}
