# A private, regional cluster on Dataplane V2 (Cilium): no public API, no client certificates, secrets sealed with our key.
resource "google_container_cluster" "this" {
  # checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies; the old add-on excludes it
  # checkov:skip=CKV_GCP_21:it has: resource_labels, computed by the residency module
  project     = var.project
  location    = local.location
  name        = var.name
  description = "Maily in ${local.location}"

  min_master_version           = var.kubernetes_version
  deletion_protection          = true
  remove_default_node_pool     = true
  initial_node_count           = 1
  networking_mode              = "VPC_NATIVE"
  network                      = var.network_id
  subnetwork                   = var.subnet_id
  datapath_provider            = "ADVANCED_DATAPATH"
  in_transit_encryption_config = "IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT"
  enable_intranode_visibility  = true
  enable_kubernetes_alpha      = false
  enable_legacy_abac           = false
  enable_shielded_nodes        = true
  enable_tpu                   = false
  # Dataplane V2 enforces Kubernetes' policies, and Cilium's cluster-wide ones.
  enable_cilium_clusterwide_network_policy = true
  resource_labels                          = local.tags

  # The throw-away pool of the cluster's creation is as careful as the others.
  node_config {
    service_account   = google_service_account.node.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    boot_disk_kms_key = var.disk_key_id
    image_type        = "COS_CONTAINERD"
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  private_cluster_config {
    enable_private_nodes        = true
    enable_private_endpoint     = true
    private_endpoint_subnetwork = var.subnet_id
    master_global_access_config {
      enabled = false
    }
  }
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled      = false
    private_endpoint_enforcement_enabled = true
    cidr_blocks {
      cidr_block   = var.client_cidr
      display_name = "network"
    }
  }
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = false
    }
    ip_endpoints_config {
      enabled = true
    }
  }
  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }
  default_snat_status {
    disabled = false
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }
  authenticator_groups_config {
    security_group = var.admin_groups[0]
  }
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }
  rbac_binding_config {
    enable_insecure_binding_system_unauthenticated = false
    enable_insecure_binding_system_authenticated   = false
  }
  database_encryption {
    state    = "ENCRYPTED"
    key_name = var.etcd_key_id
  }
  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }
  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_ENTERPRISE"
  }
  secret_manager_config {
    enabled = false
  }

  release_channel {
    channel = "STABLE"
  }
  maintenance_policy {
    recurring_window {
      start_time = local.window.start
      end_time   = local.window.end
      recurrence = local.window.recurrence
    }
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]
  }
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "DCGM"]
    managed_prometheus {
      enabled = true
    }
    advanced_datapath_observability_config {
      enable_metrics = true
      enable_relay   = true
    }
  }
  cost_management_config {
    enabled = true
  }

  addons_config {
    gke_backup_agent_config {
      enabled = true
    }
    gce_persistent_disk_csi_driver_config {
      enabled = true
    }
    http_load_balancing {
      disabled = false
    }
    horizontal_pod_autoscaling {
      disabled = false
    }
    dns_cache_config {
      enabled = true
    }
  }

  cluster_autoscaling {
    enabled             = var.node_auto_provisioning
    autoscaling_profile = "OPTIMIZE_UTILIZATION"

    dynamic "resource_limits" {
      for_each = var.node_auto_provisioning ? { cpu = 512, memory = 4096 } : {}
      content {
        resource_type = resource_limits.key
        minimum       = 0
        maximum       = resource_limits.value
      }
    }
    dynamic "auto_provisioning_defaults" {
      for_each = var.node_auto_provisioning ? [true] : []
      content {
        service_account   = google_service_account.node.email
        oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
        boot_disk_kms_key = var.disk_key_id
        image_type        = "COS_CONTAINERD"
        management {
          auto_repair  = true
          auto_upgrade = true
        }
        shielded_instance_config {
          enable_secure_boot          = true
          enable_integrity_monitoring = true
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [node_config]
  }
}

locals {
  # GKE wants its window as a calendar event; the date is only where the weekly rule begins (1 January 2024 was a Monday).
  days  = { Monday = 0, Tuesday = 1, Wednesday = 2, Thursday = 3, Friday = 4, Saturday = 5, Sunday = 6 }
  first = timeadd("2024-01-01T00:00:00Z", "${local.days[var.maintenance.day] * 24 + var.maintenance.start_hour}h")
  window = {
    start      = local.first
    end        = timeadd(local.first, "${var.maintenance.hours}h")
    recurrence = "FREQ=WEEKLY;BYDAY=${upper(substr(var.maintenance.day, 0, 2))}"
  }
}

# The cluster's log, its control plane's too, goes to the region's bucket.
resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = "${var.name}-cluster"
  description            = "The cluster ${var.name}"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "resource.labels.cluster_name=\"${var.name}\" AND resource.labels.location=\"${local.location}\""
  unique_writer_identity = true
}

# Only what the registry module's attestors signed may run; Google's own system images are exempt.
resource "google_binary_authorization_policy" "this" {
  project                       = var.project
  description                   = "Images that may run in ${var.name}"
  global_policy_evaluation_mode = "ENABLE"

  default_admission_rule {
    evaluation_mode         = length(var.attestors) > 0 ? "REQUIRE_ATTESTATION" : "ALWAYS_DENY"
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    require_attestations_by = length(var.attestors) > 0 ? var.attestors : null
  }
  dynamic "admission_whitelist_patterns" {
    for_each = length(var.attestors) > 0 ? [] : ["${local.location}-docker.pkg.dev/${var.project}/**"]
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }
}
