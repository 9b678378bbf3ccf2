# Azure has no TLS policy with ML-KEM on a service that stays in one region: Application Gateway has none, and Front Door,
# which has X25519MLKEM768 towards clients, ends TLS wherever the client is nearest, outside the boundary. So no cloud service ends
# TLS here: the firewall passes the bytes on, and Maily's own edge listener (TLS 1.3, X25519MLKEM768 first) ends it.
resource "azurerm_firewall_policy_rule_collection_group" "edge" {
  name               = "edge"
  firewall_policy_id = var.firewall_policy_id
  priority           = 300

  nat_rule_collection {
    name     = "edge"
    action   = "Dnat"
    priority = 300

    rule {
      name                = "https"
      description         = "TLS for ${var.hostname}, passed on unopened to the edge service."
      protocols           = ["TCP"]
      source_addresses    = sort(var.sources)
      destination_address = var.public_address
      destination_ports   = ["443"]
      translated_address  = var.service_address
      translated_port     = 443
    }
  }

  # The rule has no region of its own, so it waits for the gate instead.
  depends_on = [terraform_data.residency]
}
