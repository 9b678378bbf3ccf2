# The only way out. Nothing is allowed but what is named in `local.egress`, and each entry says why it exists.
locals {
  required_egress = {
    kubernetes = {
      fqdns  = ["mcr.microsoft.com", "*.data.mcr.microsoft.com", "management.azure.com", "packages.microsoft.com", "packages.aks.azure.com"]
      ports  = [443]
      reason = "Nodes fetch system images and packages and talk to Azure's control plane; without it none joins or is patched."
    }
    identity = {
      fqdns  = ["login.microsoftonline.com"]
      ports  = [443]
      reason = "Pods exchange their service account token for an Entra ID token: workload identity."
    }
    policy = {
      fqdns  = ["data.policy.core.windows.net", "store.policy.core.windows.net"]
      ports  = [443]
      reason = "Azure Policy for Kubernetes fetches its definitions and reports compliance."
    }
    defender = {
      fqdns  = ["*.cloud.defender.microsoft.com"]
      ports  = [443]
      reason = "Defender for Containers sends what its sensor sees on the nodes."
    }
  }
  fallback_egress = var.fallback.enabled ? {
    fallback = {
      fqdns  = [lower(regex("^(?:https://)?([^/:?#]+)", var.fallback.endpoint)[0])]
      ports  = [443]
      reason = "Inference falls back to this provider; enabled by the operator and inside the ${module.residency.boundary} boundary."
    }
  } : {}
  egress = merge(var.egress, local.required_egress, local.fallback_egress)
}

resource "azurerm_public_ip" "firewall" {
  name                    = "${var.name}-firewall"
  location                = local.location
  resource_group_name     = var.resource_group_name
  allocation_method       = "Static"
  sku                     = "Standard"
  sku_tier                = "Regional" # a global address could be announced outside the boundary
  zones                   = local.zones
  ddos_protection_mode    = "VirtualNetworkInherited"
  tags                    = local.tags
  idle_timeout_in_minutes = 4
}

resource "azurerm_firewall_policy" "this" {
  # checkov:skip=CKV_AZURE_220:it is, in a dynamic block, wherever the tier has intrusion detection: Premium, the default
  name                     = "${var.name}-firewall"
  location                 = local.location
  resource_group_name      = var.resource_group_name
  sku                      = var.firewall_tier
  threat_intelligence_mode = "Deny"
  sql_redirect_allowed     = false
  tags                     = local.tags

  dns {
    proxy_enabled = true
  }

  dynamic "intrusion_detection" {
    for_each = var.firewall_tier == "Premium" ? ["Deny"] : []

    content {
      mode = intrusion_detection.value
    }
  }

  insights {
    enabled                            = true
    default_log_analytics_workspace_id = var.log_sink.id
    retention_in_days                  = var.flow_log_days
  }
}

resource "azurerm_firewall_policy_rule_collection_group" "egress" {
  name               = "egress"
  firewall_policy_id = azurerm_firewall_policy.this.id
  priority           = 500

  application_rule_collection {
    name     = "allow-list"
    action   = "Allow"
    priority = 500

    dynamic "rule" {
      for_each = local.egress

      content {
        name              = rule.key
        description       = rule.value.reason
        source_addresses  = [local.cluster]
        destination_fqdns = sort(rule.value.fqdns)

        dynamic "protocols" {
          for_each = rule.value.ports

          content {
            type = "Https"
            port = protocols.value
          }
        }
      }
    }
  }
}

resource "azurerm_firewall" "this" {
  # checkov:skip=CKV_AZURE_216:it is: threat_intelligence_mode of the policy, which a firewall with a policy takes it from
  name                = "${var.name}-firewall"
  location            = local.location
  resource_group_name = var.resource_group_name
  sku_name            = "AZFW_VNet"
  sku_tier            = var.firewall_tier
  firewall_policy_id  = azurerm_firewall_policy.this.id
  zones               = local.zones
  tags                = local.tags

  ip_configuration {
    name                 = "public"
    subnet_id            = azurerm_subnet.firewall.id
    public_ip_address_id = azurerm_public_ip.firewall.id
  }
}
