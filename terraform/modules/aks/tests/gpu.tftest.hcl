# GPU pools: what they cost is what they are for, so who gets on them and when they go is asserted.
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

run "gpu_nodes_scale_from_zero_and_take_gpu_pods_only" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "Standard_NC40ads_H100_v5", max = 2, labels = { team = "ml" } } }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["h100"].min_count == 0 && azurerm_kubernetes_cluster_node_pool.gpu["h100"].max_count == 2 && azurerm_kubernetes_cluster_node_pool.gpu["h100"].scale_down_mode == "Delete"
    error_message = "GPU nodes must go when nobody needs them."
  }
  assert {
    condition     = contains(azurerm_kubernetes_cluster_node_pool.gpu["h100"].node_taints, "sku=gpu:NoSchedule")
    error_message = "Only pods that ask for a GPU may get on a GPU node."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["h100"].node_labels["maily.io/accelerator"] == "h100" && azurerm_kubernetes_cluster_node_pool.gpu["h100"].node_labels["team"] == "ml"
    error_message = "The node must say what GPU it has, and carry the labels given."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["h100"].gpu_driver == "Install" && azurerm_kubernetes_cluster_node_pool.gpu["h100"].host_encryption_enabled && !azurerm_kubernetes_cluster_node_pool.gpu["h100"].node_public_ip_enabled
    error_message = "The driver is installed, the host encrypted, the node private."
  }
}

run "mig_splits_a_gpu" {
  command = plan

  variables {
    gpu_pools = { a100 = { size = "Standard_NC24ads_A100_v4", max = 1, mig = "MIG3g" } }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["a100"].gpu_instance == "MIG3g"
    error_message = "The profile must reach the pool."
  }
}

run "spot_is_cheap_and_tainted" {
  command = plan

  variables {
    gpu_pools = { spot = { size = "Standard_NC24ads_A100_v4", max = 1, spot = true } }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["spot"].priority == "Spot" && azurerm_kubernetes_cluster_node_pool.gpu["spot"].eviction_policy == "Delete" && azurerm_kubernetes_cluster_node_pool.gpu["spot"].spot_max_price == -1
    error_message = "A spot node is deleted when it is taken back."
  }
  assert {
    condition     = contains(azurerm_kubernetes_cluster_node_pool.gpu["spot"].node_taints, "kubernetes.azure.com/scalesetpriority=spot:NoSchedule")
    error_message = "Only pods that bear being evicted may get on it."
  }
}

run "drivers_may_be_left_to_the_gpu_operator" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "Standard_NC40ads_H100_v5", max = 1, driver = false } }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["h100"].gpu_driver == "None"
    error_message = "Azure must not install what the operator installs."
  }
}

run "confidential_gpus_are_an_option" {
  command = plan

  variables {
    gpu_pools = { secret = { size = "Standard_NCC40ads_H100_v5", max = 1, confidential = true } }
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.gpu["secret"].os_sku == "Ubuntu2404" && azurerm_kubernetes_cluster_node_pool.gpu["secret"].node_labels["maily.io/confidential"] == "true"
    error_message = "A confidential node must say so."
  }
}

run "a_size_without_a_gpu_is_refused" {
  command = plan

  variables {
    gpu_pools = { cpu = { size = "Standard_D8ds_v5", max = 1 } }
  }

  expect_failures = [var.gpu_pools]
}

run "an_unknown_mig_profile_is_refused" {
  command = plan

  variables {
    gpu_pools = { a100 = { size = "Standard_NC24ads_A100_v4", max = 1, mig = "MIG5g" } }
  }

  expect_failures = [var.gpu_pools]
}

run "more_at_least_than_at_most_is_refused" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "Standard_NC40ads_H100_v5", min = 3, max = 2 } }
  }

  expect_failures = [var.gpu_pools]
}

run "confidential_on_an_ordinary_size_is_refused" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "Standard_NC40ads_H100_v5", max = 1, confidential = true } }
  }

  expect_failures = [var.gpu_pools]
}

run "a_confidential_gpu_in_slices_is_refused" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "Standard_NCC40ads_H100_v5", max = 1, confidential = true, mig = "MIG3g" } }
  }

  expect_failures = [var.gpu_pools]
}

run "a_pool_that_takes_the_services_name_is_refused" {
  command = plan

  variables {
    gpu_pools = { services = { size = "Standard_NC40ads_H100_v5", max = 1 } }
  }

  expect_failures = [var.gpu_pools]
}

run "gpu_pools_beside_auto_provisioning_are_refused" {
  command = plan

  variables {
    node_auto_provisioning = true
    gpu_pools              = { h100 = { size = "Standard_NC40ads_H100_v5", max = 1 } }
  }

  expect_failures = [azurerm_kubernetes_cluster.this]
}
