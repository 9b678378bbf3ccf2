# Private zones, so that the services' public names lead to their private endpoints.
locals {
  dns_zones = {
    storage       = "privatelink.blob.core.windows.net"
    redis         = "privatelink.redis.azure.net"
    keys          = "privatelink.vaultcore.azure.net"
    registry      = "privatelink.azurecr.io"
    cluster       = "privatelink.${local.location}.azmk8s.io"
    monitor       = "privatelink.monitor.azure.com"
    monitor-oms   = "privatelink.oms.opinsights.azure.com"
    monitor-ods   = "privatelink.ods.opinsights.azure.com"
    monitor-agent = "privatelink.agentsvc.azure-automation.net"
  }
  # The firewall's proxy asks in the hub; the spoke's own links serve what does not ask the proxy.
  dns_links = merge([for zone in keys(local.dns_zones) : {
    "${zone}/hub"   = { zone = zone, network = azurerm_virtual_network.hub.id }
    "${zone}/spoke" = { zone = zone, network = azurerm_virtual_network.spoke.id }
  }]...)
}

resource "azurerm_private_dns_zone" "this" {
  for_each = local.dns_zones

  name                = each.value
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  for_each = local.dns_links

  name                 = replace(each.key, "/", "-")
  private_dns_zone_id  = azurerm_private_dns_zone.this[each.value.zone].id
  virtual_network_id   = each.value.network
  registration_enabled = false
  tags                 = local.tags
}
