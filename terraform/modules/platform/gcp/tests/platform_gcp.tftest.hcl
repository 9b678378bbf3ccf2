mock_provider "google" {}

override_data {
  target = data.google_kms_crypto_key_version.signing
  values = { public_key = [{ algorithm = "EC_SIGN_P384_SHA384", pem = "-----BEGIN PUBLIC KEY-----" }] }
}

variables {
  name               = "maily-test"
  data_residency     = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership          = { owner = "platform", environment = "dev", data_class = "restricted" }
  project            = "maily-test"
  project_number     = "123456789012"
  billing_account    = "012345-6789AB-CDEF01"
  admin_groups       = ["gke-security-groups@example.com"]
  kubernetes_version = "1.34"
  system_pool        = { size = "n2-standard-2", min = 1, max = 2 }
  services_pool      = { size = "n2-standard-4", min = 1, max = 3 }
  maintenance        = { day = "Sunday", start_hour = 2, hours = 4 }
  redis_size         = "STANDARD_SMALL"
  log_days           = 365
  hostname           = "mail.example.com"
  budget             = { amount = 100, start = "2026-12-01", emails = ["platform@example.com"] }
}

run "a_whole_deployment_is_planned_inside" {
  command = plan

  assert {
    condition     = output.residency.boundary == "eu" && output.residency.verdict == "inside the eu boundary" && tolist(output.residency.regions) == tolist(["europe-west3"])
    error_message = "Everything must be in the boundary."
  }
  assert {
    condition     = output.redis.authentication == "identity" && output.redis.tls
    error_message = "Redis must take identities over TLS only."
  }
  assert {
    condition     = alltrue([for entry in values(output.egress) : length(entry.reason) >= 10])
    error_message = "Each way out must say why."
  }
}

run "the_model_never_falls_back_out_of_the_boundary" {
  command = plan

  assert {
    condition     = !anytrue([for entry in values(output.egress) : anytrue([for fqdn in entry.fqdns : strcontains(fqdn, "fireworks")])])
    error_message = "Fireworks.ai must not be reachable."
  }
}

run "a_primary_region_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "us-central1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_secondary_region_outside_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "us-central1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_that_is_not_allowed_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "europe-west3" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_fallback_outside_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true }
  }

  expect_failures = [terraform_data.residency]
}

run "a_fallback_that_nobody_knows_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true, endpoint = "https://models.example.com/v1" }
  }

  expect_failures = [terraform_data.residency]
}

run "an_unknown_replication_is_refused" {
  command = plan

  variables {
    replication = "everywhere"
  }

  expect_failures = [var.replication]
}

run "an_audit_without_days_is_refused" {
  command = plan

  variables {
    audit_days = 0
  }

  expect_failures = [var.audit_days]
}

run "backups_for_a_day_are_refused" {
  command = plan

  variables {
    backup_days = 1
  }

  expect_failures = [var.backup_days]
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    budget = { amount = 0, start = "2026-12-01", emails = ["platform@example.com"] }
  }

  expect_failures = [var.budget]
}

run "an_old_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "one"
  }

  expect_failures = [var.kubernetes_version]
}

run "geo_copies_go_to_the_second_region" {
  command = plan

  variables {
    replication = "geo"
  }

  assert {
    condition     = toset(output.residency.regions) == toset(["europe-west3", "europe-west4"])
    error_message = "The copies must be in the second region."
  }
}

run "vault_may_unseal_and_no_more" {
  command = plan

  assert {
    condition     = google_kms_crypto_key_iam_member.vault_seal.role == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    error_message = "Vault must use its seal key and nothing else."
  }
}

run "the_edge_comes_when_its_backend_is_there" {
  command = plan

  assert {
    condition     = output.edge == null
    error_message = "Without a backend there is no edge."
  }
}

run "the_edge_speaks_ml_kem" {
  command = plan

  variables {
    edge_backend = "projects/maily-test/regions/europe-west3/backendServices/edge"
  }

  assert {
    condition     = output.edge.groups[0] == "X25519MLKEM768"
    error_message = "The load balancer must have a post-quantum policy."
  }
}

run "geo_copies_where_there_is_one_region_are_refused" {
  command = plan

  variables {
    data_residency = { boundary = "uk", clouds = ["gcp"], primary = "europe-west2" }
    replication    = "geo"
  }

  expect_failures = [terraform_data.residency]
}

run "a_project_with_capitals_is_refused" {
  command = plan

  variables {
    project = "Maily"
  }

  expect_failures = [var.project]
}

run "nobody_to_administer_is_refused" {
  command = plan

  variables {
    admin_groups = []
  }

  expect_failures = [var.admin_groups]
}
