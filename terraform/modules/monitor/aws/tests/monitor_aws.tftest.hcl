mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  retention_days = 400
  budget         = { amount = 5000, start = "2026-12-01", emails = ["ops@example.com"] }
}

run "logs_are_encrypted_and_kept" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 400 && aws_cloudwatch_log_group.this.skip_destroy
    error_message = "Logs must be kept, even when the module goes."
  }

  assert {
    condition     = aws_kms_key.logs.enable_key_rotation
    error_message = "The logs' key must rotate."
  }

  assert {
    condition     = aws_guardduty_detector.this.enable && length(aws_guardduty_detector_feature.this) == 4 && alltrue([for feature in aws_guardduty_detector_feature.this : feature.status == "ENABLED"])
    error_message = "GuardDuty must watch the cluster, its nodes, disks and buckets."
  }
}

run "contract" {
  command = apply

  assert {
    condition     = length(aws_budgets_budget.this.notification) == 3
    error_message = "Three thresholds must tell people."
  }

  assert {
    condition     = output.log_sink.location == "eu-central-1" && can(tostring(output.log_sink.id))
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == aws_kms_key.logs.arn && aws_cloudwatch_log_group.this.kms_key_id == aws_kms_key.logs.arn
    error_message = "Alerts and logs must be encrypted with the key."
  }
}

run "a_short_retention_is_refused" {
  command = plan

  variables {
    retention_days = 30
  }

  expect_failures = [var.retention_days]
}

run "a_budget_without_readers_is_refused" {
  command = plan

  variables {
    budget = { amount = 10, start = "2026-12-01", emails = [] }
  }

  expect_failures = [var.budget]
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

run "a_bad_name_is_refused" {
  command = plan

  variables {
    name = "Maily_Test"
  }

  expect_failures = [var.name]
}
