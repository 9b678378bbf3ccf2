mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  project        = "maily-test"
  subnet_id      = "projects/maily-test/regions/europe-west3/subnetworks/s"
  buckets = {
    audit = { cool_days = 30, archive_days = 120, retention_days = 3650, immutable_days = 2555, locked = true, legal_hold = ["case-7"] }
    mail  = { data_class = "confidential", retention_days = 400 }
  }
  replication      = "geo"
  soft_delete_days = 30
  key_id           = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  clients          = { storage = { principal = "serviceAccount:storage@maily-test.iam.gserviceaccount.com", buckets = { mail = "write", audit = "read" } } }
  log_sink         = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
}

run "closed_and_encrypted" {
  command = plan

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.public_access_prevention == "enforced" && bucket.uniform_bucket_level_access])
    error_message = "No bucket may be public."
  }

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.encryption[0].default_kms_key_name == "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"])
    error_message = "Objects must be encrypted with our key."
  }

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.versioning[0].enabled && bucket.soft_delete_policy[0].retention_duration_seconds == 2592000])
    error_message = "What was deleted must come back for 30 days."
  }

  assert {
    condition     = google_storage_bucket.this["audit"].retention_policy[0].is_locked && google_storage_bucket.this["audit"].default_event_based_hold
    error_message = "The audit bucket must be immutable and held."
  }

  assert {
    condition     = length(google_storage_bucket.this["mail"].retention_policy) == 0 && !google_storage_bucket.this["mail"].default_event_based_hold
    error_message = "Only what must be immutable is."
  }

  assert {
    condition     = toset(google_storage_bucket.this["mail"].custom_placement_config[0].data_locations) == toset(["EUROPE-WEST3", "EUROPE-WEST4"])
    error_message = "Copies must stay inside the boundary."
  }

  assert {
    condition     = google_storage_bucket_iam_member.client["storage-audit"].role == "roles/storage.objectViewer"
    error_message = "A reader can't write."
  }

  assert {
    condition     = output.replication.class == "DUAL_REGION" && length(output.replication.regions) == 2 && length(output.buckets) == 2
    error_message = "The outputs must be as the contract says."
  }
}

run "zone_copies_nothing" {
  command = plan

  variables {
    replication = "zone"
  }

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.location == "EUROPE-WEST3" && length(bucket.custom_placement_config) == 0])
    error_message = "Nothing may leave the region."
  }
}

run "geo_without_a_second_region_is_refused" {
  command = plan

  variables {
    location       = "europe-west2"
    data_residency = { boundary = "uk", clouds = ["gcp"], primary = "europe-west2" }
    key_id         = "projects/maily-test/locations/europe-west2/keyRings/r/cryptoKeys/k"
    subnet_id      = "projects/maily-test/regions/europe-west2/subnetworks/s"
    log_sink       = { id = "projects/maily-test/locations/europe-west2/buckets/maily-test", location = "europe-west2" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "projects/maily-test/locations/us-east1/keyRings/r/cryptoKeys/k"
  }

  expect_failures = [terraform_data.residency]
}

run "deletion_before_immutability_s_end_is_refused" {
  command = plan

  variables {
    buckets = { audit = { retention_days = 30, immutable_days = 60 }, mail = {} }
  }

  expect_failures = [var.buckets]
}

run "outside_the_boundary_is_refused" {
  command = plan

  variables {
    location = "us-east1"
  }

  expect_failures = [terraform_data.residency]
}

run "a_neighbouring_boundary_is_refused" {
  command = plan

  variables {
    location = "europe-west2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_not_named_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "europe-west3", secondary = "europe-west4" }
  }

  expect_failures = [terraform_data.residency]
}

run "logs_outside_are_refused" {
  command = plan

  variables {
    log_sink = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "us-east1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_id_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "projects/maily-test/locations/us-east1/buckets/maily-test", location = "europe-west3" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_bad_name_is_refused" {
  command = plan

  variables {
    name = "Maily_Test"
  }

  expect_failures = [var.name]
}
