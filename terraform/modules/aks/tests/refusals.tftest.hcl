# What is refused at plan.
mock_provider "azurerm" {}

variables {
  name                = "maily-test"
  location            = "westeurope"
  resource_group_name = "rg"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "restricted" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  tenant_id           = "22222222-2222-2222-2222-222222222222"
  admin_groups        = ["11111111-1111-1111-1111-111111111111"]
  network_id          = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/cluster"
  api_subnet_id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/api"
  route_table_id      = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/routeTables/r"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.westeurope.azmk8s.io"
  vault_id            = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
  disk_key_id         = "https://kv.vault.azure.net/keys/disks"
  etcd_key_id         = "https://kv.vault.azure.net/keys/etcd/0123456789abcdef0123456789abcdef"
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "eastus2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_workspace_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "w", location = "uksouth" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_primary_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "uksouth" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "westeurope" }
  }

  expect_failures = [terraform_data.residency]
}

run "nobody_to_administer_is_refused" {
  command = plan

  variables {
    admin_groups = []
  }

  expect_failures = [var.admin_groups]
}

run "an_admin_group_by_its_name_is_refused" {
  command = plan

  variables {
    admin_groups = ["admins"]
  }

  expect_failures = [var.admin_groups]
}

run "an_old_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "1.29"
  }

  expect_failures = [var.kubernetes_version]
}

run "a_patch_version_is_refused" {
  command = plan

  variables {
    kubernetes_version = "1.34.1"
  }

  expect_failures = [var.kubernetes_version]
}

run "the_rapid_channel_is_refused" {
  command = plan

  variables {
    upgrade_channel = "rapid"
  }

  expect_failures = [var.upgrade_channel]
}

run "one_system_node_in_prod_is_refused" {
  command = plan

  variables {
    ownership   = { owner = "platform", environment = "prod", data_class = "restricted" }
    system_pool = { size = "Standard_D4ds_v5", min = 1, max = 2 }
  }

  expect_failures = [azurerm_kubernetes_cluster.this]
}

run "no_system_node_is_refused" {
  command = plan

  variables {
    system_pool = { size = "Standard_D4ds_v5", min = 0, max = 2 }
  }

  expect_failures = [var.system_pool]
}

run "services_without_bounds_are_refused" {
  command = plan

  variables {
    services_pool = { size = "Standard_D8ds_v5", min = 5, max = 2 }
  }

  expect_failures = [var.services_pool]
}

run "a_window_on_no_day_is_refused" {
  command = plan

  variables {
    maintenance = { day = "Someday", start_hour = 1, hours = 4 }
  }

  expect_failures = [var.maintenance]
}

run "a_window_that_is_too_short_is_refused" {
  command = plan

  variables {
    maintenance = { day = "Sunday", start_hour = 1, hours = 1 }
  }

  expect_failures = [var.maintenance]
}

run "a_name_that_azure_would_not_take_is_refused" {
  command = plan

  variables {
    name = "Maily_Test"
  }

  expect_failures = [var.name]
}
