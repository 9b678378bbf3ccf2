# The control plane's and the nodes' identities, and the little that each may do.
resource "azurerm_user_assigned_identity" "control_plane" {
  name                = "${var.name}-aks"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_user_assigned_identity" "nodes" {
  name                = "${var.name}-nodes"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

locals {
  control_plane_roles = {
    network = { scope = var.network_id, role = "Network Contributor" } # joins the subnets, makes internal load balancers
    routes  = { scope = var.route_table_id, role = "Network Contributor" }
    dns     = { scope = var.dns_zone_id, role = "Private DNS Zone Contributor" }
    disks   = { scope = azurerm_disk_encryption_set.this.id, role = "Reader" }
    etcd    = { scope = var.vault_id, role = "Key Vault Crypto User" }
    vault   = { scope = var.vault_id, role = "Key Vault Contributor" } # approves its own private link for KMS
    nodes   = { scope = azurerm_user_assigned_identity.nodes.id, role = "Managed Identity Operator" }
  }
}

resource "azurerm_role_assignment" "control_plane" {
  for_each = local.control_plane_roles

  scope                            = each.value.scope
  role_definition_name             = each.value.role
  principal_id                     = azurerm_user_assigned_identity.control_plane.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_user_assigned_identity" "disks" {
  name                = "${var.name}-disks-key"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_role_assignment" "disks" {
  scope                            = var.vault_id
  role_definition_name             = "Key Vault Crypto Service Encryption User"
  principal_id                     = azurerm_user_assigned_identity.disks.principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}

resource "azurerm_disk_encryption_set" "this" {
  name                      = "${var.name}-disks"
  location                  = local.location
  resource_group_name       = var.resource_group_name
  key_vault_key_id          = var.disk_key_id
  auto_key_rotation_enabled = true
  encryption_type           = "EncryptionAtRestWithPlatformAndCustomerKeys"
  tags                      = local.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.disks.id]
  }

  depends_on = [azurerm_role_assignment.disks]
}
