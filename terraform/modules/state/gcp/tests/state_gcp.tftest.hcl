mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  project        = "maily-test"
  project_number = "123456789012"
  operators      = { pipeline = "serviceAccount:terraform@maily-test.iam.gserviceaccount.com" }
}

run "the_bucket_is_closed" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.public_access_prevention == "enforced" && google_storage_bucket.state.uniform_bucket_level_access
    error_message = "Nobody may be let in but by IAM."
  }
  assert {
    condition     = google_storage_bucket_iam_member.operator["pipeline"].role == "roles/storage.objectUser"
    error_message = "Operators must be able to write the state, and no more."
  }
}

run "our_key_encrypts_the_state" {
  command = plan

  assert {
    condition     = google_kms_crypto_key.state.version_template[0].protection_level == "HSM" && google_kms_crypto_key.state.rotation_period == "7776000s"
    error_message = "The key must be in the HSM, and turn."
  }
}

run "old_states_can_be_brought_back" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.versioning[0].enabled && google_storage_bucket.state.soft_delete_policy[0].retention_duration_seconds == 7776000 && google_storage_bucket.state.location == "EUROPE-WEST3"
    error_message = "A state must survive a mistake, in the region."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "us-central1"
  }

  expect_failures = [terraform_data.residency]
}

run "nobody_is_refused" {
  command = plan

  variables {
    operators = {}
  }

  expect_failures = [var.operators]
}

run "everybody_is_refused" {
  command = plan

  variables {
    operators = { all = "allUsers" }
  }

  expect_failures = [var.operators]
}
