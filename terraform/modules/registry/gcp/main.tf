# Artifact Registry: tags that can't be moved, our key, a scan of each push, and an attestor whose signature admission wants.
resource "google_artifact_registry_repository" "this" {
  project                = var.project
  location               = local.location
  repository_id          = var.name
  description            = "Images of ${var.name}"
  format                 = "DOCKER"
  mode                   = "STANDARD_REPOSITORY"
  kms_key_name           = var.key_id
  cleanup_policy_dry_run = false
  labels                 = local.tags

  docker_config {
    immutable_tags = true
  }
  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }
  cleanup_policies {
    id     = "untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "604800s"
    }
  }
  cleanup_policies {
    id     = "newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 100
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "pull" {
  for_each = var.pullers

  project    = var.project
  location   = local.location
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.reader"
  member     = each.value
}

resource "google_container_analysis_note" "this" {
  project           = var.project
  name              = "${var.name}-signed"
  short_description = "Signed by ${var.name}'s build"

  attestation_authority {
    hint {
      human_readable_name = "${var.name} build"
    }
  }
}

resource "google_binary_authorization_attestor" "this" {
  project     = var.project
  name        = "${var.name}-build"
  description = "Signs what ${var.name} builds"

  attestation_authority_note {
    note_reference = google_container_analysis_note.this.name

    public_keys {
      id = var.signing_key_id
      pkix_public_key {
        public_key_pem      = var.signing_key_pem
        signature_algorithm = "ECDSA_P384_SHA384"
      }
    }
  }
}

resource "google_logging_project_sink" "this" {
  project                = var.project
  name                   = "${var.name}-registry"
  description            = "Who pushed and pulled what"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "protoPayload.serviceName=\"artifactregistry.googleapis.com\" AND protoPayload.resourceName:\"/repositories/${var.name}\""
  unique_writer_identity = true
}
