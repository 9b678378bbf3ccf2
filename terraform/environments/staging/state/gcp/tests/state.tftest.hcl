# The root with its own terraform.tfvars.
mock_provider "google" {}

run "the_backend_finds_it" {
  command = plan

  assert {
    condition     = output.place == "maily-stg-state"
    error_message = "The name must be the one in the environment's backend."
  }
}

run "nobody_to_run_terraform_is_refused" {
  command = plan

  variables {
    operators = {}
  }

  expect_failures = [var.operators]
}
