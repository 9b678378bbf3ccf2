locals {
  roles = { read = "Storage Blob Data Reader", write = "Storage Blob Data Contributor" }
  grants = merge([for service, client in var.clients : {
    for bucket, access in client.buckets : "${service}/${bucket}" => { principal = client.principal, bucket = bucket, role = local.roles[access] }
  }]...)
}

# Each service on its own buckets, and never on the account.
resource "azurerm_role_assignment" "client" {
  for_each = local.grants

  scope                            = azurerm_storage_container.bucket[each.value.bucket].id
  role_definition_name             = each.value.role
  principal_id                     = each.value.principal
  principal_type                   = "ServicePrincipal"
  skip_service_principal_aad_check = true
}
