mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  project        = "maily-test"
  project_number = "123456789012"
  replication    = "geo"
  retention_days = 35
  storage_id     = "projects/_/buckets/maily-test-"
  log_sink       = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
  key_id         = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  cluster_id     = "projects/maily-test/locations/europe-west3/clusters/maily-test"
  buckets        = { mail = "maily-test-mail" }
  locked         = true
}

run "locked_and_restorable" {
  command = plan

  assert {
    condition     = google_gke_backup_backup_plan.this.retention_policy[0].locked && google_gke_backup_backup_plan.this.location == "europe-west4"
    error_message = "The backup must be final, in the second region."
  }

  assert {
    condition     = google_storage_bucket.this.retention_policy[0].is_locked && google_storage_bucket.this.public_access_prevention == "enforced"
    error_message = "Copies must be immutable and closed."
  }

  assert {
    condition     = google_gke_backup_restore_plan.this.restore_config[0].namespaced_resource_restore_mode == "FAIL_ON_CONFLICT"
    error_message = "A restore must not overwrite."
  }

  assert {
    condition     = output.restore.location == "europe-west4" && output.restore.cross_region && output.restore.soft_delete_days == 7
    error_message = "The outputs must be as the contract says."
  }
}

run "a_foreign_bucket_is_refused" {
  command = plan

  variables {
    buckets = { x = "somebody-else" }
  }

  expect_failures = [google_storage_transfer_job.this]
}

run "a_long_retention_is_refused" {
  command = plan

  variables {
    retention_days = 1000
  }

  expect_failures = [var.retention_days]
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
