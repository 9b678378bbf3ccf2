mock_provider "aws" {
  mock_resource "aws_vpc_endpoint" {
    defaults = { dns_entry = [{ dns_name = "vpce.example.com", hosted_zone_id = "Z2" }] }
  }
}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  network_id     = "vpc-1"
  client_cidr    = "10.42.128.0/17"
  subnet_id      = "subnet-1"
  dns_zone_id    = "Z1"
  key_id         = "arn:aws:kms:eu-central-1:123456789012:key/k"
  pullers        = { nodes = "arn:aws:iam::123456789012:role/maily-test-storage" }
  log_sink       = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
}

run "immutable_scanned_and_signed" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && repository.encryption_configuration[0].encryption_type == "KMS"])
    error_message = "Images must be immutable, scanned and encrypted."
  }

  assert {
    condition     = startswith(aws_signer_signing_profile.this.platform_id, "Notation-")
    error_message = "Images must be signed."
  }

  assert {
    condition     = output.host == "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = alltrue([for policy in aws_ecr_repository_policy.this : !strcontains(policy.policy, "ecr:PutImage")])
    error_message = "Who pulls must not push."
  }
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "arn:aws:kms:us-east-1:123456789012:key/k"
  }

  expect_failures = [aws_ecr_repository.this]
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
