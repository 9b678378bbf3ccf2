mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  flow_log_storage_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/logs"
  workspace_guid      = "33333333-3333-3333-3333-333333333333"
}

run "every_subnet_refuses_what_is_not_named" {
  command = plan

  assert {
    condition = alltrue([for group in azurerm_network_security_group.this : alltrue([for direction in ["Inbound", "Outbound"] : anytrue([for rule in group.security_rule :
      rule.direction == direction && rule.priority == 4096 && rule.access == "Deny" && rule.protocol == "*" && rule.source_address_prefix == "*" && rule.destination_address_prefix == "*" && rule.destination_port_range == "*"
    ])])])
    error_message = "Each security group must end with denying everything, both ways."
  }
  assert {
    condition     = toset(keys(azurerm_subnet_network_security_group_association.this)) == toset(["cluster", "endpoints", "edge", "api"])
    error_message = "Each subnet must have its security group."
  }
  assert {
    condition     = alltrue(flatten([for group in azurerm_network_security_group.this : [for rule in group.security_rule : rule.access == "Deny" || rule.source_address_prefix != "*" && rule.source_address_prefix != "Internet"]]))
    error_message = "Nothing may be let in from anywhere."
  }
  assert {
    condition     = alltrue(flatten([for group in azurerm_network_security_group.this : [for rule in group.security_rule : length(rule.description) > 20]]))
    error_message = "Each rule must say what it is for."
  }
}

run "subnets_have_no_way_out_of_their_own" {
  command = plan

  assert {
    condition     = alltrue([for subnet in azurerm_subnet.spoke : !subnet.default_outbound_access_enabled]) && !azurerm_subnet.api.default_outbound_access_enabled && !azurerm_subnet.firewall.default_outbound_access_enabled
    error_message = "Azure's default outbound access must be off."
  }
  assert {
    condition     = alltrue([for subnet in azurerm_subnet.spoke : subnet.private_endpoint_network_policies == "Enabled"])
    error_message = "The security group must hold for private endpoints too."
  }
}

run "everything_is_routed_to_the_firewall" {
  command = plan

  assert {
    condition     = one(azurerm_route_table.egress.route).address_prefix == "0.0.0.0/0" && one(azurerm_route_table.egress.route).next_hop_type == "VirtualAppliance" && !azurerm_route_table.egress.bgp_route_propagation_enabled
    error_message = "The one route leads to the firewall, and none is learnt."
  }
  assert {
    condition     = toset(keys(azurerm_subnet_route_table_association.egress)) == toset(["cluster", "endpoints", "edge", "api"])
    error_message = "Each subnet must have the route."
  }
}

run "the_hub_is_no_way_through" {
  command = plan

  assert {
    condition     = !azurerm_virtual_network_peering.hub_to_spoke.allow_forwarded_traffic && !azurerm_virtual_network_peering.hub_to_spoke.allow_gateway_transit && !azurerm_virtual_network_peering.spoke_to_hub.use_remote_gateways
    error_message = "No other network may come through the hub."
  }
}

run "the_firewall_denies_what_is_known_to_be_bad" {
  command = plan

  assert {
    condition     = azurerm_firewall_policy.this.threat_intelligence_mode == "Deny" && one(azurerm_firewall_policy.this.intrusion_detection).mode == "Deny" && one(azurerm_firewall_policy.this.dns).proxy_enabled
    error_message = "Threats and intrusions must be denied, and names resolved where they are filtered."
  }
}

run "only_named_hosts_are_let_out" {
  command = plan

  assert {
    condition     = alltrue([for rule in azurerm_firewall_policy_rule_collection_group.egress.application_rule_collection[0].rule : length(rule.description) >= 15 && !contains(rule.destination_fqdns, "*") && alltrue([for protocol in rule.protocols : protocol.type == "Https"])])
    error_message = "Each rule must name its hosts and its reason, and let out TLS only."
  }
  assert {
    condition     = !anytrue([for rule in azurerm_firewall_policy_rule_collection_group.egress.application_rule_collection[0].rule : anytrue([for fqdn in rule.destination_fqdns : strcontains(fqdn, "fireworks")])])
    error_message = "The fallback must not be let out unless it is enabled."
  }
  assert {
    condition     = alltrue([for entry in values(output.egress) : length(entry.reason) >= 15])
    error_message = "The output must say why, as the contract says."
  }
}

