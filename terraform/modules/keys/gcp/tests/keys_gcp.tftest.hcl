mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  project        = "maily-test"
  project_number = "123456789012"
  subnet_id      = "projects/maily-test/regions/europe-west3/subnetworks/s"
  rotation_days  = 90
  log_sink       = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
}

run "keys_rotate_in_hardware" {
  command = plan

  assert {
    condition     = alltrue([for key in google_kms_crypto_key.this : key.rotation_period == "7776000s" && key.version_template[0].protection_level == "HSM" && key.destroy_scheduled_duration == "2592000s"])
    error_message = "Every key must rotate, be in hardware, and wait 30 days before it goes."
  }

  assert {
    condition     = google_kms_key_ring.this.location == "europe-west3"
    error_message = "The ring must be in the region."
  }

  assert {
    condition     = google_kms_crypto_key_iam_member.agent["storage"].member == "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
    error_message = "Each agent must get its own key."
  }

  assert {
    condition     = google_kms_crypto_key.signing.purpose == "ASYMMETRIC_SIGN"
    error_message = "Signing needs an asymmetric key."
  }
}

run "a_slow_rotation_is_refused" {
  command = plan

  variables {
    rotation_days = 1000
  }

  expect_failures = [var.rotation_days]
}

run "a_subnet_elsewhere_is_refused" {
  command = plan

  variables {
    subnet_id = "projects/maily-test/regions/us-east1/subnetworks/s"
  }

  expect_failures = [terraform_data.residency]
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
