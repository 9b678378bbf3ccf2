# A private cluster: nobody reaches its API from outside, nobody logs in but through Entra ID, nothing leaves but through
# the firewall, and everything it writes is encrypted with our keys.
locals {
  zones      = terraform_data.residency.input.zones
  autoscaled = !var.node_auto_provisioning # the autoscaler and auto-provisioning exclude each other
  start_time = format("%02d:00", var.maintenance.start_hour)
}

resource "azurerm_kubernetes_cluster" "this" {
  name                                = var.name
  location                            = local.location
  resource_group_name                 = var.resource_group_name
  node_resource_group                 = "${var.resource_group_name}-nodes"
  dns_prefix_private_cluster          = var.name
  kubernetes_version                  = var.kubernetes_version
  automatic_upgrade_channel           = var.upgrade_channel == "none" ? null : var.upgrade_channel
  node_os_upgrade_channel             = "SecurityPatch"
  sku_tier                            = "Standard"
  support_plan                        = "KubernetesOfficial"
  private_cluster_enabled             = true
  private_cluster_public_fqdn_enabled = false
  private_dns_zone_id                 = var.dns_zone_id
  role_based_access_control_enabled   = true
  local_account_disabled              = true
  run_command_enabled                 = false
  oidc_issuer_enabled                 = true
  workload_identity_enabled           = true
  azure_policy_enabled                = true
  http_application_routing_enabled    = false
  image_cleaner_enabled               = true
  image_cleaner_interval_hours        = 48
  cost_analysis_enabled               = true
  ai_toolchain_operator_enabled       = var.ai_toolchain
  disk_encryption_set_id              = azurerm_disk_encryption_set.this.id
  tags                                = local.tags

  default_node_pool {
    name                         = "system"
    vm_size                      = var.system_pool.size
    orchestrator_version         = var.kubernetes_version
    type                         = "VirtualMachineScaleSets"
    vnet_subnet_id               = var.subnet_id
    zones                        = local.zones
    auto_scaling_enabled         = local.autoscaled
    node_count                   = local.autoscaled ? null : var.system_pool.min
    min_count                    = local.autoscaled ? var.system_pool.min : null
    max_count                    = local.autoscaled ? var.system_pool.max : null
    max_pods                     = 110
    os_sku                       = "AzureLinux"
    os_disk_type                 = "Ephemeral"
    host_encryption_enabled      = true
    node_public_ip_enabled       = false
    only_critical_addons_enabled = true
    temporary_name_for_rotation  = "systmp"
    tags                         = local.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  node_provisioning_profile {
    mode               = var.node_auto_provisioning ? "Auto" : "Manual"
    default_node_pools = var.node_auto_provisioning ? "Auto" : "None"
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.control_plane.id]
  }

  kubelet_identity {
    client_id                 = azurerm_user_assigned_identity.nodes.client_id
    object_id                 = azurerm_user_assigned_identity.nodes.principal_id
    user_assigned_identity_id = azurerm_user_assigned_identity.nodes.id
  }

  azure_active_directory_role_based_access_control {
    tenant_id              = var.tenant_id
    azure_rbac_enabled     = true
    admin_group_object_ids = var.admin_groups
  }

  api_server_access_profile {
    virtual_network_integration_enabled = true
    subnet_id                           = var.api_subnet_id
  }

  key_management_service {
    key_vault_key_id         = var.etcd_key_id
    key_vault_network_access = "Private"
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    outbound_type       = "userDefinedRouting"
    load_balancer_sku   = "standard"
    ip_versions         = ["IPv4"]
    pod_cidr            = "10.244.0.0/16"
    service_cidr        = "10.245.0.0/16"
    dns_service_ip      = "10.245.0.10"
  }

  auto_scaler_profile {
    balance_similar_node_groups      = true
    expander                         = "least-waste"
    max_graceful_termination_sec     = "900" # a model's stream may run so long
    scale_down_unneeded              = "10m"
    scale_down_utilization_threshold = "0.5"
    skip_nodes_with_local_storage    = false
    skip_nodes_with_system_pods      = true
  }

  key_vault_secrets_provider {
    secret_rotation_enabled  = true
    secret_rotation_interval = "2m"
  }

  microsoft_defender {
    log_analytics_workspace_id = var.log_sink.id
  }

  oms_agent {
    log_analytics_workspace_id      = var.log_sink.id
    msi_auth_for_monitoring_enabled = true
  }

  storage_profile {
    blob_driver_enabled         = false
    disk_driver_enabled         = true
    file_driver_enabled         = false
    snapshot_controller_enabled = true
  }

  maintenance_window_auto_upgrade {
    frequency   = "Weekly"
    interval    = 1
    day_of_week = var.maintenance.day
    start_time  = local.start_time
    duration    = var.maintenance.hours
    utc_offset  = "+00:00"
  }

  maintenance_window_node_os {
    frequency   = "Weekly"
    interval    = 1
    day_of_week = var.maintenance.day
    start_time  = local.start_time
    duration    = var.maintenance.hours
    utc_offset  = "+00:00"
  }

  lifecycle {
    precondition {
      condition     = !var.node_auto_provisioning || length(var.gpu_pools) == 0
      error_message = "node_auto_provisioning makes the GPU nodes itself: leave gpu_pools empty, or switch it off."
    }
    precondition {
      condition     = var.ownership.environment != "prod" || var.system_pool.min >= 2
      error_message = "prod needs at least two system nodes: system_pool.min is ${var.system_pool.min}."
    }
  }

  depends_on = [azurerm_role_assignment.control_plane]
}

resource "azurerm_monitor_diagnostic_setting" "control_plane" {
  name                           = "audit"
  target_resource_id             = azurerm_kubernetes_cluster.this.id
  log_analytics_workspace_id     = var.log_sink.id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = toset(["kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "cluster-autoscaler", "guard"])

    content {
      category = enabled_log.value
    }
  }
  enabled_metric {
    category = "AllMetrics"
  }
}
