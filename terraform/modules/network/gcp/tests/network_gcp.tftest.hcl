mock_provider "google" {}

variables {
  name           = "maily-test"
  location       = "europe-west3"
  data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  project        = "maily-test"
  address_space  = "10.42.0.0/16"
  egress         = { images = { fqdns = ["registry.example.com"], reason = "Base images are mirrored from here" } }
  fallback       = { enabled = false }
  log_sink       = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
}

run "deny_by_default" {
  command = plan

  assert {
    condition     = google_compute_region_network_firewall_policy_rule.deny["EGRESS"].action == "deny" && google_compute_region_network_firewall_policy_rule.deny["INGRESS"].action == "deny" && alltrue([for rule in google_compute_region_network_firewall_policy_rule.deny : rule.enable_logging && !rule.disabled])
    error_message = "What no rule allows must be denied and logged."
  }

  assert {
    condition     = contains(google_compute_region_network_firewall_policy_rule.egress["images"].match[0].dest_fqdns, "registry.example.com") && google_compute_region_network_firewall_policy_rule.egress["images"].description == "Base images are mirrored from here"
    error_message = "A rule must name its host and its reason."
  }

  assert {
    condition     = length(google_compute_region_network_firewall_policy_rule.egress) == 1
    error_message = "The fallback must not be let out unless it is enabled."
  }

  assert {
    condition     = !google_compute_network.spoke.auto_create_subnetworks && google_compute_network.spoke.delete_default_routes_on_create
    error_message = "No subnet and no route may come by itself."
  }

  assert {
    condition     = google_compute_subnetwork.cluster.private_ip_google_access && google_compute_subnetwork.cluster.log_config[0].flow_sampling == 1
    error_message = "Every flow must be logged."
  }

  assert {
    condition     = google_compute_router_nat.this.nat_ip_allocate_option == "MANUAL_ONLY"
    error_message = "Traffic must leave from our own address."
  }

  assert {
    condition     = google_dns_policy.this.enable_logging && google_dns_managed_zone.this["storage"].visibility == "private"
    error_message = "Names must resolve privately, and be logged."
  }
}

run "contract" {
  command = apply

  assert {
    condition     = can(tostring(output.network_id)) && can(tostring(output.cluster_subnet_id)) && can(tostring(output.endpoint_subnet_id)) && can(tostring(output.egress_address)) && can(tomap(output.dns_zones))
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = output.egress["images"].reason == "Base images are mirrored from here"
    error_message = "The list of what is let out must say why."
  }
}

run "fallback_outside_the_boundary_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true }
  }

  expect_failures = [terraform_data.residency]
}

run "fallback_inside_the_boundary_is_let_out" {
  command = plan

  variables {
    fallback       = { enabled = true }
    location       = "us-central1"
    data_residency = { boundary = "us", clouds = ["gcp"], primary = "us-central1" }
    log_sink       = { id = "projects/maily-test/locations/us-central1/buckets/maily-test", location = "us-central1" }
  }

  assert {
    condition     = contains(google_compute_region_network_firewall_policy_rule.egress["inference-fallback"].match[0].dest_fqdns, "api.fireworks.ai")
    error_message = "An enabled fallback inside the boundary must be let out."
  }
}

run "ddos_protection_is_an_option" {
  command = plan

  variables {
    ddos_protection = true
  }

  assert {
    condition     = google_compute_project_cloud_armor_tier.this[0].cloud_armor_tier == "CA_ENTERPRISE_PAYGO"
    error_message = "The project must have the tier."
  }
}

run "a_wildcard_is_refused" {
  command = plan

  variables {
    egress = { images = { fqdns = ["*.example.com"], reason = "Base images are mirrored from here" } }
  }

  expect_failures = [var.egress]
}

run "an_entry_without_a_reason_is_refused" {
  command = plan

  variables {
    egress = { images = { fqdns = ["registry.example.com"], reason = "" } }
  }

  expect_failures = [var.egress]
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

run "logs_outside_are_refused" {
  command = plan

  variables {
    log_sink = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "us-east1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_id_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "projects/maily-test/locations/us-east1/buckets/maily-test", location = "europe-west3" }
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
