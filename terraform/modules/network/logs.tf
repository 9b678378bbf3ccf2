# Who talked to whom: flow logs of both networks, and what the firewall decided.
resource "azurerm_network_watcher" "this" {
  count = var.network_watcher == null ? 1 : 0

  name                = "${var.name}-watcher"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

locals {
  watcher = var.network_watcher != null ? var.network_watcher : {
    name                = azurerm_network_watcher.this[0].name
    resource_group_name = var.resource_group_name
  }
}

resource "azurerm_network_watcher_flow_log" "this" {
  for_each = { hub = azurerm_virtual_network.hub.id, spoke = azurerm_virtual_network.spoke.id }

  name                 = "${var.name}-${each.key}"
  location             = local.location
  network_watcher_name = local.watcher.name
  resource_group_name  = local.watcher.resource_group_name
  target_resource_id   = each.value
  storage_account_id   = var.flow_log_storage_id
  enabled              = true
  version              = 2
  tags                 = local.tags

  retention_policy {
    enabled = true
    days    = var.flow_log_days
  }

  traffic_analytics {
    enabled               = true
    workspace_id          = var.workspace_guid
    workspace_region      = var.log_sink.location
    workspace_resource_id = var.log_sink.id
    interval_in_minutes   = 10
  }
}

resource "azurerm_monitor_diagnostic_setting" "firewall" {
  name                           = "audit"
  target_resource_id             = azurerm_firewall.this.id
  log_analytics_workspace_id     = var.log_sink.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category_group = "allLogs"
  }
  enabled_metric {
    category = "AllMetrics"
  }
}
