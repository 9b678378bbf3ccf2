mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  tenant_id           = "22222222-2222-2222-2222-222222222222"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/endpoints"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
}

run "the_vault_is_closed" {
  command = plan

  assert {
    condition     = !azurerm_key_vault.this.public_network_access_enabled && azurerm_key_vault.this.network_acls[0].default_action == "Deny" && azurerm_private_endpoint.vault.subnet_id == var.subnet_id
    error_message = "The private endpoint must be the only way in."
  }
  assert {
    condition     = azurerm_key_vault.this.rbac_authorization_enabled && !azurerm_key_vault.this.enabled_for_deployment && !azurerm_key_vault.this.enabled_for_disk_encryption && !azurerm_key_vault.this.enabled_for_template_deployment
    error_message = "Roles decide, and nothing is let around them."
  }
}

run "a_key_cannot_be_lost" {
  command = plan

  assert {
    condition     = azurerm_key_vault.this.purge_protection_enabled && azurerm_key_vault.this.soft_delete_retention_days == 90
    error_message = "A deleted key must be there for 90 days, whoever deleted it."
  }
}

run "keys_live_in_the_hsm" {
  command = plan

  assert {
    condition     = azurerm_key_vault.this.sku_name == "premium" && alltrue([for key in azurerm_key_vault_key.this : endswith(key.key_type, "-HSM")])
    error_message = "Every key must be made in the HSM."
  }
  assert {
    condition     = alltrue([for name, key in azurerm_key_vault_key.this : name == "signing" ? key.curve == "P-384" : key.key_size == 4096])
    error_message = "Keys must be as strong as Key Vault makes them."
  }
}

run "a_key_for_each_purpose_and_no_other" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_key_vault_key.this)) == toset(["storage", "disks", "etcd", "redis", "registry", "seal", "signing"])
    error_message = "Losing one key must touch one thing."
  }
  assert {
    condition     = toset(azurerm_key_vault_key.this["seal"].key_opts) == toset(["wrapKey", "unwrapKey"]) && toset(azurerm_key_vault_key.this["signing"].key_opts) == toset(["sign", "verify"])
    error_message = "A key must do what it is for."
  }
}

run "keys_turn_by_themselves" {
  command = plan

  assert {
    condition     = alltrue([for key in azurerm_key_vault_key.this : key.rotation_policy[0].expire_after == "P210D" && key.rotation_policy[0].automatic[0].time_before_expiry == "P30D"])
    error_message = "A key must be renewed 180 days after the last."
  }
}

run "secrets_are_written_and_never_kept" {
  command = plan

  variables {
    secrets         = { fireworks = "not-a-real-key" }
    secret_versions = { fireworks = 1 }
  }

  assert {
    condition     = azurerm_key_vault_secret.this["fireworks"].value == null && azurerm_key_vault_secret.this["fireworks"].value_wo_version == 1
    error_message = "The value must be write-only."
  }
  assert {
    condition     = azurerm_key_vault_secret.this["fireworks"].expiration_date == "2027-12-31T00:00:00Z"
    error_message = "A secret must expire."
  }
}

run "use_is_logged" {
  command = plan

  assert {
    condition     = one(azurerm_monitor_diagnostic_setting.vault.enabled_log).category_group == "audit"
    error_message = "Who used which key must be logged."
  }
}

run "the_operator_gets_officers_roles_when_named" {
  command = plan

  variables {
    operator_principal_id = "66666666-6666-6666-6666-666666666666"
  }

  assert {
    condition     = toset([for role in azurerm_role_assignment.operator : role.role_definition_name]) == toset(["Key Vault Crypto Officer", "Key Vault Secrets Officer"])
    error_message = "The operator manages keys and secrets, not the vault's roles."
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

run "keys_that_never_turn_are_refused" {
  command = plan

  variables {
    rotation_days = 3650
  }

  expect_failures = [var.rotation_days]
}

run "a_tenant_by_its_name_is_refused" {
  command = plan

  variables {
    tenant_id = "contoso"
  }

  expect_failures = [var.tenant_id]
}

run "a_secret_with_no_name_is_refused" {
  command = plan

  variables {
    secret_versions = { "" = 1 }
  }

  expect_failures = [var.secret_versions]
}

run "an_expiry_that_is_no_time_is_refused" {
  command = plan

  variables {
    secret_expiry = "never"
  }

  expect_failures = [var.secret_expiry]
}
