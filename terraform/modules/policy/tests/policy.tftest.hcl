mock_provider "azurerm" {}

variables {
  name           = "maily-test"
  location       = "westeurope"
  data_residency = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  scope          = "/subscriptions/00000000-0000-0000-0000-000000000000"
}

run "azure_refuses_other_regions" {
  command = plan

  assert {
    condition     = strcontains(azurerm_subscription_policy_assignment.this["locations"].policy_definition_id, "e56962a6-4747-49cd-b67b-bf8b01975c4c") && azurerm_subscription_policy_assignment.this["locations"].enforce
    error_message = "Allowed locations must be enforced for resources."
  }
  assert {
    condition     = toset(jsondecode(azurerm_subscription_policy_assignment.this["locations"].parameters).listOfAllowedLocations.value) == toset(output.allowed_locations) && jsondecode(azurerm_subscription_policy_assignment.this["resource-groups"].parameters).listOfAllowedLocations.value == jsondecode(azurerm_subscription_policy_assignment.this["locations"].parameters).listOfAllowedLocations.value
    error_message = "Resources and resource groups must be held to the same regions."
  }
  assert {
    condition     = contains(output.allowed_locations, "westeurope") && !contains(output.allowed_locations, "uksouth") && !contains(output.allowed_locations, "eastus")
    error_message = "The regions must be the boundary's."
  }
}

run "a_refusal_names_the_article" {
  command = plan

  assert {
    condition     = startswith(azurerm_subscription_policy_assignment.this["locations"].non_compliance_message[0].content, "GDPR Article 44")
    error_message = "Who is refused must be told why."
  }
}

run "azure_refuses_copies_that_leave" {
  command = plan

  variables {
    location       = "brazilsouth"
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
  }

  assert {
    condition     = contains(terraform_data.residency.input.local, "brazilsouth") && jsondecode(azurerm_policy_definition.replication.policy_rule).then.effect == "deny"
    error_message = "Brazil South copies to Texas: geo-redundant classes must be refused there."
  }
}

run "azure_refuses_keys_and_public_blobs" {
  command = plan

  assert {
    condition     = jsondecode(azurerm_subscription_policy_assignment.this["no-shared-keys"].parameters).effect.value == "Deny" && jsondecode(azurerm_subscription_policy_assignment.this["no-public-blobs"].parameters).effect.value == "Deny"
    error_message = "Shared keys and public blobs must be refused."
  }
}

run "reporting_only_is_an_option" {
  command = plan

  variables {
    enforce = false
  }

  assert {
    condition     = alltrue([for assignment in azurerm_subscription_policy_assignment.this : !assignment.enforce])
    error_message = "Nothing may be refused while it is only reported."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "eastus2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "westeurope" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_scope_that_is_no_subscription_is_refused" {
  command = plan

  variables {
    scope = "/providers/Microsoft.Management/managementGroups/root"
  }

  expect_failures = [var.scope]
}