run "an_entry_of_ours_is_let_out_with_its_reason" {
  command = plan

  variables {
    egress = { images = { fqdns = ["registry.example.com"], reason = "Base images are mirrored from here" } }
  }

  assert {
    condition     = output.egress["images"].fqdns == toset(["registry.example.com"]) && output.egress["images"].ports == toset([443])
    error_message = "The entry must be among what is let out."
  }
}

run "the_fallback_is_let_out_where_the_boundary_allows_it" {
  command = plan

  variables {
    location       = "eastus2"
    data_residency = { boundary = "us", clouds = ["azure"], primary = "eastus2" }
    log_sink       = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "eastus2" }
    fallback       = { enabled = true }
  }

  assert {
    condition     = output.egress["fallback"].fqdns == toset(["api.fireworks.ai"])
    error_message = "Fireworks.ai must be let out."
  }
}

run "services_are_reached_by_private_names" {
  command = plan

  assert {
    condition     = azurerm_private_dns_zone.this["cluster"].name == "privatelink.westeurope.azmk8s.io" && length(azurerm_private_dns_zone_virtual_network_link.this) == 2 * length(azurerm_private_dns_zone.this)
    error_message = "Each zone must be linked to hub and spoke."
  }
  assert {
    condition     = alltrue([for link in azurerm_private_dns_zone_virtual_network_link.this : !link.registration_enabled])
    error_message = "No machine may register a name."
  }
}

run "who_talked_to_whom_is_kept" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_network_watcher_flow_log.this)) == toset(["hub", "spoke"]) && alltrue([for log in azurerm_network_watcher_flow_log.this : log.enabled && log.retention_policy[0].enabled && log.retention_policy[0].days == 90 && log.traffic_analytics[0].enabled])
    error_message = "Both networks must have flow logs with their retention."
  }
  assert {
    condition     = one(azurerm_monitor_diagnostic_setting.firewall.enabled_log).category_group == "allLogs"
    error_message = "What the firewall decided must be logged."
  }
}

run "the_address_stays_in_the_region" {
  command = plan

  assert {
    condition     = azurerm_public_ip.firewall.sku_tier == "Regional" && azurerm_public_ip.firewall.allocation_method == "Static"
    error_message = "A global address could be announced outside the boundary."
  }
}

run "ddos_protection_is_an_option" {
  command = plan

  variables {
    ddos_protection = true
  }

  assert {
    condition     = length(azurerm_network_ddos_protection_plan.this) == 1 && one(azurerm_virtual_network.hub.ddos_protection_plan).enable && one(azurerm_virtual_network.spoke.ddos_protection_plan).enable
    error_message = "Hub and spoke must be protected."
  }
}

run "an_existing_network_watcher_is_used" {
  command = plan

  variables {
    network_watcher = { name = "NetworkWatcher_westeurope", resource_group_name = "NetworkWatcherRG" }
  }

  assert {
    condition     = length(azurerm_network_watcher.this) == 0 && azurerm_network_watcher_flow_log.this["hub"].network_watcher_name == "NetworkWatcher_westeurope"
    error_message = "A subscription has one watcher a region."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "eastus2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "westeurope" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_workspace_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "w", location = "uksouth" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_fallback_outside_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true }
  }

  expect_failures = [terraform_data.residency]
}

run "fireworks_by_the_back_door_is_refused" {
  command = plan

  variables {
    egress = { model = { fqdns = ["api.fireworks.ai"], reason = "The model answers faster there" } }
  }

  expect_failures = [var.egress]
}

run "egress_to_everywhere_is_refused" {
  command = plan

  variables {
    egress = { all = { fqdns = ["*"], reason = "Everything, for now and for ever" } }
  }

  expect_failures = [var.egress]
}

run "egress_without_a_reason_is_refused" {
  command = plan

  variables {
    egress = { images = { fqdns = ["registry.example.com"], reason = "because" } }
  }

  expect_failures = [var.egress]
}

run "a_public_address_space_is_refused" {
  command = plan

  variables {
    address_space = "8.8.0.0/16"
  }

  expect_failures = [var.address_space]
}

run "the_pods_addresses_are_refused" {
  command = plan

  variables {
    address_space = "10.244.0.0/16"
  }

  expect_failures = [var.address_space]
}

run "an_unknown_tier_is_refused" {
  command = plan

  variables {
    firewall_tier = "Basic"
  }

  expect_failures = [var.firewall_tier]
}

run "flow_logs_for_a_day_are_refused" {
  command = plan

  variables {
    flow_log_days = 1
  }

  expect_failures = [var.flow_log_days]
}
