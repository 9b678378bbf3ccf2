# Logs in one encrypted bucket of the region. Google's own default bucket is global, so nothing is let into it.
resource "google_kms_key_ring" "logs" {
  project  = var.project
  location = local.location
  name     = "${var.name}-logs"
}

resource "google_kms_crypto_key" "logs" {
  name                       = "logs"
  key_ring                   = google_kms_key_ring.logs.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"
  labels                     = local.tags

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "HSM"
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "logs" {
  crypto_key_id = google_kms_crypto_key.logs.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${var.project_number}@gcp-sa-logging.iam.gserviceaccount.com"
}

resource "google_logging_project_bucket_config" "this" {
  project          = var.project
  location         = local.location
  bucket_id        = var.name
  description      = "Logs of ${var.name}"
  retention_days   = var.retention_days
  locked           = false
  enable_analytics = false

  cmek_settings {
    kms_key_name = google_kms_crypto_key.logs.id
  }
  depends_on = [google_kms_crypto_key_iam_member.logs]
}

resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = var.name
  description            = "Every log of the project"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.this.id}"
  filter                 = "NOT log_id(\"compute.googleapis.com/vpc_flows\")"
  unique_writer_identity = true
}

# The project's _Default bucket is global: outside every boundary.
resource "google_logging_project_exclusion" "global" {
  project     = var.project
  name        = "${var.name}-not-in-the-global-bucket"
  description = "${module.residency.article}: logs stay in ${local.location}"
  filter      = "timestamp >= \"2000-01-01T00:00:00Z\""
  disabled    = false
  depends_on  = [google_logging_project_sink.this]
}

# Reads and writes of data are logged too; Google leaves them out by default.
resource "google_project_iam_audit_config" "this" {
  project = var.project
  service = "allServices"

  dynamic "audit_log_config" {
    for_each = toset(["ADMIN_READ", "DATA_READ", "DATA_WRITE"])
    content {
      log_type = audit_log_config.value
    }
  }
}

resource "google_monitoring_notification_channel" "people" {
  for_each = toset(var.budget.emails)

  project      = var.project
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = local.tags
  enabled      = true
  force_delete = false
}

resource "google_monitoring_alert_policy" "this" {
  for_each = {
    "key-loss"    = "protoPayload.serviceName=\"cloudkms.googleapis.com\" AND protoPayload.methodName=~\"(DestroyCryptoKeyVersion|UpdateCryptoKeyVersion)$\""
    "org-policy"  = "protoPayload.serviceName=\"orgpolicy.googleapis.com\" AND protoPayload.methodName=~\"(DeletePolicy|UpdatePolicy)$\""
    "public-data" = "protoPayload.methodName=~\"setIamPermissions$\" AND protoPayload.serviceData.policyDelta.bindingDeltas.member=(\"allUsers\" OR \"allAuthenticatedUsers\")"
  }

  project               = var.project
  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  enabled               = true
  severity              = "CRITICAL"
  notification_channels = [for channel in google_monitoring_notification_channel.people : channel.id]
  user_labels           = local.tags

  conditions {
    display_name = each.key
    condition_matched_log {
      filter = each.value
    }
  }
  alert_strategy {
    auto_close = "1800s"
    notification_rate_limit {
      period = "300s"
    }
  }
}

resource "google_billing_budget" "this" {
  billing_account = var.billing_account
  display_name    = "${var.name} from ${var.budget.start}"
  ownership_scope = "ALL_USERS"

  budget_filter {
    projects        = ["projects/${var.project_number}"]
    calendar_period = "MONTH"
  }
  amount {
    specified_amount {
      units = tostring(floor(var.budget.amount))
    }
  }
  dynamic "threshold_rules" {
    for_each = { actual80 = ["CURRENT_SPEND", 0.8], actual100 = ["CURRENT_SPEND", 1], forecast100 = ["FORECASTED_SPEND", 1] }
    content {
      spend_basis       = threshold_rules.value[0]
      threshold_percent = threshold_rules.value[1]
    }
  }
  all_updates_rule {
    monitoring_notification_channels = [for channel in google_monitoring_notification_channel.people : channel.id]
    disable_default_iam_recipients   = false
  }
}
