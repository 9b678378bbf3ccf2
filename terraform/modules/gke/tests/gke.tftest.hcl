mock_provider "google" {}

variables {
  name                   = "maily-test"
  location               = "europe-west3"
  data_residency         = { boundary = "eu", clouds = ["gcp"], primary = "europe-west3", secondary = "europe-west4" }
  ownership              = { owner = "platform", environment = "dev", data_class = "restricted" }
  project                = "maily-test"
  network_id             = "n"
  client_cidr            = "10.42.0.0/16"
  subnet_id              = "projects/maily-test/regions/europe-west3/subnetworks/s"
  kubernetes_version     = "1.33"
  maintenance            = { day = "Sunday", start_hour = 2, hours = 4 }
  node_auto_provisioning = false
  ai_toolchain           = false
  system_pool            = { size = "e2-standard-4", min = 3, max = 6 }
  services_pool          = { size = "n2-standard-8", min = 2, max = 20 }
  admin_groups           = ["gke-security-groups@example.com"]
  disk_key_id            = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  etcd_key_id            = "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k"
  log_sink               = { id = "projects/maily-test/locations/europe-west3/buckets/maily-test", location = "europe-west3" }
  gpu_pools              = { h100 = { size = "a3-highgpu-1g", max = 4, confidential = true }, a100 = { size = "a2-highgpu-2g", max = 2, mig = "1g.5gb", spot = true, driver = false } }
}

run "a_private_cluster" {
  command = plan

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint && google_container_cluster.this.private_cluster_config[0].enable_private_nodes
    error_message = "The API and the nodes must be private."
  }

  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH"
    error_message = "The dataplane must be Cilium."
  }

  assert {
    condition     = !google_container_cluster.this.master_auth[0].client_certificate_config[0].issue_client_certificate && !google_container_cluster.this.enable_legacy_abac
    error_message = "There must be no local accounts."
  }

  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "ENCRYPTED"
    error_message = "Secrets must be sealed with our key."
  }

  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "maily-test.svc.id.goog"
    error_message = "Pods must have identities of their own."
  }

  assert {
    condition     = google_container_cluster.this.binary_authorization[0].evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE" && google_container_cluster.this.enable_shielded_nodes && google_container_cluster.this.deletion_protection
    error_message = "Only admitted images may run, on shielded nodes."
  }

  assert {
    condition     = google_container_cluster.this.maintenance_policy[0].recurring_window[0].start_time == "2024-01-07T02:00:00Z" && google_container_cluster.this.maintenance_policy[0].recurring_window[0].recurrence == "FREQ=WEEKLY;BYDAY=SU"
    error_message = "The window must be the one asked for."
  }

  assert {
    condition     = length(google_container_cluster.this.logging_config[0].enable_components) == 5
    error_message = "Every log must be kept."
  }
}

run "careful_nodes" {
  command = plan

  assert {
    condition     = alltrue([for pool in google_container_node_pool.this : pool.node_config[0].boot_disk_kms_key == "projects/maily-test/locations/europe-west3/keyRings/r/cryptoKeys/k" && pool.node_config[0].shielded_instance_config[0].enable_secure_boot && pool.node_config[0].workload_metadata_config[0].mode == "GKE_METADATA"])
    error_message = "Nodes must be shielded, encrypted, and hide their own identity."
  }

  assert {
    condition     = alltrue([for pool in google_container_node_pool.this : pool.network_config[0].enable_private_nodes])
    error_message = "Nodes must have no public address."
  }
}

run "gpu_pools_start_from_zero" {
  command = plan

  assert {
    condition     = alltrue([for name in ["gpu-h100", "gpu-a100"] : google_container_node_pool.this[name].autoscaling[0].total_min_node_count == 0 && google_container_node_pool.this[name].node_config[0].taint[0].key == "sku"])
    error_message = "GPU pools must scale from zero and be tainted."
  }

  assert {
    condition     = google_container_node_pool.this["gpu-h100"].node_config[0].guest_accelerator[0].type == "nvidia-h100-80gb" && google_container_node_pool.this["gpu-h100"].node_config[0].confidential_nodes[0].confidential_instance_type == "TDX"
    error_message = "A confidential H100 must be one."
  }

  assert {
    condition     = google_container_node_pool.this["gpu-a100"].node_config[0].guest_accelerator[0].count == 2 && google_container_node_pool.this["gpu-a100"].node_config[0].guest_accelerator[0].gpu_partition_size == "1g.5gb" && google_container_node_pool.this["gpu-a100"].node_config[0].spot
    error_message = "Spot, MIG and the number of GPUs must be as asked."
  }

  assert {
    condition     = google_container_node_pool.this["gpu-a100"].node_config[0].guest_accelerator[0].gpu_driver_installation_config[0].gpu_driver_version == "INSTALLATION_DISABLED"
    error_message = "The driver must be the pool's choice."
  }
}

run "a_confidential_a100_is_refused" {
  command = plan

  variables {
    gpu_pools = { a100 = { size = "a2-highgpu-1g", max = 1, confidential = true } }
  }

  expect_failures = [var.gpu_pools]
}

run "the_ai_toolchain_is_refused" {
  command = plan

  variables {
    ai_toolchain = true
  }

  expect_failures = [var.ai_toolchain]
}

run "another_security_group_is_refused" {
  command = plan

  variables {
    admin_groups = ["admins@example.com"]
  }

  expect_failures = [var.admin_groups]
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    etcd_key_id = "projects/maily-test/locations/us-east1/keyRings/r/cryptoKeys/k"
  }

  expect_failures = [terraform_data.residency]
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
