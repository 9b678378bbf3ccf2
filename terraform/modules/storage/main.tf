# One account with versioned, soft-deleted, customer-key-encrypted blobs; reached by private endpoint and Entra ID only.
locals {
  account = substr(replace("${var.name}data", "-", ""), 0, 24)
}

resource "azurerm_user_assigned_identity" "key" {
  name                = "${var.name}-storage-key"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_role_assignment" "key" {
  scope                            = var.vault_id
  role_definition_name             = "Key Vault Crypto Service Encryption User"
  principal_id                     = azurerm_user_assigned_identity.key.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_storage_account" "this" {
  # checkov:skip=CKV_AZURE_33:there are no queues
  name                              = local.account
  resource_group_name               = var.resource_group_name
  location                          = local.location
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = local.replication
  access_tier                       = "Hot"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  public_network_access_enabled     = false
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  allowed_copy_scope                = "PrivateLink"
  local_user_enabled                = false
  is_hns_enabled                    = false
  infrastructure_encryption_enabled = true
  queue_encryption_key_type         = "Account"
  table_encryption_key_type         = "Account"
  tags                              = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.key.id]
  }

  customer_managed_key {
    key_vault_key_id          = var.key_id
    user_assigned_identity_id = azurerm_user_assigned_identity.key.id
  }

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  # Shared keys are off, so no SAS can be made from one; a user delegation SAS lives a day at the most.
  sas_policy {
    expiration_period = "01.00:00:00"
    expiration_action = "Block"
  }

  blob_properties {
    versioning_enabled            = true
    change_feed_enabled           = true
    change_feed_retention_in_days = 90

    delete_retention_policy {
      days                     = var.soft_delete_days
      permanent_delete_enabled = false
    }
    container_delete_retention_policy {
      days = var.soft_delete_days
    }
  }

  depends_on = [azurerm_role_assignment.key]
}

resource "azurerm_storage_container" "bucket" {
  # checkov:skip=CKV2_AZURE_21:classic logging needs a shared key, which is off; the diagnostic setting below logs each read and write
  for_each = var.buckets

  name                  = each.key
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
  metadata              = { dataclass = each.value.data_class, residency = module.residency.boundary }
}

resource "azurerm_private_endpoint" "blob" {
  name                = "${var.name}-blob"
  location            = local.location
  resource_group_name = var.resource_group_name
  subnet_id           = var.subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "blob"
    private_connection_resource_id = azurerm_storage_account.this.id
    subresource_names              = ["blob"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "blob"
    private_dns_zone_ids = [var.dns_zone_id]
  }
}

resource "azurerm_monitor_diagnostic_setting" "blob" {
  name                       = "audit"
  target_resource_id         = "${azurerm_storage_account.this.id}/blobServices/default"
  log_analytics_workspace_id = var.log_sink.id

  enabled_log {
    category_group = "audit"
  }
  enabled_metric {
    category = "Transaction"
  }
}
