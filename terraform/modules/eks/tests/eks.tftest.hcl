mock_provider "aws" {}

variables {
  name                   = "maily-test"
  location               = "eu-central-1"
  data_residency         = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership              = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id             = "123456789012"
  network_id             = "vpc-1"
  client_cidr            = "10.42.128.0/17"
  subnet_id              = "subnet-1"
  zone_subnet_ids        = ["subnet-2"]
  system_pool            = { size = "m7i.large", min = 3, max = 6 }
  services_pool          = { size = "m7i.xlarge", min = 2, max = 20 }
  kubernetes_version     = "1.33"
  maintenance            = { day = "Sunday", start_hour = 2, hours = 4 }
  node_auto_provisioning = false
  ai_toolchain           = false
  admin_groups           = ["arn:aws:iam::123456789012:role/admins"]
  disk_key_id            = "arn:aws:kms:eu-central-1:123456789012:key/k"
  etcd_key_id            = "arn:aws:kms:eu-central-1:123456789012:key/k"
  log_sink               = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
  log_key_id             = "arn:aws:kms:eu-central-1:123456789012:key/k"
  gpu_pools              = { h100 = { size = "p5.48xlarge", max = 4 }, a100 = { size = "p4d.24xlarge", max = 2, mig = "all-1g.5gb", spot = true, driver = false } }
}

run "a_private_cluster" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The API must be private."
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "Nobody may be administrator by having created it."
  }

  assert {
    condition     = contains(aws_eks_cluster.this.encryption_config[0].resources, "secrets")
    error_message = "Secrets must be sealed with our key."
  }

  assert {
    condition     = length(aws_eks_cluster.this.enabled_cluster_log_types) == 5
    error_message = "Every log of the control plane must be kept."
  }

  assert {
    condition     = aws_eks_cluster.this.deletion_protection && aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "The cluster must be protected and upgraded."
  }

  assert {
    condition     = jsondecode(aws_eks_addon.this["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "Network policies must be enforced."
  }

  assert {
    condition     = aws_eks_cluster.this.tags["maintenance"] == "Sunday 02:00Z 4h"
    error_message = "The window must be readable."
  }
}

run "careful_nodes" {
  command = plan

  assert {
    condition     = alltrue([for template in aws_launch_template.this : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "A pod must not reach the node's role."
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.this : template.block_device_mappings[0].ebs[0].encrypted == "true" && template.block_device_mappings[0].ebs[0].kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/k"])
    error_message = "Disks must be encrypted with our key."
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.this : template.network_interfaces[0].associate_public_ip_address == "false"])
    error_message = "Nodes must have no public address."
  }
}

run "gpu_pools_start_from_zero" {
  command = plan

  assert {
    condition     = alltrue([for name in ["gpu-h100", "gpu-a100"] : aws_eks_node_group.this[name].scaling_config[0].min_size == 0 && anytrue([for taint in aws_eks_node_group.this[name].taint : taint.key == "sku" && taint.value == "gpu" && taint.effect == "NO_SCHEDULE"])])
    error_message = "GPU pools must scale from zero and be tainted."
  }

  assert {
    condition     = aws_eks_node_group.this["gpu-h100"].ami_type == "AL2023_x86_64_NVIDIA" && aws_eks_node_group.this["gpu-a100"].ami_type == "AL2023_x86_64_STANDARD"
    error_message = "The driver must be the pool's choice."
  }

  assert {
    condition     = aws_eks_node_group.this["gpu-a100"].capacity_type == "SPOT" && aws_eks_node_group.this["gpu-a100"].labels["nvidia.com/mig.config"] == "all-1g.5gb"
    error_message = "Spot and MIG must be as asked."
  }
}

run "a_confidential_gpu_is_refused" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "p5.48xlarge", max = 1, confidential = true } }
  }

  expect_failures = [var.gpu_pools]
}

run "a_machine_without_a_gpu_is_refused" {
  command = plan

  variables {
    gpu_pools = { h100 = { size = "m7i.large", max = 1 } }
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

run "an_administrator_who_is_no_role_is_refused" {
  command = plan

  variables {
    admin_groups = ["arn:aws:iam::123456789012:user/bob"]
  }

  expect_failures = [var.admin_groups]
}

run "auto_mode_is_an_option" {
  command = plan

  variables {
    node_auto_provisioning = true
  }

  assert {
    condition     = aws_eks_cluster.this.compute_config[0].enabled && aws_eks_cluster.this.storage_config[0].block_storage[0].enabled && aws_eks_cluster.this.kubernetes_network_config[0].elastic_load_balancing[0].enabled
    error_message = "Auto Mode's three switches must agree."
  }
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
