mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  scope          = "123456789012"
  enforce        = true
}

run "only_the_boundary_s_regions" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_organizations_policy.residency.content).Statement : tolist(statement.Condition.StringNotEquals["aws:RequestedRegion"]) if statement.Sid == "NothingOutsideTheBoundary"][0] == tolist(output.allowed_locations)
    error_message = "The policy must deny every region but the boundary's."
  }

  assert {
    condition     = !contains(output.allowed_locations, "us-east-1") && !contains(output.allowed_locations, "eu-west-2")
    error_message = "No region outside may be allowed."
  }

  assert {
    condition     = length(aws_organizations_policy.residency.content) < 5120
    error_message = "AWS takes no longer policy."
  }

  assert {
    condition     = !strcontains(aws_organizations_policy.residency.content, "cloudfront")
    error_message = "CloudFront serves from anywhere and may not be exempt."
  }

  assert {
    condition     = aws_organizations_policy_attachment.residency[0].target_id == "123456789012"
    error_message = "The policy must be attached."
  }
}

run "reading_only_attaches_nothing" {
  command = plan

  variables {
    enforce = false
  }

  assert {
    condition     = length(aws_organizations_policy_attachment.residency) == 0
    error_message = "A policy that is not enforced must not be attached."
  }
}

run "the_organization_s_root_is_refused" {
  command = plan

  variables {
    scope = "r-ab12"
  }

  expect_failures = [var.scope]
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
