# Azure Managed Redis (Azure Cache for Redis retires): Entra ID only, TLS only, no public address, nothing kept.
resource "azurerm_user_assigned_identity" "key" {
  name                = "${var.name}-redis-key"
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

resource "azurerm_managed_redis" "this" {
  name                      = "${var.name}-redis"
  location                  = local.location
  resource_group_name       = var.resource_group_name
  sku_name                  = var.size
  high_availability_enabled = var.high_availability
  public_network_access     = "Disabled"
  tags                      = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.key.id]
  }

  customer_managed_key {
    key_vault_key_id          = var.key_id
    user_assigned_identity_id = azurerm_user_assigned_identity.key.id
  }

  default_database {
    access_keys_authentication_enabled            = false
    client_protocol                               = "Encrypted"
    clustering_policy                             = "OSSCluster"
    eviction_policy                               = "VolatileLRU"
    persistence_redis_database_backup_frequency   = var.persistence ? "12h" : null
    persistence_append_only_file_backup_frequency = null
    geo_replication_group_name                    = null
  }

  depends_on = [azurerm_role_assignment.key]
}

resource "azurerm_managed_redis_access_policy_assignment" "client" {
  for_each = var.clients

  managed_redis_id = azurerm_managed_redis.this.id
  object_id        = each.value
}

resource "azurerm_private_endpoint" "redis" {
  name                = "${var.name}-redis"
  location            = local.location
  resource_group_name = var.resource_group_name
  subnet_id           = var.subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "redis"
    private_connection_resource_id = azurerm_managed_redis.this.id
    subresource_names              = ["redisEnterprise"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "redis"
    private_dns_zone_ids = [var.dns_zone_id]
  }
}

# Who connected, with which identity; commands and values are never logged.
resource "azurerm_monitor_diagnostic_setting" "connections" {
  name                       = "audit"
  target_resource_id         = "${azurerm_managed_redis.this.id}/databases/default"
  log_analytics_workspace_id = var.log_sink.id

  enabled_log {
    category = "ConnectionEvents"
  }
}
