mock_provider "azurerm" {}

variables {
  name            = "maily-test"
  location        = "westeurope"
  data_residency  = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  replication     = "geo"
  tenant_id       = "22222222-2222-2222-2222-222222222222"
  operators       = { pipeline = "77777777-7777-7777-7777-777777777777" }
  operator_ranges = ["203.0.113.0/28"]
}

run "only_operators_from_where_they_run_get_in" {
  command = plan

  assert {
    condition     = azurerm_storage_account.this.network_rules[0].default_action == "Deny" && toset(azurerm_storage_account.this.network_rules[0].ip_rules) == toset(["203.0.113.0/28"]) && azurerm_key_vault.this.network_acls[0].default_action == "Deny"
    error_message = "Account and vault must refuse every other address."
  }
  assert {
    condition     = !azurerm_storage_account.this.shared_access_key_enabled && !azurerm_storage_account.this.local_user_enabled && !azurerm_storage_account.this.allow_nested_items_to_be_public && azurerm_storage_account.this.min_tls_version == "TLS1_2"
    error_message = "Entra ID over TLS must be the only way."
  }
  assert {
    condition     = azurerm_role_assignment.state["pipeline"].role_definition_name == "Storage Blob Data Contributor"
    error_message = "Operators must be able to write the state and to lock it, and no more."
  }
}

run "our_key_encrypts_the_state" {
  command = plan

  assert {
    condition     = azurerm_key_vault_key.state.key_type == "RSA-HSM" && azurerm_key_vault.this.purge_protection_enabled && azurerm_storage_account.this.infrastructure_encryption_enabled
    error_message = "The state must be encrypted with a key that can't be lost."
  }
}

run "old_states_can_be_brought_back" {
  command = plan

  assert {
    condition     = azurerm_storage_account.this.blob_properties[0].versioning_enabled && azurerm_storage_account.this.blob_properties[0].delete_retention_policy[0].days == 90 && azurerm_storage_account.this.account_replication_type == "GZRS"
    error_message = "A state must survive a mistake and a region."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "eastus2"
  }

  expect_failures = [terraform_data.residency]
}

run "copies_outside_are_refused" {
  command = plan

  variables {
    location       = "brazilsouth"
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
  }

  expect_failures = [terraform_data.residency]
}

run "the_whole_internet_is_refused" {
  command = plan

  variables {
    operator_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.operator_ranges]
}

run "nobody_is_refused" {
  command = plan

  variables {
    operators = {}
  }

  expect_failures = [var.operators]
}
