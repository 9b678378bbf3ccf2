mock_provider "azurerm" {}

variables {
  name               = "maily-test"
  location           = "westeurope"
  data_residency     = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership          = { owner = "platform", environment = "dev", data_class = "restricted" }
  hostname           = "mail.example.com"
  firewall_policy_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/p"
  public_address     = "20.50.0.1"
  service_address    = "10.64.224.10"
}

run "tls_passes_through_unopened" {
  command = plan

  assert {
    condition     = output.policy == "passthrough" && output.terminates == "service"
    error_message = "No cloud service may end TLS."
  }
  assert {
    condition     = output.groups[0] == "X25519MLKEM768"
    error_message = "The post-quantum group must come first."
  }
}

run "one_port_is_passed_on" {
  command = plan

  assert {
    condition     = one(azurerm_firewall_policy_rule_collection_group.edge.nat_rule_collection[0].rule).destination_ports == tolist(["443"]) && one(azurerm_firewall_policy_rule_collection_group.edge.nat_rule_collection[0].rule).translated_port == 443 && one(azurerm_firewall_policy_rule_collection_group.edge.nat_rule_collection[0].rule).translated_address == var.service_address
    error_message = "Port 443 must reach the edge service, and nothing else anything."
  }
}

run "who_may_reach_it_can_be_narrowed" {
  command = plan

  variables {
    sources = ["203.0.113.0/24"]
  }

  assert {
    condition     = one(azurerm_firewall_policy_rule_collection_group.edge.nat_rule_collection[0].rule).source_addresses == tolist(["203.0.113.0/24"])
    error_message = "The rule must name the sources."
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

run "a_public_service_address_is_refused" {
  command = plan

  variables {
    service_address = "20.50.0.2"
  }

  expect_failures = [var.service_address]
}

run "a_hostname_without_a_domain_is_refused" {
  command = plan

  variables {
    hostname = "mail"
  }

  expect_failures = [var.hostname]
}

run "sources_that_are_no_ranges_are_refused" {
  command = plan

  variables {
    sources = ["office"]
  }

  expect_failures = [var.sources]
}
