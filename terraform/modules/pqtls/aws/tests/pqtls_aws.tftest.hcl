mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  hostname       = "api.maily.example.com"
  network_id     = "vpc-1"
  subnet_ids     = ["subnet-1", "subnet-2"]
  client_cidrs   = ["0.0.0.0/0"]
  backend_cidr   = "10.42.128.0/17"
  log_bucket     = "maily-test-logs"
}

run "post_quantum_and_tls_13" {
  command = plan

  assert {
    condition     = strcontains(aws_lb_listener.edge.ssl_policy, "PQ") && strcontains(aws_lb_listener.edge.ssl_policy, "TLS13-1-3")
    error_message = "The listener must offer ML-KEM and TLS 1.3 only."
  }

  assert {
    condition     = aws_lb_listener.edge.protocol == "TLS" && aws_lb_target_group.edge.protocol == "TLS"
    error_message = "Both sides must be TLS."
  }

  assert {
    condition     = output.groups[0] == "X25519MLKEM768" && output.terminates == "cloud" && output.policy == aws_lb_listener.edge.ssl_policy
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = aws_lb.edge.enable_deletion_protection && aws_lb.edge.access_logs[0].enabled
    error_message = "The edge must be protected and logged."
  }

  assert {
    condition     = aws_acm_certificate.edge.options[0].certificate_transparency_logging_preference == "ENABLED"
    error_message = "The certificate must be in the public logs."
  }
}

run "one_zone_is_refused" {
  command = plan

  variables {
    subnet_ids = ["subnet-1"]
  }

  expect_failures = [var.subnet_ids]
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
