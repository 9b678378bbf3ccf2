# What every cluster is, whatever the variables say.
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

run "api_is_private" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.private_cluster_enabled && !azurerm_kubernetes_cluster.this.private_cluster_public_fqdn_enabled
    error_message = "The API server must have no public address and no public name."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.api_server_access_profile[0].virtual_network_integration_enabled && azurerm_kubernetes_cluster.this.api_server_access_profile[0].subnet_id == var.api_subnet_id
    error_message = "The API server must be in our network."
  }
  assert {
    condition     = !azurerm_kubernetes_cluster.this.run_command_enabled && !azurerm_kubernetes_cluster.this.http_application_routing_enabled
    error_message = "There must be no way around the private API, and no public routing."
  }
}

run "entra_id_and_nobody_else" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.local_account_disabled && azurerm_kubernetes_cluster.this.role_based_access_control_enabled
    error_message = "Local accounts must be off."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].azure_rbac_enabled && azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].tenant_id == var.tenant_id
    error_message = "Entra ID must decide who may do what."
  }
  assert {
    condition     = tolist(azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].admin_group_object_ids) == tolist(var.admin_groups)
    error_message = "The named groups administer, and no other."
  }
}

run "pods_have_identities_without_secrets" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.oidc_issuer_enabled && azurerm_kubernetes_cluster.this.workload_identity_enabled
    error_message = "The token issuer and workload identity must be on."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.identity[0].type == "UserAssigned"
    error_message = "The control plane must have an identity whose roles are named here."
  }
}

run "cilium_filters_between_pods" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].network_data_plane == "cilium" && azurerm_kubernetes_cluster.this.network_profile[0].network_policy == "cilium" && azurerm_kubernetes_cluster.this.network_profile[0].network_plugin_mode == "overlay"
    error_message = "The data plane and the policy must be Cilium."
  }
}

run "the_firewall_is_the_only_way_out" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].outbound_type == "userDefinedRouting"
    error_message = "Egress must be user-defined."
  }
  assert {
    condition     = !azurerm_kubernetes_cluster.this.default_node_pool[0].node_public_ip_enabled && !azurerm_kubernetes_cluster_node_pool.services.node_public_ip_enabled
    error_message = "No node may have a public address."
  }
}

run "our_keys_encrypt_disks_and_etcd" {
  command = plan

  assert {
    condition     = azurerm_disk_encryption_set.this.encryption_type == "EncryptionAtRestWithPlatformAndCustomerKeys" && azurerm_disk_encryption_set.this.key_vault_key_id == var.disk_key_id && azurerm_disk_encryption_set.this.auto_key_rotation_enabled
    error_message = "Disks must be encrypted with our key, which is followed when it turns."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.key_management_service[0].key_vault_key_id == var.etcd_key_id && azurerm_kubernetes_cluster.this.key_management_service[0].key_vault_network_access == "Private"
    error_message = "etcd must be encrypted with our key, reached in private."
  }
}

run "hosts_are_encrypted" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.default_node_pool[0].host_encryption_enabled && azurerm_kubernetes_cluster_node_pool.services.host_encryption_enabled
    error_message = "Temporary disks and caches must be encrypted on the host."
  }
}

run "system_nodes_take_system_pods_only" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.default_node_pool[0].only_critical_addons_enabled && azurerm_kubernetes_cluster.this.default_node_pool[0].os_sku == "AzureLinux"
    error_message = "Services must not run on system nodes."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.default_node_pool[0].auto_scaling_enabled && azurerm_kubernetes_cluster.this.default_node_pool[0].min_count == 2 && azurerm_kubernetes_cluster.this.default_node_pool[0].max_count == 4
    error_message = "The system pool must scale between the given bounds."
  }
}

run "zones_where_the_region_has_them" {
  command = plan

  assert {
    condition     = length(azurerm_kubernetes_cluster.this.default_node_pool[0].zones) == 3 && length(azurerm_kubernetes_cluster_node_pool.services.zones) == 3
    error_message = "West Europe has three zones."
  }
}

