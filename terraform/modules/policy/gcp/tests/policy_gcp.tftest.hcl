mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  scope          = "projects/maily-test"
  enforce        = true
}

run "only_the_boundary_s_regions" {
  command = plan

  assert {
    condition     = toset(google_org_policy_policy.locations.spec[0].rules[0].values[0].allowed_values) == toset([for region in output.allowed_locations : "in:${region}-locations"])
    error_message = "The policy must allow the boundary's regions and no other."
  }

  assert {
    condition     = !contains(output.allowed_locations, "europe-west2") && !contains(output.allowed_locations, "us-east1")
    error_message = "No region outside may be allowed."
  }

  assert {
    condition     = alltrue([for policy in google_org_policy_policy.guard : policy.spec[0].rules[0].enforce == "TRUE"]) && contains(keys(google_org_policy_policy.guard), "storage.publicAccessPrevention")
    error_message = "The guard rails must be enforced."
  }
}

run "reading_only_refuses_nothing" {
  command = plan

  variables {
    enforce = false
  }

  assert {
    condition     = length(google_org_policy_policy.locations.spec) == 0 && length(google_org_policy_policy.locations.dry_run_spec) == 1
    error_message = "A policy that is not enforced must only log."
  }
}

run "another_scope_is_refused" {
  command = plan

  variables {
    scope = "organizations/1"
  }

  expect_failures = [var.scope]
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
