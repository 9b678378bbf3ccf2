# Memorystore for Valkey. Who connects proves an IAM identity; there is no password.
resource "google_network_connectivity_service_connection_policy" "this" {
  project       = var.project
  location      = local.location
  name          = "${var.name}-cache"
  description   = "Puts the cache's endpoint into the private subnet"
  service_class = "gcp-memorystore"
  network       = var.network_id
  labels        = local.tags

  psc_config {
    subnetworks = [var.subnet_id]
    limit       = "4"
  }
}

resource "google_memorystore_instance" "this" {
  project                     = var.project
  location                    = local.location
  instance_id                 = var.name
  engine_version              = "VALKEY_8_0"
  mode                        = "CLUSTER_DISABLED"
  shard_count                 = 1
  replica_count               = var.high_availability ? 1 : 0
  node_type                   = var.size
  authorization_mode          = "IAM_AUTH"
  transit_encryption_mode     = "SERVER_AUTHENTICATION"
  kms_key                     = var.key_id
  deletion_protection_enabled = true
  labels                      = local.tags
  # Everything here may be lost, so what was used least goes first.
  engine_configs = { "maxmemory-policy" = "allkeys-lru" }

  desired_auto_created_endpoints {
    network    = var.network_id
    project_id = var.project
  }
  zone_distribution_config {
    mode = var.high_availability ? "MULTI_ZONE" : "SINGLE_ZONE"
    zone = var.high_availability ? null : "${local.location}-b"
  }
  persistence_config {
    mode = var.persistence ? "RDB" : "DISABLED"

    dynamic "rdb_config" {
      for_each = var.persistence ? ["TWENTY_FOUR_HOURS"] : []
      content {
        rdb_snapshot_period = rdb_config.value
      }
    }
  }
  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"
      start_time {
        hours   = 2
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }

  depends_on = [google_network_connectivity_service_connection_policy.this]
}

# Each service may connect to this one instance.
resource "google_project_iam_member" "client" {
  for_each = var.clients

  project = var.project
  role    = "roles/memorystore.dbConnectionUser"
  member  = each.value

  condition {
    title       = "${var.name}-only"
    description = "This instance only"
    expression  = "resource.name == \"projects/${var.project}/locations/${local.location}/instances/${var.name}\""
  }
}

resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = "${var.name}-cache"
  description            = "The cache ${var.name}"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "resource.type=\"memorystore.googleapis.com/Instance\" AND resource.labels.instance_id=\"${var.name}\""
  unique_writer_identity = true
}