run "no_zones_where_the_region_has_none" {
  command = plan

  variables {
    location       = "germanynorth"
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "germanynorth" }
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.default_node_pool[0].zones == null
    error_message = "Germany North has no zones."
  }
}

run "images_are_cleaned" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.image_cleaner_enabled && azurerm_kubernetes_cluster.this.image_cleaner_interval_hours == 48
    error_message = "Unused images must be removed."
  }
}

run "upgrades_in_the_window" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.automatic_upgrade_channel == "patch" && azurerm_kubernetes_cluster.this.node_os_upgrade_channel == "SecurityPatch"
    error_message = "Patches must come by themselves."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.maintenance_window_auto_upgrade[0].day_of_week == "Sunday" && azurerm_kubernetes_cluster.this.maintenance_window_auto_upgrade[0].start_time == "01:00" && azurerm_kubernetes_cluster.this.maintenance_window_node_os[0].duration == 4
    error_message = "Cluster and nodes must be upgraded in the window."
  }
}

run "policy_and_defender" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.azure_policy_enabled && azurerm_kubernetes_cluster.this.microsoft_defender[0].log_analytics_workspace_id == var.log_sink.id
    error_message = "Azure Policy and Defender must be on."
  }
}

run "logs_reach_the_workspace" {
  command = plan

  assert {
    condition     = contains([for log in azurerm_monitor_diagnostic_setting.control_plane.enabled_log : log.category], "kube-audit-admin") && contains([for log in azurerm_monitor_diagnostic_setting.control_plane.enabled_log : log.category], "guard")
    error_message = "Who changed what, and who logged in, must be logged."
  }
  assert {
    condition     = azurerm_kubernetes_cluster.this.oms_agent[0].msi_auth_for_monitoring_enabled && azurerm_monitor_diagnostic_setting.control_plane.log_analytics_workspace_id == var.log_sink.id
    error_message = "Logs must reach the workspace, by identity."
  }
}

run "secrets_rotate_and_file_drivers_are_off" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.key_vault_secrets_provider[0].secret_rotation_enabled
    error_message = "Mounted secrets must follow the vault."
  }
  assert {
    condition     = !azurerm_kubernetes_cluster.this.storage_profile[0].file_driver_enabled && !azurerm_kubernetes_cluster.this.storage_profile[0].blob_driver_enabled
    error_message = "Drivers that nobody uses must be off."
  }
}

run "identities_have_the_roles_they_need" {
  command = plan

  assert {
    condition     = alltrue([for role in values(azurerm_role_assignment.control_plane) : !contains(["Owner", "Contributor", "User Access Administrator"], role.role_definition_name)])
    error_message = "The control plane must not administer."
  }
  assert {
    condition     = azurerm_role_assignment.disks.role_definition_name == "Key Vault Crypto Service Encryption User" && azurerm_role_assignment.control_plane["etcd"].scope == var.vault_id
    error_message = "Keys are used, not managed."
  }
}

run "everything_says_where_its_data_may_be" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.tags["residency"] == "eu" && azurerm_kubernetes_cluster.this.tags["owner"] == "platform" && azurerm_kubernetes_cluster.this.tags["data-class"] == "restricted"
    error_message = "The cluster must carry its tags."
  }
}

run "auto_provisioning_is_an_option" {
  command = plan

  variables {
    node_auto_provisioning = true
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.node_provisioning_profile[0].mode == "Auto" && !azurerm_kubernetes_cluster.this.default_node_pool[0].auto_scaling_enabled
    error_message = "Auto-provisioning must replace the autoscaler."
  }
}

run "ai_toolchain_is_an_option" {
  command = plan

  variables {
    ai_toolchain = true
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.ai_toolchain_operator_enabled
    error_message = "The operator must be on when it is asked for."
  }
}
