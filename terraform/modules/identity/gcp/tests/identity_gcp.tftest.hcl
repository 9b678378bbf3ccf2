mock_provider "google" {}

variables {
  name            = "maily-test"
  location        = "europe-west3"
  data_residency  = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  project         = "maily-test"
  oidc_issuer_url = "https://container.googleapis.com/v1/projects/maily-test/locations/europe-west3/clusters/maily-test"
  services        = { storage = { namespace = "maily", service_account = "storage" }, inference = { namespace = "maily", service_account = "inference" } }
}

run "one_service_account_each" {
  command = plan

  assert {
    condition     = google_service_account_iam_member.workload["storage"].member == "serviceAccount:maily-test.svc.id.goog[maily/storage]"
    error_message = "Only the service's own account may act as it."
  }

  assert {
    condition     = alltrue([for member in google_service_account_iam_member.workload : member.role == "roles/iam.workloadIdentityUser"])
    error_message = "It may do nothing else with it."
  }
}

run "contract" {
  command = apply

  assert {
    condition     = startswith(output.principals["storage"], "serviceAccount:") && contains(keys(output.annotations["storage"]), "iam.gke.io/gcp-service-account")
    error_message = "The outputs must be as the contract says."
  }
}

run "an_issuer_elsewhere_is_refused" {
  command = plan

  variables {
    oidc_issuer_url = "https://container.googleapis.com/v1/projects/other-project/locations/europe-west3/clusters/c"
  }

  expect_failures = [google_service_account.service]
}

run "a_wildcard_is_refused" {
  command = plan

  variables {
    services = { all = { namespace = "*", service_account = "*" } }
  }

  expect_failures = [var.services]
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
