# A private cluster: no public API, no local accounts, secrets sealed with our key, every log kept.
locals {
  subnets = concat([var.subnet_id], var.zone_subnet_ids)
  # EKS updates nothing by itself: the window is for whoever applies a new version, and the healer reads it here.
  window           = "${var.maintenance.day} ${format("%02d", var.maintenance.start_hour)}:00Z ${var.maintenance.hours}h"
  tags_with_window = merge(local.tags, { maintenance = local.window })
}

# EKS writes to this very group; were it not there, EKS would make one without key and end.
resource "aws_cloudwatch_log_group" "control_plane" {
  region            = local.location
  name              = "/aws/eks/${var.name}/cluster"
  kms_key_id        = var.log_key_id
  retention_in_days = 365
  log_group_class   = "STANDARD"
  tags              = local.tags
}

resource "aws_iam_role" "cluster" {
  name = "${var.name}-cluster"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each = toset(concat(["AmazonEKSClusterPolicy"], var.node_auto_provisioning ? ["AmazonEKSBlockStoragePolicy", "AmazonEKSComputePolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy"] : []))

  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

# The control plane may use the key that seals secrets, and only that one.
resource "aws_iam_role_policy" "etcd_key" {
  name = "etcd-key"
  role = aws_iam_role.cluster.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"]
      Resource = var.etcd_key_id
    }]
  })
}

resource "aws_security_group" "api" {
  region      = local.location
  name        = "${var.name}-api"
  description = "The private Kubernetes API"
  vpc_id      = var.network_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "api" {
  region            = local.location
  security_group_id = aws_security_group.api.id
  description       = "Kubernetes API from the spoke"
  cidr_ipv4         = var.client_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_eks_cluster" "this" {
  region                        = local.location
  name                          = var.name
  version                       = var.kubernetes_version
  role_arn                      = aws_iam_role.cluster.arn
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  bootstrap_self_managed_addons = false
  deletion_protection           = true
  force_update_version          = false
  tags                          = local.tags_with_window

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }
  vpc_config {
    subnet_ids              = local.subnets
    security_group_ids      = [aws_security_group.api.id]
    endpoint_private_access = true
    endpoint_public_access  = false
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = var.etcd_key_id
    }
  }
  kubernetes_network_config {
    ip_family = "ipv4"
    elastic_load_balancing {
      enabled = var.node_auto_provisioning
    }
  }
  upgrade_policy {
    support_type = "STANDARD"
  }
  zonal_shift_config {
    enabled = true
  }
  # Auto Mode is EKS's node auto-provisioning; its three switches must agree.
  compute_config {
    enabled       = var.node_auto_provisioning
    node_pools    = var.node_auto_provisioning ? ["general-purpose"] : []
    node_role_arn = var.node_auto_provisioning ? aws_iam_role.node.arn : null
  }
  storage_config {
    block_storage {
      enabled = var.node_auto_provisioning
    }
  }

  depends_on = [aws_cloudwatch_log_group.control_plane, aws_iam_role_policy_attachment.cluster, aws_iam_role_policy.etcd_key]
}

resource "aws_eks_access_entry" "admin" {
  for_each = toset(var.admin_groups)

  region        = local.location
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
  type          = "STANDARD"
  tags          = local.tags
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = aws_eks_access_entry.admin

  region        = local.location
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value.principal_arn
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

# The network policy agent is eBPF in the VPC CNI: EKS has no managed Cilium. Strict mode: a pod without a policy has no network.
resource "aws_eks_addon" "this" {
  for_each = {
    "vpc-cni"                   = jsonencode({ enableNetworkPolicy = "true", env = { NETWORK_POLICY_ENFORCING_MODE = "strict" } })
    "kube-proxy"                = null
    "coredns"                   = null
    "eks-pod-identity-agent"    = null
    "aws-ebs-csi-driver"        = null
    "eks-node-monitoring-agent" = null
    "aws-guardduty-agent"       = null
  }

  region                      = local.location
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value
  preserve                    = false
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  tags                        = local.tags
}
