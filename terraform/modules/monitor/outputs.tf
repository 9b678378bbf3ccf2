output "log_sink" {
  description = "The log workspace's id and region."
  value       = { id = azurerm_log_analytics_workspace.this.id, location = azurerm_log_analytics_workspace.this.location }
}

output "workspace_guid" {
  description = "The workspace's own id, which traffic analytics wants."
  value       = azurerm_log_analytics_workspace.this.workspace_id
}

output "action_group_id" {
  description = "Who is told: the action group's id."
  value       = azurerm_monitor_action_group.operators.id
}
