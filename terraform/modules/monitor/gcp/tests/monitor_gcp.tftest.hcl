mock_provider "google" {}

variables {
  name            = "maily-test"
  location        = "europe-west3"
  data_residency  = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  project         = "maily-test"
  project_number  = "123456789012"
  billing_account = "012345-6789AB-CDEF01"
  retention_days  = 400
  budget          = { amount = 5000, start = "2026-12-01", emails = ["ops@example.com"] }
}

run "logs_stay_in_the_region" {
  command = plan

  assert {
    condition     = google_logging_project_bucket_config.this.location == "europe-west3" && google_logging_project_bucket_config.this.retention_days == 400
    error_message = "Logs must be kept in the region."
  }

  assert {
    condition     = !google_logging_project_exclusion.global.disabled
    error_message = "Nothing may go into the global bucket."
  }

  assert {
    condition     = length(google_project_iam_audit_config.this.audit_log_config) == 3
    error_message = "Reads of data must be logged too."
  }

  assert {
    condition     = length(google_monitoring_alert_policy.this) == 3 && alltrue([for policy in google_monitoring_alert_policy.this : policy.enabled])
    error_message = "People must be told."
  }

  assert {
    condition     = length(google_billing_budget.this.threshold_rules) == 3
    error_message = "Three thresholds must tell people."
  }
}

run "a_short_retention_is_refused" {
  command = plan

  variables {
    retention_days = 30
  }

  expect_failures = [var.retention_days]
}

run "a_bad_billing_account_is_refused" {
  command = plan

  variables {
    billing_account = "x"
  }

  expect_failures = [var.billing_account]
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
