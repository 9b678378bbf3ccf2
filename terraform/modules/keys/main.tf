# One HSM-backed Key Vault for the deployment: a key per purpose, so that losing or revoking one touches nothing else.
resource "azurerm_key_vault" "this" {
  name                            = "${var.name}-kv"
  location                        = local.location
  resource_group_name             = var.resource_group_name
  tenant_id                       = var.tenant_id
  sku_name                        = "premium"
  rbac_authorization_enabled      = true
  purge_protection_enabled        = true
  soft_delete_retention_days      = 90
  public_network_access_enabled   = false
  enabled_for_deployment          = false
  enabled_for_disk_encryption     = false
  enabled_for_template_deployment = false
  tags                            = local.tags

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
  }
}

resource "azurerm_role_assignment" "operator" {
  for_each = var.operator_principal_id == null ? {} : { crypto = "Key Vault Crypto Officer", secrets = "Key Vault Secrets Officer" }

  scope                = azurerm_key_vault.this.id
  role_definition_name = each.value
  principal_id         = var.operator_principal_id
}

locals {
  wrapping = ["wrapKey", "unwrapKey"]
  # Key Vault has no ML-KEM or ML-DSA key yet; these wrap AES-256 keys inside the HSM and never leave it.
  keys = {
    storage  = { type = "RSA-HSM", size = 4096, curve = null, operations = local.wrapping }
    disks    = { type = "RSA-HSM", size = 4096, curve = null, operations = local.wrapping }
    etcd     = { type = "RSA-HSM", size = 4096, curve = null, operations = ["encrypt", "decrypt"] }
    redis    = { type = "RSA-HSM", size = 4096, curve = null, operations = local.wrapping }
    registry = { type = "RSA-HSM", size = 4096, curve = null, operations = local.wrapping }
    seal     = { type = "RSA-HSM", size = 4096, curve = null, operations = local.wrapping } # Vault's azurekeyvault seal
    signing  = { type = "EC-HSM", size = null, curve = "P-384", operations = ["sign", "verify"] }
  }
}

resource "azurerm_key_vault_key" "this" {
  # checkov:skip=CKV_AZURE_40:the rotation policy ends each version; one fixed day for all would end the key itself
  for_each = local.keys

  name         = each.key
  key_vault_id = azurerm_key_vault.this.id
  key_type     = each.value.type
  key_size     = each.value.size
  curve        = each.value.curve
  key_opts     = each.value.operations
  tags         = local.tags

  rotation_policy {
    expire_after         = "P${var.rotation_days + 30}D"
    notify_before_expiry = "P29D"

    automatic {
      time_before_expiry = "P30D"
    }
  }

  depends_on = [azurerm_role_assignment.operator, azurerm_private_endpoint.vault]
}

resource "azurerm_key_vault_secret" "this" {
  for_each = var.secret_versions

  name             = each.key
  key_vault_id     = azurerm_key_vault.this.id
  value_wo         = lookup(var.secrets, each.key, null)
  value_wo_version = each.value
  content_type     = "text/plain"
  expiration_date  = var.secret_expiry
  tags             = local.tags

  depends_on = [azurerm_role_assignment.operator, azurerm_private_endpoint.vault]
}

resource "azurerm_private_endpoint" "vault" {
  name                = "${var.name}-kv"
  location            = local.location
  resource_group_name = var.resource_group_name
  subnet_id           = var.subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "vault"
    private_connection_resource_id = azurerm_key_vault.this.id
    subresource_names              = ["vault"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "vault"
    private_dns_zone_ids = [var.dns_zone_id]
  }
}

resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                       = "audit"
  target_resource_id         = azurerm_key_vault.this.id
  log_analytics_workspace_id = var.log_sink.id

  enabled_log {
    category_group = "audit"
  }
  enabled_metric {
    category = "AllMetrics"
  }
}
