# Buckets: our key, no public access, no HMAC keys, every version kept for a while, audit buckets immutable. Google takes
# TLS 1.2 and newer where the organization policy gcp.restrictTLSVersion says so (see the README).
locals {
  geo = var.replication == "geo"
  # A dual-region of exactly two regions inside the boundary; the bucket itself is in the code of their continent.
  continent = { eu = "EU", us = "US", ca = "CA", au = "AU", in = "IN", jp = "JP" }
  place     = local.geo ? lookup(local.continent, module.residency.boundary, upper(local.location)) : upper(local.location)
  access    = { read = "roles/storage.objectViewer", write = "roles/storage.objectUser" }
  grants = merge([for service, client in var.clients : { for bucket, access in client.buckets : "${service}-${bucket}" => {
    principal = client.principal
    bucket    = bucket
    role      = local.access[access]
  } }]...)
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62:data access logs (the monitor module turns them on) say who read and wrote what; access logs would need a bucket of their own
  for_each = var.buckets

  project                     = var.project
  name                        = "${var.name}-${each.key}"
  location                    = local.place
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  default_event_based_hold    = length(each.value.legal_hold) > 0
  enable_object_retention     = each.value.immutable_days != null
  # The sooner the second region has it, the less a lost region loses; only dual-regions know it.
  rpo    = local.geo ? "ASYNC_TURBO" : null
  labels = merge(local.tags, { data-class = each.value.data_class }, length(each.value.legal_hold) == 0 ? {} : { legal-hold = join("-", sort(each.value.legal_hold)) })

  versioning {
    enabled = true
  }
  encryption {
    default_kms_key_name = var.key_id
  }
  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }
  dynamic "custom_placement_config" {
    for_each = local.geo ? [true] : []
    content {
      data_locations = [upper(local.location), upper(module.residency.secondary)]
    }
  }
  # A locked policy can't be shortened or removed by anybody, the project's owner included.
  dynamic "retention_policy" {
    for_each = each.value.immutable_days == null ? [] : [each.value.immutable_days]
    content {
      retention_period = tostring(retention_policy.value * 86400)
      is_locked        = each.value.locked
    }
  }
  dynamic "lifecycle_rule" {
    for_each = { for class, days in { NEARLINE = each.value.cool_days, ARCHIVE = each.value.archive_days } : class => days if days != null }
    content {
      action {
        type          = "SetStorageClass"
        storage_class = lifecycle_rule.key
      }
      condition {
        age        = lifecycle_rule.value
        with_state = "ANY"
      }
    }
  }
  # Personal data goes when its time is over, unless a court holds it: a hold stops deletion by itself.
  dynamic "lifecycle_rule" {
    for_each = each.value.retention_days == null ? [] : [each.value.retention_days]
    content {
      action {
        type = "Delete"
      }
      condition {
        age        = lifecycle_rule.value
        with_state = "LIVE"
      }
    }
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = max(var.soft_delete_days, coalesce(each.value.immutable_days, 0))
      with_state                 = "ARCHIVED"
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age        = 7
      with_state = "ANY"
    }
  }

  lifecycle {
    precondition {
      # Google refuses versioning beside a retention policy only where objects are locked one by one: both are meant here.
      condition     = !local.geo || module.residency.secondary != null
      error_message = "${module.residency.article}: the boundary has no second region to copy to."
    }
  }
}

resource "google_storage_bucket_iam_member" "client" {
  for_each = local.grants

  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = each.value.role
  member = each.value.principal
}

resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = "${var.name}-storage"
  description            = "Who read and wrote what in ${var.name}"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "resource.type=\"gcs_bucket\" AND resource.labels.bucket_name:\"${var.name}-\""
  unique_writer_identity = true
}
