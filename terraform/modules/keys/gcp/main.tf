# One key for each use, in a ring of the region: Google never moves a ring. Each service's agent gets its own key and no other.
locals {
  # Use to the agent that encrypts with the key; Vault and Terraform come with identities of their own.
  agents = {
    storage  = "service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
    disks    = "service-${var.project_number}@compute-system.iam.gserviceaccount.com"
    etcd     = "service-${var.project_number}@container-engine-robot.iam.gserviceaccount.com"
    redis    = "service-${var.project_number}@gcp-sa-memorystore.iam.gserviceaccount.com"
    registry = "service-${var.project_number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
  }
  uses = toset(concat(keys(local.agents), ["seal"]))
}

resource "google_kms_key_ring" "this" {
  project  = var.project
  location = local.location
  name     = var.name
}

resource "google_kms_crypto_key" "this" {
  # checkov:skip=CKV_GCP_43:rotation_days decides, 90 by default
  for_each = local.uses

  name                          = each.key
  key_ring                      = google_kms_key_ring.this.id
  purpose                       = "ENCRYPT_DECRYPT"
  rotation_period               = "${var.rotation_days * 86400}s"
  destroy_scheduled_duration    = "2592000s"
  skip_initial_version_creation = false
  labels                        = merge(local.tags, { use = each.key })

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = var.hsm ? "HSM" : "SOFTWARE"
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key" "signing" {
  # checkov:skip=CKV_GCP_43:Google does not rotate asymmetric keys; a new version is made by hand, and old signatures stay valid
  name                          = "signing"
  key_ring                      = google_kms_key_ring.this.id
  purpose                       = "ASYMMETRIC_SIGN"
  destroy_scheduled_duration    = "2592000s"
  skip_initial_version_creation = false
  labels                        = merge(local.tags, { use = "signing" })

  version_template {
    algorithm        = "EC_SIGN_P384_SHA384"
    protection_level = var.hsm ? "HSM" : "SOFTWARE"
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each = local.agents

  crypto_key_id = google_kms_crypto_key.this[each.key].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"
}

# Keys answer inside the network only through the private address of googleapis.com; a rule in the log says if one is lost.
resource "google_logging_metric" "key_loss" {
  project     = var.project
  name        = "${var.name}-key-loss"
  description = "A key version was disabled or is to be destroyed"
  bucket_name = var.log_sink.id
  filter      = "protoPayload.serviceName=\"cloudkms.googleapis.com\" AND protoPayload.methodName=~\"(DestroyCryptoKeyVersion|UpdateCryptoKeyVersion|SetIamPolicy)$\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}
