# Hub and spoke. The hub has the firewall, the only way out and in; the spoke has the cluster and the private endpoints.
locals {
  hub_space   = cidrsubnet(var.address_space, 4, 0)
  spoke_space = cidrsubnet(var.address_space, 1, 1)
  cluster     = cidrsubnet(local.spoke_space, 1, 0)
  endpoints   = cidrsubnet(local.spoke_space, 7, 64)
  edge        = cidrsubnet(local.spoke_space, 7, 65)
  api         = cidrsubnet(local.spoke_space, 11, 1056)
  firewall    = cidrsubnet(local.hub_space, 6, 0)
  zones       = terraform_data.residency.input.zones
}

resource "azurerm_network_ddos_protection_plan" "this" {
  count = var.ddos_protection ? 1 : 0

  name                = "${var.name}-ddos"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_virtual_network" "hub" {
  name                = "${var.name}-hub"
  location            = local.location
  resource_group_name = var.resource_group_name
  address_space       = [local.hub_space]
  tags                = local.tags

  dynamic "ddos_protection_plan" {
    for_each = azurerm_network_ddos_protection_plan.this

    content {
      id     = ddos_protection_plan.value.id
      enable = true
    }
  }
}

resource "azurerm_virtual_network" "spoke" {
  # checkov:skip=CKV_AZURE_182:the one DNS server is the firewall's proxy, an address of a zone-redundant service; a second would go around the filter
  name                = "${var.name}-spoke"
  location            = local.location
  resource_group_name = var.resource_group_name
  address_space       = [local.spoke_space]
  dns_servers         = [azurerm_firewall.this.ip_configuration[0].private_ip_address] # names are resolved where they are filtered
  tags                = local.tags

  dynamic "ddos_protection_plan" {
    for_each = azurerm_network_ddos_protection_plan.this

    content {
      id     = ddos_protection_plan.value.id
      enable = true
    }
  }
}

resource "azurerm_subnet" "firewall" {
  name                            = "AzureFirewallSubnet" # the name that Azure wants
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.hub.name
  address_prefixes                = [local.firewall]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet" "spoke" {
  # checkov:skip=CKV2_AZURE_31:each has one (security.tf), by for_each, which checkov does not follow
  for_each = { cluster = local.cluster, endpoints = local.endpoints, edge = local.edge }

  name                              = each.key
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.spoke.name
  address_prefixes                  = [each.value]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "Enabled" # so that the security group holds for private endpoints too
}

resource "azurerm_subnet" "api" {
  # checkov:skip=CKV2_AZURE_31:it has one (security.tf), by for_each, which checkov does not follow
  name                              = "api"
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.spoke.name
  address_prefixes                  = [local.api]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "Enabled"

  delegation {
    name = "aks"

    service_delegation {
      name    = "Microsoft.ContainerService/managedClusters"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_virtual_network_peering" "hub_to_spoke" {
  name                         = "hub-to-spoke"
  resource_group_name          = var.resource_group_name
  virtual_network_name         = azurerm_virtual_network.hub.name
  remote_virtual_network_id    = azurerm_virtual_network.spoke.id
  allow_virtual_network_access = true
  allow_forwarded_traffic      = false
  allow_gateway_transit        = false
  use_remote_gateways          = false
}

resource "azurerm_virtual_network_peering" "spoke_to_hub" {
  name                         = "spoke-to-hub"
  resource_group_name          = var.resource_group_name
  virtual_network_name         = azurerm_virtual_network.spoke.name
  remote_virtual_network_id    = azurerm_virtual_network.hub.id
  allow_virtual_network_access = true
  allow_forwarded_traffic      = true # what the firewall lets in comes through the hub
  allow_gateway_transit        = false
  use_remote_gateways          = false
}

resource "azurerm_route_table" "egress" {
  name                          = "${var.name}-egress"
  location                      = local.location
  resource_group_name           = var.resource_group_name
  bgp_route_propagation_enabled = false
  tags                          = local.tags

  route {
    name                   = "everything-to-the-firewall"
    address_prefix         = "0.0.0.0/0"
    next_hop_type          = "VirtualAppliance"
    next_hop_in_ip_address = azurerm_firewall.this.ip_configuration[0].private_ip_address
  }
}

resource "azurerm_subnet_route_table_association" "egress" {
  for_each = merge(azurerm_subnet.spoke, { api = azurerm_subnet.api })

  subnet_id      = each.value.id
  route_table_id = azurerm_route_table.egress.id
}
