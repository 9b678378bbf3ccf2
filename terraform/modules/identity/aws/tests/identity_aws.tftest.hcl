mock_provider "aws" {}

variables {
  name            = "maily-test"
  location        = "eu-central-1"
  data_residency  = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership       = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id      = "123456789012"
  oidc_issuer_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"
  services        = { storage = { namespace = "maily", service_account = "storage" }, inference = { namespace = "maily", service_account = "inference" } }
}

run "one_service_account_each" {
  command = apply

  assert {
    condition     = jsondecode(aws_iam_role.service["storage"].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub"] == "system:serviceaccount:maily:storage"
    error_message = "Only the service's own account may take its role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.service["storage"].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud"] == "sts.amazonaws.com"
    error_message = "Only tokens meant for AWS may be taken."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.service : role.permissions_boundary == aws_iam_policy.boundary.arn && role.max_session_duration == 3600])
    error_message = "Each role must have the boundary, and short sessions."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.boundary.policy, "\"*:*\"") && !strcontains(aws_iam_policy.boundary.policy, "s3:*")
    error_message = "The boundary must name single actions."
  }

  assert {
    condition     = output.annotations["storage"]["eks.amazonaws.com/role-arn"] == output.principals["storage"]
    error_message = "The annotation must be the role."
  }
}

run "an_issuer_elsewhere_is_refused" {
  command = plan

  variables {
    oidc_issuer_url = "https://oidc.eks.us-east-1.amazonaws.com/id/ABC"
  }

  expect_failures = [aws_iam_role.service]
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
