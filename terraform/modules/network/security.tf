# Deny by default in every subnet, both ways; each allowed flow is one rule. Azure's own default rules, which allow the
# whole network and the Internet, come after ours and are never reached.
locals {
  # Direction, priority, protocol, from, to, ports, and what for.
  rules = {
    cluster = {
      pods-and-nodes-in   = ["Inbound", 100, "*", local.cluster, local.cluster, ["0-65535"], "Nodes and the pods behind them talk to each other; Cilium's policies say which may."]
      load-balancer-in    = ["Inbound", 110, "*", "AzureLoadBalancer", "*", ["0-65535"], "Health probes of the internal load balancer."]
      edge-in             = ["Inbound", 120, "Tcp", local.firewall, local.edge, ["443"], "What the firewall lets in arrives at the edge service's address."]
      api-in              = ["Inbound", 130, "Tcp", local.api, local.cluster, ["443", "4443", "10250"], "The API server calls webhooks, metrics and kubelets."]
      pods-and-nodes-out  = ["Outbound", 100, "*", local.cluster, local.cluster, ["0-65535"], "Nodes and the pods behind them talk to each other; Cilium's policies say which may."]
      api-out             = ["Outbound", 110, "Tcp", local.cluster, local.api, ["443", "4443"], "Kubelets and controllers reach the private API server."]
      endpoints-out       = ["Outbound", 120, "Tcp", local.cluster, local.endpoints, ["443", "8500-8599", "10000"], "Storage, keys, registry and logs (443) and Managed Redis."]
      dns-out             = ["Outbound", 130, "*", local.cluster, local.firewall, ["53"], "Names are resolved by the firewall's proxy."]
      internet-via-egress = ["Outbound", 140, "Tcp", local.cluster, "Internet", ["443"], "Routed to the firewall, which allows named hosts only."]
    }
    endpoints = {
      cluster-in = ["Inbound", 100, "Tcp", local.cluster, local.endpoints, ["443", "8500-8599", "10000"], "The cluster reaches storage, keys, registry, logs and Managed Redis."]
      api-in     = ["Inbound", 110, "Tcp", local.api, local.endpoints, ["443"], "The API server reaches the key that encrypts etcd."]
    }
    edge = {
      firewall-in      = ["Inbound", 100, "Tcp", local.firewall, local.edge, ["443"], "Only what the firewall has let in."]
      load-balancer-in = ["Inbound", 110, "*", "AzureLoadBalancer", "*", ["0-65535"], "Health probes of the internal load balancer."]
    }
    api = {
      cluster-in       = ["Inbound", 100, "Tcp", local.cluster, local.api, ["443", "4443"], "Kubelets and controllers reach the API server."]
      load-balancer-in = ["Inbound", 110, "*", "AzureLoadBalancer", local.api, ["9988"], "Health probes of the API server."]
      cluster-out      = ["Outbound", 100, "Tcp", local.api, local.cluster, ["443", "4443", "10250"], "The API server calls webhooks, metrics and kubelets."]
      endpoints-out    = ["Outbound", 110, "Tcp", local.api, local.endpoints, ["443"], "The API server reaches the key that encrypts etcd."]
    }
  }
  deny = {
    deny-in  = ["Inbound", 4096, "*", "*", "*", ["*"], "Everything else is refused."]
    deny-out = ["Outbound", 4096, "*", "*", "*", ["*"], "Everything else is refused."]
  }
  subnets = merge({ for name, subnet in azurerm_subnet.spoke : name => subnet.id }, { api = azurerm_subnet.api.id })
}

resource "azurerm_network_security_group" "this" {
  for_each = local.rules

  name                = "${var.name}-${each.key}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags

  dynamic "security_rule" {
    for_each = merge(each.value, local.deny)

    content {
      name                       = security_rule.key
      direction                  = security_rule.value[0]
      priority                   = security_rule.value[1]
      protocol                   = security_rule.value[2]
      source_port_range          = "*"
      source_address_prefix      = security_rule.value[3]
      destination_address_prefix = security_rule.value[4]
      destination_port_range     = length(security_rule.value[5]) == 1 ? security_rule.value[5][0] : null
      destination_port_ranges    = length(security_rule.value[5]) == 1 ? null : security_rule.value[5]
      description                = security_rule.value[6]
      access                     = startswith(security_rule.key, "deny-") ? "Deny" : "Allow"
    }
  }
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = local.subnets

  subnet_id                 = each.value
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}
