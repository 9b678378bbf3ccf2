mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  replication    = "geo"
  retention_days = 35
  storage_id     = "arn:aws:s3:::maily-test-*"
  log_sink       = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
  key_id         = "arn:aws:kms:eu-central-1:123456789012:key/k"
  replica_key_id = "arn:aws:kms:eu-west-1:123456789012:key/k"
  locked         = true
}

run "locked_copied_and_restored" {
  command = plan

  assert {
    condition     = aws_backup_vault_lock_configuration.this.changeable_for_days == 3 && aws_backup_vault_lock_configuration.this.max_retention_days == 35
    error_message = "The lock must become final."
  }

  assert {
    condition     = aws_backup_vault.copy[0].region == "eu-west-1"
    error_message = "The copy must be in the second region."
  }

  assert {
    condition     = aws_backup_restore_testing_plan.this.recovery_point_selection[0].algorithm == "LATEST_WITHIN_WINDOW"
    error_message = "The newest backup must be restored each week."
  }

  assert {
    condition     = output.restore.location == "eu-central-1" && output.restore.cross_region && output.restore.soft_delete_days == 7
    error_message = "The outputs must be as the contract says."
  }
}

run "zone_copies_nothing" {
  command = plan

  variables {
    replication    = "zone"
    replica_key_id = null
  }

  assert {
    condition     = length(aws_backup_vault.copy) == 0 && !output.restore.cross_region
    error_message = "Nothing may leave the region."
  }
}

run "a_long_retention_is_refused" {
  command = plan

  variables {
    retention_days = 1000
  }

  expect_failures = [var.retention_days]
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "arn:aws:kms:us-east-1:123456789012:key/k"
  }

  expect_failures = [terraform_data.residency]
}

run "outside_the_boundary_is_refused" {
  command = plan

  variables {
    location = "us-east-1"
  }

  expect_failures = [terraform_data.residency]
}

run "a_neighbouring_boundary_is_refused" {
  command = plan

  variables {
    location = "eu-west-2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_not_named_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "eu-central-1", secondary = "eu-west-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "logs_outside_are_refused" {
  command = plan

  variables {
    log_sink = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "us-east-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_id_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "arn:aws:logs:us-east-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
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
