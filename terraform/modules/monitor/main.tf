# Where logs go, who is told, and what it may cost.
resource "azurerm_log_analytics_workspace" "this" {
  name                            = "${var.name}-logs"
  location                        = local.location
  resource_group_name             = var.resource_group_name
  sku                             = "PerGB2018"
  retention_in_days               = var.retention_days
  local_authentication_enabled    = false
  allow_resource_only_permissions = true
  internet_ingestion_access_type  = "Disabled"
  internet_query_access_type      = "Disabled"
  tags                            = local.tags
}

resource "azurerm_monitor_private_link_scope" "this" {
  name                  = "${var.name}-logs"
  resource_group_name   = var.resource_group_name
  ingestion_access_mode = "PrivateOnly"
  query_access_mode     = "PrivateOnly"
  tags                  = local.tags
}

resource "azurerm_monitor_private_link_scoped_service" "logs" {
  name                = "${var.name}-logs"
  resource_group_name = var.resource_group_name
  scope_name          = azurerm_monitor_private_link_scope.this.name
  linked_resource_id  = azurerm_log_analytics_workspace.this.id
}

resource "azurerm_private_endpoint" "logs" {
  name                = "${var.name}-logs"
  location            = local.location
  resource_group_name = var.resource_group_name
  subnet_id           = var.subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "logs"
    private_connection_resource_id = azurerm_monitor_private_link_scope.this.id
    subresource_names              = ["azuremonitor"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "logs"
    private_dns_zone_ids = var.dns_zone_ids
  }

  depends_on = [azurerm_monitor_private_link_scoped_service.logs]
}

resource "azurerm_monitor_action_group" "operators" {
  name                = "${var.name}-operators"
  resource_group_name = var.resource_group_name
  location            = "global" # an action group has no data; pinning it to a region is offered in a few only
  short_name          = substr(replace(var.name, "-", ""), 0, 12)
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.budget.emails

    content {
      name                    = "operator-${email_receiver.key}"
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_consumption_budget_resource_group" "this" {
  name              = "${var.name}-monthly"
  resource_group_id = var.resource_group_id
  amount            = var.budget.amount
  time_grain        = "Monthly"

  time_period {
    start_date = var.budget.start
  }

  dynamic "notification" {
    for_each = { half = [50, "Actual"], most = [80, "Actual"], all = [100, "Actual"], forecast = [100, "Forecasted"] }

    content {
      enabled        = true
      operator       = "GreaterThanOrEqualTo"
      threshold      = notification.value[0]
      threshold_type = notification.value[1]
      contact_emails = var.budget.emails
    }
  }
}

locals {
  # Changes that take a protection away; each is told to the operators as it happens.
  watched = {
    policy-deleted      = { category = "Administrative", operation = "Microsoft.Authorization/policyAssignments/delete", what = "a policy assignment was deleted: residency may no longer be enforced" }
    role-assigned       = { category = "Administrative", operation = "Microsoft.Authorization/roleAssignments/write", what = "somebody was given a role" }
    vault-deleted       = { category = "Administrative", operation = "Microsoft.KeyVault/vaults/delete", what = "a Key Vault was deleted" }
    nsg-changed         = { category = "Administrative", operation = "Microsoft.Network/networkSecurityGroups/write", what = "a network security group was changed" }
    firewall-changed    = { category = "Administrative", operation = "Microsoft.Network/firewallPolicies/ruleCollectionGroups/write", what = "the egress allow-list was changed" }
    diagnostics-deleted = { category = "Administrative", operation = "Microsoft.Insights/diagnosticSettings/delete", what = "a log was switched off" }
    lock-deleted        = { category = "Administrative", operation = "Microsoft.Authorization/locks/delete", what = "a legal hold's lock was deleted" }
    backup-changed      = { category = "Administrative", operation = "Microsoft.DataProtection/backupVaults/write", what = "the backup vault was changed" }
  }
}

resource "azurerm_monitor_activity_log_alert" "protection" {
  for_each = local.watched

  name                = "${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = "global" # the activity log itself is global
  scopes              = [var.subscription_id]
  description         = "Told when ${each.value.what}."
  enabled             = true
  tags                = local.tags

  criteria {
    category       = each.value.category
    operation_name = each.value.operation
    status         = "Succeeded"
  }

  action {
    action_group_id = azurerm_monitor_action_group.operators.id
  }
}
