# One identity per service, usable by exactly one Kubernetes service account; no secret anywhere.
resource "azurerm_user_assigned_identity" "service" {
  for_each = var.services

  name                = "${var.name}-${each.key}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "service" {
  for_each = var.services

  name                      = "${var.name}-${each.key}"
  user_assigned_identity_id = azurerm_user_assigned_identity.service[each.key].id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = var.oidc_issuer_url
  subject                   = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
}

locals {
  grants = merge([for service, grants in var.grants : {
    for purpose, grant in grants : "${service}/${purpose}" => merge(grant, { service = service })
  }]...)
}

resource "azurerm_role_assignment" "service" {
  for_each = local.grants

  scope                            = each.value.scope
  role_definition_name             = each.value.role
  principal_id                     = azurerm_user_assigned_identity.service[each.value.service].principal_id
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
