# Where Terraform's state is kept: made once, before anything else, and by nothing else. Its own state, which holds no secret, is a
# local file of whoever made it.
resource "google_kms_key_ring" "state" {
  project  = var.project
  location = local.location
  name     = "${var.name}-state"
}

resource "google_kms_crypto_key" "state" {
  name                       = "state"
  key_ring                   = google_kms_key_ring.state.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s" # 90 days
  destroy_scheduled_duration = "7776000s" # 90 days
  labels                     = local.tags

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "HSM"
  }
  lifecycle {
    prevent_destroy = true
  }
}

# Cloud Storage's own agent uses the key; without it nothing can be written.
resource "google_kms_crypto_key_iam_member" "storage" {
  crypto_key_id = google_kms_crypto_key.state.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
}

resource "google_storage_bucket" "state" {
  # checkov:skip=CKV_GCP_62:Cloud Audit Logs say who read and wrote it; access logs would need a bucket of their own, made before this one
  project                     = var.project
  name                        = "${var.name}-state"
  location                    = upper(local.location)
  storage_class               = "STANDARD"
  force_destroy               = false
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = local.tags

  versioning {
    enabled = true
  }
  encryption {
    default_kms_key_name = google_kms_crypto_key.state.id
  }
  soft_delete_policy {
    retention_duration_seconds = 7776000
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 365
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.storage]
}

resource "google_storage_bucket_iam_member" "operator" {
  for_each = var.operators

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = each.value
}
