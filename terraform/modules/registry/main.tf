# Premium, for private endpoints, customer-managed keys and dedicated data endpoints. Images are signed with Notation
# (cosign reads the same key) by the signing key of modules/keys; the cluster admits signed images only (k8s/base).
resource "azurerm_user_assigned_identity" "key" {
  name                = "${var.name}-registry-key"
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

resource "azurerm_container_registry" "this" {
  # checkov:skip=CKV_AZURE_164:Docker content trust is retired; images are signed with Notation and the cluster admits signed ones only
  # checkov:skip=CKV_AZURE_165:images are pushed again where they are needed; a geo-replica would leave the choice of region to nobody's plan
  # checkov:skip=CKV_AZURE_233:it is wherever the region has zones; the residency module says so, computed
  name                                         = replace("${var.name}acr", "-", "")
  location                                     = local.location
  resource_group_name                          = var.resource_group_name
  sku                                          = "Premium"
  admin_enabled                                = false
  anonymous_pull_enabled                       = false
  public_network_access_enabled                = false
  export_policy_enabled                        = false
  data_endpoint_enabled                        = true
  quarantine_policy_enabled                    = true
  retention_policy_in_days                     = var.untagged_days
  zone_redundancy_enabled                      = terraform_data.residency.input.zoned
  network_rule_bypass_option                   = "None"
  azuread_authentication_as_arm_policy_enabled = false
  tags                                         = local.tags

  network_rule_set {
    default_action = "Deny"
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.key.id]
  }

  encryption {
    key_vault_key_id   = var.key_id
    identity_client_id = azurerm_user_assigned_identity.key.client_id
  }

  depends_on = [azurerm_role_assignment.key]
}

resource "azurerm_role_assignment" "pull" {
  for_each = var.pullers

  scope                            = azurerm_container_registry.this.id
  role_definition_name             = "AcrPull"
  principal_id                     = each.value
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_role_assignment" "push" {
  for_each = var.pushers

  scope                            = azurerm_container_registry.this.id
  role_definition_name             = "AcrPush"
  principal_id                     = each.value
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_role_assignment" "sign" {
  for_each = var.signing_key == null ? {} : var.pushers

  scope                            = var.signing_key.resource_id
  role_definition_name             = "Key Vault Crypto User"
  principal_id                     = each.value
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_private_endpoint" "registry" {
  name                = "${var.name}-acr"
  location            = local.location
  resource_group_name = var.resource_group_name
  subnet_id           = var.subnet_id
  tags                = local.tags

  private_service_connection {
    name                           = "registry"
    private_connection_resource_id = azurerm_container_registry.this.id
    subresource_names              = ["registry"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "registry"
    private_dns_zone_ids = [var.dns_zone_id]
  }
}

resource "azurerm_monitor_diagnostic_setting" "registry" {
  name                       = "audit"
  target_resource_id         = azurerm_container_registry.this.id
  log_analytics_workspace_id = var.log_sink.id

  enabled_log {
    category = "ContainerRegistryLoginEvents"
  }
  enabled_log {
    category = "ContainerRegistryRepositoryEvents"
  }
  enabled_metric {
    category = "AllMetrics"
  }
}
