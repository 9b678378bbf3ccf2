resource "azurerm_kubernetes_cluster_node_pool" "services" {
  name                        = "services"
  kubernetes_cluster_id       = azurerm_kubernetes_cluster.this.id
  mode                        = "User"
  vm_size                     = var.services_pool.size
  orchestrator_version        = var.kubernetes_version
  vnet_subnet_id              = var.subnet_id
  zones                       = local.zones
  auto_scaling_enabled        = local.autoscaled
  node_count                  = local.autoscaled ? null : var.services_pool.min
  min_count                   = local.autoscaled ? var.services_pool.min : null
  max_count                   = local.autoscaled ? var.services_pool.max : null
  max_pods                    = 110
  os_type                     = "Linux"
  os_sku                      = "AzureLinux"
  os_disk_type                = "Ephemeral"
  host_encryption_enabled     = true
  node_public_ip_enabled      = false
  temporary_name_for_rotation = "svctmp"
  node_labels                 = { "maily.io/pool" = "services" }
  tags                        = local.tags

  upgrade_settings {
    max_surge = "33%"
  }
}

locals {
  gpu_taint = "sku=gpu:NoSchedule"
  spot      = "kubernetes.azure.com/scalesetpriority"
}

# GPU nodes cost the most by far: they scale from zero, and only pods that tolerate the taint get on them.
resource "azurerm_kubernetes_cluster_node_pool" "gpu" {
  # checkov:skip=CKV_AZURE_227:it does, except on confidential nodes, whose processor encrypts memory and disk
  for_each = var.gpu_pools

  name                    = each.key
  kubernetes_cluster_id   = azurerm_kubernetes_cluster.this.id
  mode                    = "User"
  vm_size                 = each.value.size
  orchestrator_version    = var.kubernetes_version
  vnet_subnet_id          = var.subnet_id
  zones                   = null # capacity decides the zone; few regions have these sizes in all three
  auto_scaling_enabled    = true
  min_count               = each.value.min
  max_count               = each.value.max
  max_pods                = 50
  os_type                 = "Linux"
  os_sku                  = each.value.confidential ? "Ubuntu2404" : "AzureLinux"
  os_disk_type            = each.value.confidential ? "Managed" : "Ephemeral"
  os_disk_size_gb         = 256
  host_encryption_enabled = !each.value.confidential # a confidential node's memory and disk are encrypted by the processor's key
  node_public_ip_enabled  = false
  gpu_driver              = each.value.driver ? "Install" : "None"
  gpu_instance            = each.value.mig
  priority                = each.value.spot ? "Spot" : "Regular"
  eviction_policy         = each.value.spot ? "Delete" : null
  spot_max_price          = each.value.spot ? -1 : null
  scale_down_mode         = "Delete"
  node_taints             = concat([local.gpu_taint], each.value.spot ? ["${local.spot}=spot:NoSchedule"] : [])
  node_labels = merge(each.value.labels, {
    "maily.io/pool"         = "gpu"
    "maily.io/accelerator"  = lower(regex("_(A100|H100|H200)", each.value.size)[0])
    "maily.io/confidential" = tostring(each.value.confidential)
  }, each.value.spot ? { (local.spot) = "spot" } : {})
  tags = local.tags

  dynamic "upgrade_settings" {
    for_each = each.value.spot ? [] : [1]

    content {
      max_surge = "1"
    }
  }
}
