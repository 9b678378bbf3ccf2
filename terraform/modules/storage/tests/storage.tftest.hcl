mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  key_id              = "https://kv.vault.azure.net/keys/storage"
  vault_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
  buckets = {
    objects = { cool_days = 60, retention_days = 400 }
    audit   = { immutable_days = 365, locked = true, legal_hold = ["case-1"], retention_days = 400 }
  }
}

run "closed_account" {
  command = plan
  assert {
    condition     = !azurerm_storage_account.this.public_network_access_enabled && !azurerm_storage_account.this.shared_access_key_enabled && !azurerm_storage_account.this.allow_nested_items_to_be_public && azurerm_storage_account.this.min_tls_version == "TLS1_2" && azurerm_storage_account.this.https_traffic_only_enabled && !azurerm_storage_account.this.local_user_enabled
    error_message = "the account is open"
  }
}
run "versions_and_soft_delete" {
  command = plan
  assert {
    condition     = azurerm_storage_account.this.blob_properties[0].versioning_enabled && azurerm_storage_account.this.blob_properties[0].delete_retention_policy[0].days == 30
    error_message = "deleted blobs can't be brought back"
  }
}
run "immutable_and_held" {
  command = plan
  assert {
    condition     = azurerm_storage_container_immutability_policy.bucket["audit"].locked && azurerm_management_lock.hold["audit"].lock_level == "CanNotDelete" && length(azurerm_storage_management_policy.this[0].rule) == 1
    error_message = "audit is not held"
  }
}
run "region_outside_refused" {
  command = plan
  variables { location = "eastus2" }
  expect_failures = [terraform_data.residency]
}
run "log_workspace_outside_refused" {
  command = plan
  variables { log_sink = { id = "x", location = "uksouth" } }
  expect_failures = [terraform_data.residency]
}
run "copy_outside_refused" {
  command = plan
  variables {
    location       = "brazilsouth"
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
    log_sink       = { id = "x", location = "brazilsouth" }
    replication    = "geo"
  }
  expect_failures = [terraform_data.residency]
}
run "lock_without_days_refused" {
  command = plan
  variables { buckets = { audit = { locked = true } } }
  expect_failures = [var.buckets]
}
run "unknown_access_refused" {
  command = plan
  variables { clients = { a = { principal = "p", buckets = { objects = "own" } } } }
  expect_failures = [var.clients]
}
