output "network_id" {
  description = "The spoke network, where the cluster is."
  value       = azurerm_virtual_network.spoke.id
}

output "cluster_subnet_id" {
  description = "The nodes' subnet; has its route to the firewall and its security group."
  value       = azurerm_subnet.spoke["cluster"].id

  # A cluster with user-defined egress starts only where its way out exists.
  depends_on = [
    azurerm_subnet_route_table_association.egress,
    azurerm_subnet_network_security_group_association.this,
    azurerm_firewall_policy_rule_collection_group.egress,
    azurerm_virtual_network_peering.hub_to_spoke,
    azurerm_virtual_network_peering.spoke_to_hub,
  ]
}

output "api_subnet_id" {
  description = "The subnet delegated to the private API server."
  value       = azurerm_subnet.api.id
  depends_on  = [azurerm_subnet_route_table_association.egress, azurerm_subnet_network_security_group_association.this]
}

output "endpoint_subnet_id" {
  description = "The private endpoints' subnet."
  value       = azurerm_subnet.spoke["endpoints"].id
}

output "edge_address" {
  description = "The address that the edge service's internal load balancer takes."
  value       = cidrhost(local.edge, 10)
}

output "egress_address" {
  description = "The one public address that traffic leaves from and edge traffic comes to."
  value       = azurerm_public_ip.firewall.ip_address
}

output "egress" {
  description = "All that is let out: by name, the host names, the ports and the reason."
  value       = { for name, entry in local.egress : name => { fqdns = toset(entry.fqdns), ports = toset(entry.ports), reason = entry.reason } }
}

output "dns_zones" {
  description = "The private zones' ids, by service."
  value       = { for service, zone in azurerm_private_dns_zone.this : service => zone.id }
  depends_on  = [azurerm_private_dns_zone_virtual_network_link.this]
}

output "route_table_id" {
  description = "The route table that leads to the firewall."
  value       = azurerm_route_table.egress.id
}

output "firewall_policy_id" {
  description = "The firewall's policy, to which modules/pqtls adds the edge."
  value       = azurerm_firewall_policy.this.id
}
