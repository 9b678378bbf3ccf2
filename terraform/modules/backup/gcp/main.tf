# Backups nobody can delete early, kept inside the boundary only: in the second region where replication is geo.
locals {
  geo   = var.replication == "geo"
  place = local.geo ? module.residency.secondary : local.location
  # Storage's id is a prefix; a bucket that has it not is not ours to copy.
  prefix = trimprefix(var.storage_id, "projects/_/buckets/")
}

resource "google_gke_backup_backup_plan" "this" {
  project     = var.project
  location    = local.place
  name        = var.name
  description = "The cluster's objects and volumes, each night"
  cluster     = var.cluster_id
  deactivated = false
  labels      = local.tags
  depends_on  = [terraform_data.residency]

  retention_policy {
    backup_delete_lock_days = 7
    backup_retain_days      = var.retention_days
    locked                  = var.locked
  }
  backup_schedule {
    cron_schedule = "0 2 * * *"
    paused        = false
  }
  backup_config {
    all_namespaces      = true
    include_secrets     = true
    include_volume_data = true
    permissive_mode     = false

    encryption_key {
      gcp_kms_encryption_key = var.key_id
    }
  }
}

# How a restore is made stands here, not in somebody's head: into a fresh cluster, nothing overwritten.
resource "google_gke_backup_restore_plan" "this" {
  project     = var.project
  location    = local.place
  name        = var.name
  description = "Everything, into a cluster of the same region"
  cluster     = var.cluster_id
  backup_plan = google_gke_backup_backup_plan.this.id
  labels      = local.tags

  restore_config {
    all_namespaces                   = true
    namespaced_resource_restore_mode = "FAIL_ON_CONFLICT"
    cluster_resource_conflict_policy = "USE_EXISTING_VERSION"
    volume_data_restore_policy       = "RESTORE_VOLUME_DATA_FROM_BACKUP"

    cluster_resource_restore_scope {
      all_group_kinds = true
    }
  }
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62:data access logs (the monitor module turns them on) say who read and wrote what
  # checkov:skip=CKV_GCP_78:each night's copy is a version; a retention policy stands in for versioning, Google allows one of them
  project                     = var.project
  name                        = "${var.name}-backup"
  location                    = upper(local.place)
  storage_class               = "NEARLINE"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = local.tags
  depends_on                  = [terraform_data.residency]

  encryption {
    default_kms_key_name = var.key_id
  }
  soft_delete_policy {
    retention_duration_seconds = 7 * 86400
  }
  retention_policy {
    retention_period = tostring(7 * 86400)
    is_locked        = var.locked
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age        = var.retention_days
      with_state = "ANY"
    }
  }
}

resource "google_storage_bucket_iam_member" "transfer" {
  bucket = google_storage_bucket.this.name
  role   = "roles/storage.legacyBucketWriter"
  member = "serviceAccount:project-${var.project_number}@storage-transfer-service.iam.gserviceaccount.com"
}

resource "google_storage_transfer_job" "this" {
  for_each = var.buckets

  project     = var.project
  description = "${var.name}: ${each.key} to the backup, each night"
  status      = "ENABLED"

  schedule {
    schedule_start_date {
      year  = 2026
      month = 1
      day   = 1
    }
    start_time_of_day {
      hours   = 2
      minutes = 0
      seconds = 0
      nanos   = 0
    }
  }
  transfer_spec {
    gcs_data_source {
      bucket_name = each.value
    }
    gcs_data_sink {
      bucket_name = google_storage_bucket.this.name
      path        = "${each.key}/"
    }
    transfer_options {
      delete_objects_from_source_after_transfer  = false
      delete_objects_unique_in_sink              = false
      overwrite_objects_already_existing_in_sink = false
    }
  }
  logging_config {
    enable_on_prem_gcs_transfer_logs = false
    log_actions                      = ["COPY"]
    log_action_states                = ["FAILED"]
  }

  lifecycle {
    precondition {
      condition     = startswith(each.value, local.prefix)
      error_message = "The bucket \"${each.value}\" is not one of the storage \"${var.storage_id}\"."
    }
  }
  depends_on = [google_storage_bucket_iam_member.transfer]
}

resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = "${var.name}-backup"
  description            = "Backups, copies and restores"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "protoPayload.serviceName=\"gkebackup.googleapis.com\" OR resource.type=\"storage_transfer_job\""
  unique_writer_identity = true
}
