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
  rotation_days  = 90
  log_sink       = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
  replicas       = ["storage"]
}

run "keys_rotate_and_are_ours" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.rotation_period_in_days == 90 && key.deletion_window_in_days == 30])
    error_message = "Every symmetric key must rotate, and wait 30 days before it goes."
  }

  assert {
    condition     = length(setsubtract(["storage", "disks", "etcd", "redis", "registry", "seal"], keys(aws_kms_key.this))) == 0
    error_message = "A use has no key of its own."
  }

  assert {
    condition     = aws_kms_key.signing.key_usage == "SIGN_VERIFY"
    error_message = "Signing needs an asymmetric key."
  }

  assert {
    condition     = alltrue([for key in aws_kms_key.this : anytrue([for statement in jsondecode(key.policy).Statement : statement.Effect == "Deny" && try(statement.Condition.StringNotEqualsIfExists["aws:PrincipalAccount"], "") == "123456789012"])])
    error_message = "Principals of other accounts must be denied."
  }

  assert {
    condition     = aws_kms_replica_key.this["storage"].region == "eu-west-1" && !aws_kms_key.this["etcd"].multi_region
    error_message = "Only the storage key has a replica, in the second region."
  }

  assert {
    condition     = !aws_vpc_endpoint.this.private_dns_enabled && aws_vpc_security_group_ingress_rule.endpoint.from_port == 443
    error_message = "The endpoint must be private, and TLS only."
  }
}

run "contract" {
  command = apply

  assert {
    condition     = can(tostring(output.vault_id)) && can(tomap(output.keys))
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = length(output.keys) == 7
    error_message = "There must be seven keys."
  }
}

run "a_slow_rotation_is_refused" {
  command = plan

  variables {
    rotation_days = 1000
  }

  expect_failures = [var.rotation_days]
}

run "replicas_without_a_second_region_are_refused" {
  command = plan

  variables {
    location       = "eu-west-2"
    data_residency = { boundary = "uk", clouds = ["aws"], primary = "eu-west-2" }
    log_sink       = { id = "arn:aws:logs:eu-west-2:123456789012:log-group:/maily/test", location = "eu-west-2" }
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
