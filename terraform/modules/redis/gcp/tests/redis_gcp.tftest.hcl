mock_provider "google" {}

variables {
  name              = "maily-test"
  location          = "europe-west3"
  data_residency    = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership         = { owner = "platform", environment = "dev", data_class = "restricted" }
  project           = "maily-test"
  network_id        = "n"
  subnet_id         = "projects/maily-test/regions/europe-west3/subnetworks/s"
  size              = "STANDARD_SMALL"
  high_availability = true
  persistence       = false
  key_id            = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  clients           = { orchestrator = "serviceAccount:storage@maily-test.iam.gserviceaccount.com" }
  log_sink          = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
}

run "identity_and_tls_only" {
  command = plan

  assert {
    condition     = google_memorystore_instance.this.authorization_mode == "IAM_AUTH" && google_memorystore_instance.this.transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "Clients must log in with IAM, over TLS."
  }

  assert {
    condition     = google_memorystore_instance.this.kms_key == "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
    error_message = "Data at rest must be encrypted with our key."
  }

  assert {
    condition     = google_memorystore_instance.this.persistence_config[0].mode == "DISABLED"
    error_message = "Nothing may outlive a restart."
  }

  assert {
    condition     = google_memorystore_instance.this.zone_distribution_config[0].mode == "MULTI_ZONE" && google_memorystore_instance.this.replica_count == 1
    error_message = "A replica in another zone must take over."
  }

  assert {
    condition     = strcontains(google_project_iam_member.client["orchestrator"].condition[0].expression, "/instances/maily-test")
    error_message = "A client may connect to this instance only."
  }

  assert {
    condition     = output.authentication == "identity" && output.tls && output.port == 6379
    error_message = "The outputs must be as the contract says."
  }
}

run "persistence_is_an_option" {
  command = plan

  variables {
    persistence = true
  }

  assert {
    condition     = google_memorystore_instance.this.persistence_config[0].mode == "RDB"
    error_message = "Persistence must keep a snapshot."
  }
}

run "everybody_is_refused" {
  command = plan

  variables {
    clients = { all = "allAuthenticatedUsers" }
  }

  expect_failures = [var.clients]
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "projects/maily-test/locations/us-east1/keyRings/r/cryptoKeys/k"
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
