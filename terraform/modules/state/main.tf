# Where Terraform's state is kept: made once, before anything else, and by nothing else. Its own state, which holds no secret, is a
# local file of whoever made it.
resource "azurerm_resource_group" "this" {
  name     = "rg-${var.name}-state"
  location = local.location
  tags     = local.tags
}

resource "azurerm_key_vault" "this" {
  # checkov:skip=CKV2_AZURE_32:made before there is a network; only the operators' ranges get in
  # checkov:skip=CKV_AZURE_189:as above: from the operators' ranges only
  name                            = "${var.name}-state"
  location                        = local.location
  resource_group_name             = azurerm_resource_group.this.name
  tenant_id                       = var.tenant_id
  sku_name                        = "premium"
  rbac_authorization_enabled      = true
  purge_protection_enabled        = true
  soft_delete_retention_days      = 90
  public_network_access_enabled   = true # from the operators' ranges only: there is no network yet to be private in
  enabled_for_deployment          = false
  enabled_for_disk_encryption     = false
  enabled_for_template_deployment = false
  tags                            = local.tags

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
    ip_rules       = sort(var.operator_ranges)
  }
}

resource "azurerm_role_assignment" "key_officer" {
  for_each = var.operators

  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Crypto Officer"
  principal_id         = each.value
}

resource "azurerm_key_vault_key" "state" {
  # checkov:skip=CKV_AZURE_40:the rotation policy ends each version; one fixed day for all would end the key itself
  name         = "state"
  key_vault_id = azurerm_key_vault.this.id
  key_type     = "RSA-HSM"
  key_size     = 4096
  key_opts     = ["wrapKey", "unwrapKey"]
  tags         = local.tags

  rotation_policy {
    expire_after         = "P210D"
    notify_before_expiry = "P29D"

    automatic {
      time_before_expiry = "P30D"
    }
  }

  depends_on = [azurerm_role_assignment.key_officer]
}

resource "azurerm_user_assigned_identity" "key" {
  name                = "${var.name}-state-key"
  location            = local.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

resource "azurerm_role_assignment" "key" {
  scope                            = azurerm_key_vault.this.id
  role_definition_name             = "Key Vault Crypto Service Encryption User"
  principal_id                     = azurerm_user_assigned_identity.key.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_storage_account" "this" {
  # checkov:skip=CKV2_AZURE_33:made before there is a network; only the operators' ranges get in
  # checkov:skip=CKV_AZURE_59:as above: from the operators' ranges only
  # checkov:skip=CKV_AZURE_206:it does, in the zones of the region or in its pair; the class is the residency module's, computed
  # checkov:skip=CKV_AZURE_33:there are no queues
  name                              = substr(replace("${var.name}state", "-", ""), 0, 24)
  resource_group_name               = azurerm_resource_group.this.name
  location                          = local.location
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = terraform_data.residency.input.replication
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  public_network_access_enabled     = true # from the operators' ranges only
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  local_user_enabled                = false
  infrastructure_encryption_enabled = true
  queue_encryption_key_type         = "Account"
  table_encryption_key_type         = "Account"
  tags                              = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.key.id]
  }

  customer_managed_key {
    key_vault_key_id          = azurerm_key_vault_key.state.versionless_id
    user_assigned_identity_id = azurerm_user_assigned_identity.key.id
  }

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
    ip_rules       = sort(var.operator_ranges)
  }

  sas_policy {
    expiration_period = "01.00:00:00"
    expiration_action = "Block"
  }

  blob_properties {
    versioning_enabled  = true
    change_feed_enabled = true

    delete_retention_policy {
      days = 90
    }
    container_delete_retention_policy {
      days = 90
    }
  }

  depends_on = [azurerm_role_assignment.key]
}

resource "azurerm_storage_container" "state" {
  # checkov:skip=CKV2_AZURE_21:classic logging needs a shared key, which is off; the activity log and versions say who wrote what
  name                  = "tfstate"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

# The lock is a lease of the blob, which the same role takes.
resource "azurerm_role_assignment" "state" {
  for_each = var.operators

  scope                = azurerm_storage_container.state.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = each.value
}
