mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  oidc_issuer_url     = "https://westeurope.oic.prod-aks.azure.com/t/c/"
  services            = { storage = { namespace = "maily", service_account = "storage" }, vault = { namespace = "maily", service_account = "vault" } }
}

run "one_identity_for_each_service" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_user_assigned_identity.service)) == toset(["storage", "vault"]) && azurerm_user_assigned_identity.service["storage"].name == "maily-test-storage"
    error_message = "Each service must have its own identity."
  }
}

run "exactly_one_service_account_may_take_it" {
  command = plan

  assert {
    condition     = azurerm_federated_identity_credential.service["storage"].subject == "system:serviceaccount:maily:storage" && azurerm_federated_identity_credential.service["storage"].issuer == var.oidc_issuer_url && tolist(azurerm_federated_identity_credential.service["storage"].audience) == tolist(["api://AzureADTokenExchange"])
    error_message = "The trust must name the issuer, the namespace and the account."
  }
}

run "nothing_is_granted_that_is_not_asked_for" {
  command = plan

  assert {
    condition     = length(azurerm_role_assignment.service) == 0
    error_message = "An identity has no role by itself."
  }
}

run "a_grant_names_its_scope_and_its_role" {
  command = plan

  variables {
    grants = { vault = { seal = { scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv/keys/seal", role = "Key Vault Crypto Service Encryption User" } } }
  }

  assert {
    condition     = endswith(azurerm_role_assignment.service["vault/seal"].scope, "/keys/seal") && azurerm_role_assignment.service["vault/seal"].principal_type == "ServicePrincipal"
    error_message = "Vault must reach its seal key and no other."
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

run "a_wildcard_account_is_refused" {
  command = plan

  variables {
    services = { storage = { namespace = "maily", service_account = "*" } }
  }

  expect_failures = [var.services]
}

run "an_issuer_without_tls_is_refused" {
  command = plan

  variables {
    oidc_issuer_url = "http://issuer"
  }

  expect_failures = [var.oidc_issuer_url]
}

run "an_administrators_role_is_refused" {
  command = plan

  variables {
    grants = { vault = { all = { scope = "/", role = "Owner" } } }
  }

  expect_failures = [var.grants]
}

run "a_grant_to_nobody_is_refused" {
  command = plan

  variables {
    grants = { ghost = { seal = { scope = "/", role = "Reader" } } }
  }

  expect_failures = [var.grants]
}
