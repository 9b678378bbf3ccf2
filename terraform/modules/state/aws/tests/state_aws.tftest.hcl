mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  operators      = { pipeline = "arn:aws:iam::123456789012:role/maily-terraform" }
}

override_resource {
  target          = aws_kms_key.state
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:123456789012:key/k" }
}

run "only_operators_get_in_and_over_tls" {
  command = plan

  assert {
    condition     = anytrue([for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : statement.Sid == "OperatorsOnly" && statement.Effect == "Deny" && try(tolist(statement.Condition.ArnNotEquals["aws:PrincipalArn"]) == tolist(["arn:aws:iam::123456789012:role/maily-terraform"]), false)])
    error_message = "Everybody but the operators must be refused."
  }
  assert {
    condition     = anytrue([for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : statement.Sid == "TlsOnly" && statement.Effect == "Deny"])
    error_message = "Plain connections must be refused."
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    error_message = "The bucket must be closed."
  }
}

run "our_key_encrypts_the_state" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" && aws_kms_key.state.enable_key_rotation
    error_message = "The state must be encrypted with our key, which turns."
  }
}

run "old_states_can_be_brought_back" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled" && !aws_s3_bucket.state.force_destroy
    error_message = "A state must survive a mistake."
  }
}

run "a_region_outside_is_refused" {
  command = plan

  variables {
    location = "us-east-1"
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

run "any_role_is_refused" {
  command = plan

  variables {
    operators = { all = "arn:aws:iam::123456789012:role/*" }
  }

  expect_failures = [var.operators]
}
