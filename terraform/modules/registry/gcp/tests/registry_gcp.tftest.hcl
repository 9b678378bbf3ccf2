mock_provider "google" {}

variables {
  name            = "maily-test"
  location        = "europe-west3"
  data_residency  = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  project         = "maily-test"
  subnet_id       = "projects/maily-test/regions/europe-west3/subnetworks/s"
  key_id          = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  pullers         = { nodes = "serviceAccount:storage@maily-test.iam.gserviceaccount.com" }
  log_sink        = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
  signing_key_id  = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  signing_key_pem = "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----"
}

run "immutable_scanned_and_signed" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.this.docker_config[0].immutable_tags && google_artifact_registry_repository.this.kms_key_name != null
    error_message = "Images must be immutable and encrypted."
  }

  assert {
    condition     = google_binary_authorization_attestor.this.attestation_authority_note[0].public_keys[0].pkix_public_key[0].signature_algorithm == "ECDSA_P384_SHA384"
    error_message = "Images must be signed."
  }

  assert {
    condition     = google_artifact_registry_repository_iam_member.pull["nodes"].role == "roles/artifactregistry.reader"
    error_message = "Who pulls must not push."
  }

  assert {
    condition     = output.host == "europe-west3-docker.pkg.dev/maily-test/maily-test"
    error_message = "The outputs must be as the contract says."
  }
}

run "everybody_is_refused" {
  command = plan

  variables {
    pullers = { all = "allUsers" }
  }

  expect_failures = [var.pullers]
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
