mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/endpoints"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
  key_id              = "https://kv.vault.azure.net/keys/registry"
  vault_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
  pullers             = { nodes = "55555555-5555-5555-5555-555555555555" }
  pushers             = { release = "66666666-6666-6666-6666-666666666666" }
}

run "no_way_in_but_by_identity_and_in_private" {
  command = plan

  assert {
    condition     = !azurerm_container_registry.this.admin_enabled && !azurerm_container_registry.this.anonymous_pull_enabled && !azurerm_container_registry.this.azuread_authentication_as_arm_policy_enabled
    error_message = "There must be no password, and nothing for strangers."
  }
  assert {
    condition     = !azurerm_container_registry.this.public_network_access_enabled && azurerm_container_registry.this.network_rule_set[0].default_action == "Deny" && azurerm_container_registry.this.network_rule_bypass_option == "None"
    error_message = "The private endpoint must be the only way in."
  }
}

run "images_cannot_be_taken_away" {
  command = plan

  assert {
    condition     = !azurerm_container_registry.this.export_policy_enabled && azurerm_container_registry.this.data_endpoint_enabled
    error_message = "Exports must be off, and downloads come from an endpoint of our own."
  }
}

run "what_is_not_released_is_not_pulled" {
  command = plan

  assert {
    condition     = azurerm_container_registry.this.quarantine_policy_enabled && azurerm_container_registry.this.retention_policy_in_days == 30
    error_message = "Images must be quarantined until released; untagged ones go."
  }
}

run "our_key_encrypts_images" {
  command = plan

  assert {
    condition     = azurerm_container_registry.this.sku == "Premium" && azurerm_container_registry.this.encryption[0].key_vault_key_id == var.key_id
    error_message = "Images must be encrypted with our key."
  }
  assert {
    condition     = azurerm_container_registry.this.zone_redundancy_enabled
    error_message = "West Europe has zones."
  }
}

run "nodes_pull_and_the_release_pushes" {
  command = plan

  assert {
    condition     = azurerm_role_assignment.pull["nodes"].role_definition_name == "AcrPull" && azurerm_role_assignment.push["release"].role_definition_name == "AcrPush" && length(azurerm_role_assignment.sign) == 0
    error_message = "Each must do its part and no more."
  }
}

run "the_release_signs_with_one_key" {
  command = plan

  variables {
    signing_key = { resource_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/keys/signing" }
  }

  assert {
    condition     = azurerm_role_assignment.sign["release"].scope == var.signing_key.resource_id && azurerm_role_assignment.sign["release"].role_definition_name == "Key Vault Crypto User"
    error_message = "The release must sign with that key only."
  }
}

run "pulls_and_pushes_are_logged" {
  command = plan

  assert {
    condition     = toset([for log in azurerm_monitor_diagnostic_setting.registry.enabled_log : log.category]) == toset(["ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"])
    error_message = "Logins, pulls and pushes must be logged."
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

run "untagged_images_for_ever_are_refused" {
  command = plan

  variables {
    untagged_days = 3650
  }

  expect_failures = [var.untagged_days]
}
