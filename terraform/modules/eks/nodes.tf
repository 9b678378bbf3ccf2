# Node pools: system, services, GPUs. Each starts from a launch template that says what EKS would otherwise choose.
locals {
  pools = merge(
    {
      system   = { size = var.system_pool.size, min = var.system_pool.min, max = var.system_pool.max, gpu = false, spot = false, driver = true, mig = null, labels = {} }
      services = { size = var.services_pool.size, min = var.services_pool.min, max = var.services_pool.max, gpu = false, spot = false, driver = true, mig = null, labels = {} }
    },
    { for name, pool in var.gpu_pools : "gpu-${name}" => merge(pool, { gpu = true }) },
  )
  taints = {
    system   = [{ key = "CriticalAddonsOnly", value = "true", effect = "NO_SCHEDULE" }]
    services = []
  }
  gpu_taint = [{ key = "sku", value = "gpu", effect = "NO_SCHEDULE" }]

  # Images that no pod has used for a week go, and a filling disk cleans earlier: EKS's stand-in for AKS's image cleaner.
  node_config = {
    apiVersion = "node.eks.aws/v1alpha1"
    kind       = "NodeConfig"
    spec = { kubelet = { config = {
      imageMaximumGCAge           = "168h"
      imageGCHighThresholdPercent = 70
      imageGCLowThresholdPercent  = 50
      serverTLSBootstrap          = true
      protectKernelDefaults       = true
    } } }
  }
}

resource "aws_iam_role" "node" {
  name = "${var.name}-node"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy", "AmazonEKS_CNI_Policy"])

  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "this" {
  for_each = local.pools

  region                 = local.location
  name                   = "${var.name}-${each.key}"
  description            = "Nodes of ${each.key}"
  update_default_version = true
  ebs_optimized          = true
  tags                   = local.tags

  # Only tokens, and no hop into a pod: a pod can't take the node's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    http_protocol_ipv6          = "disabled"
    instance_metadata_tags      = "disabled"
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = each.value.gpu ? 500 : 100
      encrypted             = "true"
      kms_key_id            = var.disk_key_id
      delete_on_termination = "true"
    }
  }
  monitoring {
    enabled = true
  }
  network_interfaces {
    device_index                = 0
    associate_public_ip_address = "false"
    delete_on_termination       = "true"
    security_groups             = [aws_eks_cluster.this.vpc_config[0].cluster_security_group_id]
  }
  user_data = base64encode(join("\n", [
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=\"//\"", "",
    "--//", "Content-Type: application/node.eks.aws", "", yamlencode(local.node_config), "--//--", "",
  ]))
  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])
    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = "${var.name}-${each.key}" })
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.pools

  region               = local.location
  cluster_name         = aws_eks_cluster.this.name
  node_group_name      = each.key
  node_role_arn        = aws_iam_role.node.arn
  subnet_ids           = local.subnets
  version              = var.kubernetes_version
  instance_types       = [each.value.size]
  ami_type             = each.value.gpu && each.value.driver ? "AL2023_x86_64_NVIDIA" : "AL2023_x86_64_STANDARD"
  capacity_type        = each.value.spot ? "SPOT" : "ON_DEMAND"
  force_update_version = false
  tags                 = local.tags_with_window

  labels = merge(
    each.value.labels,
    { "maily.dev/pool" = each.key },
    each.value.gpu ? { "accelerator" = "nvidia", "maily.dev/spot" = tostring(each.value.spot) } : {},
    each.value.mig == null ? {} : { "nvidia.com/mig.config" = each.value.mig },
  )

  scaling_config {
    min_size     = each.value.min
    desired_size = each.value.min
    max_size     = each.value.max
  }
  update_config {
    max_unavailable_percentage = 33
  }
  node_repair_config {
    enabled = true
  }
  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }
  dynamic "taint" {
    for_each = each.value.gpu ? local.gpu_taint : local.taints[each.key]
    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = taint.value.effect
    }
  }

  lifecycle {
    # The autoscaler decides between min and max.
    ignore_changes = [scaling_config[0].desired_size]
  }
  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.this["vpc-cni"]]
}
