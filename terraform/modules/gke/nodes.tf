# Node pools: system, services, GPUs. GKE taints GPU nodes itself; ours is the same on every cloud.
locals {
  pools = merge(
    {
      system   = { size = var.system_pool.size, min = var.system_pool.min, max = var.system_pool.max, gpu = false, spot = false, driver = true, mig = null, confidential = false, labels = {} }
      services = { size = var.services_pool.size, min = var.services_pool.min, max = var.services_pool.max, gpu = false, spot = false, driver = true, mig = null, confidential = false, labels = {} }
    },
    { for name, pool in var.gpu_pools : "gpu-${name}" => merge(pool, { gpu = true }) },
  )
  # The machine type says the GPU; the node pool must say it again.
  gpus = {
    a2-highgpu  = "nvidia-tesla-a100"
    a2-ultragpu = "nvidia-a100-80gb"
    a3-highgpu  = "nvidia-h100-80gb"
    a3-megagpu  = "nvidia-h100-mega-80gb"
    a3-edgegpu  = "nvidia-h100-80gb"
    a3-ultragpu = "nvidia-h200-141gb"
    g2-standard = "nvidia-l4"
  }
  family = { for name, pool in local.pools : name => join("-", slice(split("-", pool.size), 0, 2)) }
  # a2 and a3 types end in the number of GPUs; g2's end in the CPUs, which carry one GPU up to 16 and at 32.
  gpu_count = { for name, pool in local.pools : name => pool.gpu ? (
    startswith(pool.size, "g2-") ? lookup({ "24" = 2, "48" = 4, "96" = 8 }, element(split("-", pool.size), 2), 1) : tonumber(trimsuffix(element(split("-", pool.size), 2), "g"))
  ) : 0 }
  taints = {
    system   = [{ key = "CriticalAddonsOnly", value = "true", effect = "NO_SCHEDULE" }]
    services = []
  }
  gpu_taint = [{ key = "sku", value = "gpu", effect = "NO_SCHEDULE" }]
}

resource "google_service_account" "node" {
  project      = var.project
  account_id   = "${var.name}-node"
  display_name = "${var.name}: nodes"
  description  = "Writes logs and metrics, pulls images; nothing else"
  disabled     = false
}

resource "google_project_iam_member" "node" {
  for_each = toset(["roles/container.defaultNodeServiceAccount"])

  project = var.project
  role    = each.key
  member  = "serviceAccount:${google_service_account.node.email}"
}

resource "google_container_node_pool" "this" {
  for_each = local.pools

  project            = var.project
  location           = local.location
  cluster            = google_container_cluster.this.name
  name               = each.key
  version            = var.kubernetes_version
  initial_node_count = each.value.min

  autoscaling {
    total_min_node_count = each.value.min
    total_max_node_count = each.value.max
    location_policy      = each.value.gpu ? "ANY" : "BALANCED"
  }
  management {
    auto_repair  = true
    auto_upgrade = true
  }
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = each.value.gpu ? 0 : 1
    max_unavailable = each.value.gpu ? 1 : 0
  }
  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type      = each.value.size
    image_type        = "COS_CONTAINERD"
    disk_type         = each.value.gpu ? "pd-ssd" : "pd-balanced"
    disk_size_gb      = each.value.gpu ? 500 : 100
    boot_disk_kms_key = var.disk_key_id
    spot              = each.value.spot
    service_account   = google_service_account.node.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    metadata          = { disable-legacy-endpoints = "true" }
    resource_labels   = local.tags
    logging_variant   = "DEFAULT"
    labels = merge(
      each.value.labels,
      { "maily.dev/pool" = each.key },
      each.value.gpu ? { "accelerator" = "nvidia", "maily.dev/spot" = tostring(each.value.spot) } : {},
    )

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    # Pods see their own identity, never the node's.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    confidential_nodes {
      enabled                    = each.value.confidential
      confidential_instance_type = each.value.confidential ? "TDX" : null
    }
    gvnic {
      enabled = true
    }
    gcfs_config {
      enabled = true
    }
    # Disks that fill are cleaned earlier: GKE's stand-in for AKS's image cleaner.
    kubelet_config {
      cpu_manager_policy                     = "none"
      insecure_kubelet_readonly_port_enabled = "FALSE"
      image_gc_high_threshold_percent        = 70
      image_gc_low_threshold_percent         = 50
      image_maximum_gc_age                   = "168h"
    }

    dynamic "guest_accelerator" {
      for_each = each.value.gpu ? [local.gpus[local.family[each.key]]] : []
      content {
        type               = guest_accelerator.value
        count              = local.gpu_count[each.key]
        gpu_partition_size = each.value.mig
        gpu_driver_installation_config {
          gpu_driver_version = each.value.driver ? "DEFAULT" : "INSTALLATION_DISABLED"
        }
      }
    }
    dynamic "taint" {
      for_each = each.value.gpu ? local.gpu_taint : local.taints[each.key]
      content {
        key    = taint.value.key
        value  = taint.value.value
        effect = taint.value.effect
      }
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
