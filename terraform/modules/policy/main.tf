# The second lock: what Terraform's own checks refuse at plan, Azure refuses for everybody, whatever tool they use.
locals {
  builtin = "/providers/Microsoft.Authorization/policyDefinitions"
  allowed = terraform_data.residency.input.regions
  message = "${module.residency.article}: outside the ${module.residency.boundary} boundary."

  assignments = {
    locations = {
      definition = "${local.builtin}/e56962a6-4747-49cd-b67b-bf8b01975c4c"
      what       = "Resources are in the boundary's regions."
      parameters = { listOfAllowedLocations = { value = local.allowed } }
    }
    resource-groups = {
      definition = "${local.builtin}/e765b5de-1225-4ba3-bd56-1ac6695af988"
      what       = "Resource groups are in the boundary's regions."
      parameters = { listOfAllowedLocations = { value = local.allowed } }
    }
    no-shared-keys = {
      definition = "${local.builtin}/8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54"
      what       = "Storage accounts take no shared keys."
      parameters = { effect = { value = "Deny" } }
    }
    no-public-blobs = {
      definition = "${local.builtin}/4fa4b6c0-31ca-4c0d-b10d-24b96f62a751"
      what       = "Storage accounts have no public blobs."
      parameters = { effect = { value = "Deny" } }
    }
    residency-tag = {
      definition = "${local.builtin}/871b6d14-10aa-478d-b590-94f262ecfa99"
      what       = "Resources carry the tag residency."
      parameters = { tagName = { value = "residency" } }
    }
    replication = {
      definition = azurerm_policy_definition.replication.id
      what       = "No storage account or backup vault is replicated out of the boundary."
      parameters = { localRegions = { value = sort(terraform_data.residency.input.local) } }
    }
  }
}

# Azure chooses the pair region of a geo-redundant copy. Where that pair is outside the boundary, or there is none, only
# locally and zone redundant classes are let in.
resource "azurerm_policy_definition" "replication" {
  name         = "${var.name}-replication"
  policy_type  = "Custom"
  mode         = "All"
  display_name = "Replication stays inside the ${module.residency.boundary} boundary"
  description  = "${module.residency.article}: refuses geo-redundant storage and backup in regions whose pair is outside the boundary."

  metadata = jsonencode({ category = "Residency", version = "1.0.0" })

  parameters = jsonencode({
    localRegions = {
      type     = "Array"
      metadata = { displayName = "Regions without a pair inside the boundary" }
    }
  })

  policy_rule = jsonencode({
    "if" = {
      allOf = [
        { field = "location", in = "[parameters('localRegions')]" },
        { anyOf = [
          { allOf = [
            { field = "type", equals = "Microsoft.Storage/storageAccounts" },
            { field = "Microsoft.Storage/storageAccounts/sku.name", in = ["Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"] },
          ] },
          { allOf = [
            { field = "type", equals = "Microsoft.DataProtection/backupVaults" },
            {
              count = {
                field = "Microsoft.DataProtection/backupVaults/storageSettings[*]"
                where = { field = "Microsoft.DataProtection/backupVaults/storageSettings[*].type", equals = "GeoRedundant" }
              }
              greater = 0
            },
          ] },
        ] },
      ]
    }
    "then" = { effect = "deny" }
  })
}

resource "azurerm_subscription_policy_assignment" "this" {
  for_each = local.assignments

  name                 = "${var.name}-${each.key}"
  subscription_id      = var.scope
  policy_definition_id = each.value.definition
  display_name         = "Maily: ${each.value.what}"
  description          = "${module.residency.article}. ${each.value.what}"
  enforce              = var.enforce
  parameters           = jsonencode(each.value.parameters)

  non_compliance_message {
    content = contains(["locations", "resource-groups", "replication"], each.key) ? local.message : "Maily: ${each.value.what}"
  }
}
