mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/endpoints"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.redis.azure.net"
  key_id              = "https://kv.vault.azure.net/keys/redis/0123456789abcdef0123456789abcdef"
  vault_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
  clients             = { storage = "55555555-5555-5555-5555-555555555555" }
}

run "identity_and_tls_only" {
  command = plan

  assert {
    condition     = !azurerm_managed_redis.this.default_database[0].access_keys_authentication_enabled && azurerm_managed_redis.this.default_database[0].client_protocol == "Encrypted"
    error_message = "There must be no access key and no plain connection."
  }
  assert {
    condition     = azurerm_managed_redis_access_policy_assignment.client["storage"].object_id == "55555555-5555-5555-5555-555555555555"
    error_message = "A named identity may log in, and no other."
  }
  assert {
    condition     = output.authentication == "identity" && output.tls && output.port == 10000
    error_message = "The outputs must be as the contract says."
  }
}

run "no_public_address" {
  command = plan

  assert {
    condition     = azurerm_managed_redis.this.public_network_access == "Disabled" && azurerm_private_endpoint.redis.subnet_id == var.subnet_id
    error_message = "The private endpoint must be the only way in."
  }
}

run "our_key_encrypts_it" {
  command = plan

  assert {
    condition     = azurerm_managed_redis.this.customer_managed_key[0].key_vault_key_id == var.key_id && azurerm_role_assignment.key.role_definition_name == "Key Vault Crypto Service Encryption User"
    error_message = "Its disks must be encrypted with our key, used by an identity that can do nothing else."
  }
}

run "two_nodes_and_nothing_kept" {
  command = plan

  assert {
    condition     = azurerm_managed_redis.this.high_availability_enabled && azurerm_managed_redis.this.default_database[0].persistence_redis_database_backup_frequency == null && azurerm_managed_redis.this.default_database[0].persistence_append_only_file_backup_frequency == null
    error_message = "It must survive a node, and outlive nothing."
  }
  assert {
    condition     = azurerm_managed_redis.this.default_database[0].geo_replication_group_name == null
    error_message = "It must not be copied to another region."
  }
}

run "connections_are_logged" {
  command = plan

  assert {
    condition     = one(azurerm_monitor_diagnostic_setting.connections.enabled_log).category == "ConnectionEvents"
    error_message = "Who connected must be logged, and no more."
  }
}

run "persistence_is_an_option" {
  command = plan

  variables {
    persistence = true
  }

  assert {
    condition     = azurerm_managed_redis.this.default_database[0].persistence_redis_database_backup_frequency == "12h"
    error_message = "Persistence must keep a snapshot."
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

run "a_size_of_the_retiring_service_is_refused" {
  command = plan

  variables {
    size = "Premium_P1"
  }

  expect_failures = [var.size]
}
