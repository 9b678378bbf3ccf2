terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
  }

  # The account is made by environments/prod/state: inside the boundary, encrypted with our key, locked by blob lease, entered with
  # Entra ID only. Its name is global: change it here, or give `terraform init -backend-config=storage_account_name=...`.
  backend "azurerm" {
    resource_group_name  = "rg-maily-prod-state"
    storage_account_name = "mailyprodstate"
    container_name       = "tfstate"
    key                  = "azure.tfstate"
    use_azuread_auth     = true
  }
}

provider "azurerm" {
  subscription_id     = var.subscription_id
  tenant_id           = var.tenant_id
  storage_use_azuread = true
  # Whoever owns the subscription registers resource providers once; this root needs no right to.
  resource_provider_registrations = "none"

  features {
    key_vault {
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
      recover_soft_deleted_keys       = true
    }
    resource_group {
      prevent_deletion_if_contains_resources = true
    }
    storage {
      data_plane_available = false # accounts have no public address; everything here goes through ARM
    }
  }
}
