# Deny by default, both ways, and log what was denied. What is let out has a name and a reason.
locals {
  # The provider of the fallback is let out only where the residency table lets it.
  fallback = var.fallback.enabled ? {
    "inference-fallback" = {
      fqdns  = toset([var.fallback.endpoint])
      ports  = toset([443])
      reason = "Inference falls back to ${var.fallback.endpoint} when our own model can't answer"
    }
  } : {}
  egress     = merge(var.egress, local.fallback)
  priorities = { for number, name in sort(keys(local.egress)) : name => 2000 + number }
}

# A regional policy: its rules and logs stay in the region.
resource "google_compute_region_network_firewall_policy" "this" {
  project     = var.project
  region      = local.location
  name        = var.name
  description = "All that ${var.name} may reach, and why"
}

resource "google_compute_region_network_firewall_policy_association" "this" {
  project           = var.project
  region            = local.location
  name              = var.name
  attachment_target = google_compute_network.spoke.id
  firewall_policy   = google_compute_region_network_firewall_policy.this.name
}

resource "google_compute_region_network_firewall_policy_rule" "egress" {
  for_each = local.egress

  project         = var.project
  region          = local.location
  firewall_policy = google_compute_region_network_firewall_policy.this.name
  rule_name       = each.key
  description     = each.value.reason
  direction       = "EGRESS"
  action          = "allow"
  priority        = local.priorities[each.key]
  disabled        = false
  enable_logging  = true

  match {
    dest_fqdns = sort(each.value.fqdns)
    layer4_configs {
      ip_protocol = "tcp"
      ports       = sort([for port in each.value.ports : tostring(port)])
    }
  }
}

resource "google_compute_region_network_firewall_policy_rule" "inside" {
  for_each = { EGRESS = 1000, INGRESS = 1001 }

  project         = var.project
  region          = local.location
  firewall_policy = google_compute_region_network_firewall_policy.this.name
  rule_name       = "inside-${lower(each.key)}"
  description     = "Inside the network; Kubernetes' policies decide the rest"
  direction       = each.key
  action          = "allow"
  priority        = each.value
  disabled        = false
  enable_logging  = false

  match {
    src_ip_ranges  = each.key == "INGRESS" ? [var.address_space] : null
    dest_ip_ranges = each.key == "EGRESS" ? [var.address_space] : null
    layer4_configs {
      ip_protocol = "all"
    }
  }
}

resource "google_compute_region_network_firewall_policy_rule" "google" {
  project         = var.project
  region          = local.location
  firewall_policy = google_compute_region_network_firewall_policy.this.name
  rule_name       = "google-apis"
  description     = "Google's own services, on their private address"
  direction       = "EGRESS"
  action          = "allow"
  priority        = 1100
  disabled        = false
  enable_logging  = false

  match {
    dest_ip_ranges = [local.google]
    layer4_configs {
      ip_protocol = "tcp"
      ports       = ["443"]
    }
  }
}

resource "google_compute_region_network_firewall_policy_rule" "deny" {
  for_each = { EGRESS = 65000, INGRESS = 65001 }

  project         = var.project
  region          = local.location
  firewall_policy = google_compute_region_network_firewall_policy.this.name
  rule_name       = "deny-${lower(each.key)}"
  description     = "Everything else"
  direction       = each.key
  action          = "deny"
  priority        = each.value
  disabled        = false
  enable_logging  = true

  match {
    src_ip_ranges  = each.key == "INGRESS" ? ["0.0.0.0/0"] : null
    dest_ip_ranges = each.key == "EGRESS" ? ["0.0.0.0/0"] : null
    layer4_configs {
      ip_protocol = "all"
    }
  }
}
