mock_provider "google" {}

variables {
  name            = "maily-test"
  location        = "europe-west3"
  data_residency  = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  project         = "maily-test"
  network_id      = "n"
  hostname        = "api.maily.example.com"
  backend_service = "projects/maily-test/regions/europe-west3/backendServices/b"
}

run "post_quantum_in_the_region" {
  command = plan

  assert {
    condition     = google_compute_region_ssl_policy.edge.post_quantum_key_exchange == "ENABLED" && google_compute_region_ssl_policy.edge.profile == "RESTRICTED"
    error_message = "The edge must offer ML-KEM."
  }

  assert {
    condition     = google_compute_forwarding_rule.edge.region == "europe-west3" && google_compute_forwarding_rule.edge.port_range == "443"
    error_message = "TLS must end in the region."
  }

  assert {
    condition     = output.groups[0] == "X25519MLKEM768" && output.terminates == "cloud"
    error_message = "The outputs must be as the contract says."
  }
}

run "a_backend_elsewhere_is_refused" {
  command = plan

  variables {
    backend_service = "projects/maily-test/regions/us-east1/backendServices/b"
  }

  expect_failures = [terraform_data.residency]
}

run "a_bad_hostname_is_refused" {
  command = plan

  variables {
    hostname = "*.example.com"
  }

  expect_failures = [var.hostname]
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

run "a_bad_name_is_refused" {
  command = plan

  variables {
    name = "Maily_Test"
  }

  expect_failures = [var.name]
}
