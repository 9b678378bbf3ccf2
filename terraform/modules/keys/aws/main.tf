# One key for each use, so that a permission on one opens nothing else. Signing is the only asymmetric one.
locals {
  uses = {
    storage  = "Objects in storage"
    disks    = "Disks of the nodes"
    etcd     = "Kubernetes secrets"
    redis    = "The cache"
    registry = "Container images"
    seal     = "Vault's automatic unseal"
  }
  root = "arn:aws:iam::${var.account_id}:root"

  # Administration goes through IAM of this account; use is granted to each service's own role there.
  administration = {
    Sid       = "AccountThroughIam"
    Effect    = "Allow"
    Principal = { AWS = local.root }
    Action    = "kms:*"
    Resource  = "*"
  }
  outsiders = {
    Sid       = "NobodyElse"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "kms:*"
    Resource  = "*"
    Condition = {
      StringNotEqualsIfExists = { "aws:PrincipalAccount" = var.account_id }
      BoolIfExists            = { "aws:PrincipalIsAWSService" = "false" }
    }
  }
  # Auto Scaling starts the nodes, and grants their encrypted disks the key.
  autoscaling = {
    Sid       = "NodesDisks"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${var.account_id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling" }
    Action    = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    Resource  = "*"
    Condition = { StringEquals = { "kms:ViaService" = "ec2.${local.location}.amazonaws.com" } }
  }
  # Audit trails and access logs arrive encrypted with the storage key.
  deliveries = {
    Sid       = "LogDeliveries"
    Effect    = "Allow"
    Principal = { Service = ["cloudtrail.amazonaws.com", "delivery.logs.amazonaws.com"] }
    Action    = ["kms:DescribeKey", "kms:GenerateDataKey*"]
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
  }
}

resource "aws_kms_key" "this" {
  for_each = local.uses

  region                             = local.location
  description                        = "${var.name}: ${each.value}"
  key_usage                          = "ENCRYPT_DECRYPT"
  customer_master_key_spec           = "SYMMETRIC_DEFAULT"
  enable_key_rotation                = true
  rotation_period_in_days            = var.rotation_days
  deletion_window_in_days            = 30
  multi_region                       = contains(var.replicas, each.key)
  bypass_policy_lockout_safety_check = false
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.administration, local.outsiders], each.key == "disks" ? [local.autoscaling] : [], each.key == "storage" ? [local.deliveries] : [])
  })
  tags = merge(local.tags, { use = each.key })
}

resource "aws_kms_key" "signing" {
  # checkov:skip=CKV_AWS_7:AWS does not rotate asymmetric keys; a new signing key is a new alias, and old signatures stay valid
  region                             = local.location
  description                        = "${var.name}: signatures of container images"
  key_usage                          = "SIGN_VERIFY"
  customer_master_key_spec           = "ECC_NIST_P384"
  enable_key_rotation                = false
  deletion_window_in_days            = 30
  multi_region                       = false
  bypass_policy_lockout_safety_check = false
  policy                             = jsonencode({ Version = "2012-10-17", Statement = [local.administration, local.outsiders] })
  tags                               = merge(local.tags, { use = "signing" })
}

resource "aws_kms_alias" "this" {
  for_each = merge({ for use, key in aws_kms_key.this : use => key.key_id }, { signing = aws_kms_key.signing.key_id })

  region        = local.location
  name          = "alias/${var.name}/${each.key}"
  target_key_id = each.value
}

# A key's replica has the same material: copies in the second region stay readable when the first is gone.
resource "aws_kms_replica_key" "this" {
  for_each = var.replicas

  region                             = module.residency.secondary
  description                        = "${var.name}: ${each.key}, second region"
  primary_key_arn                    = aws_kms_key.this[each.key].arn
  deletion_window_in_days            = 30
  bypass_policy_lockout_safety_check = false
  policy                             = jsonencode({ Version = "2012-10-17", Statement = [local.administration, local.outsiders] })
  tags                               = merge(local.tags, { use = each.key })
  depends_on                         = [terraform_data.residency]
}

# Whoever turns a key off or schedules its end is seen at once.
resource "aws_cloudwatch_event_rule" "key_loss" {
  region      = local.location
  name        = "${var.name}-key-loss"
  description = "A key was disabled or is to be deleted"
  event_pattern = jsonencode({
    source        = ["aws.kms"]
    "detail-type" = ["AWS API Call via CloudTrail"]
    detail        = { eventName = ["DisableKey", "ScheduleKeyDeletion", "DisableKeyRotation", "PutKeyPolicy"] }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "key_loss" {
  region = local.location
  rule   = aws_cloudwatch_event_rule.key_loss.name
  arn    = var.log_sink.id
}

# The only way in: a private endpoint with the service's public name, so no traffic takes the internet.
resource "aws_security_group" "endpoint" {
  region      = local.location
  name        = "${var.name}-keys-endpoint"
  description = "Clients of the private endpoint of keys"
  vpc_id      = var.network_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  region            = local.location
  security_group_id = aws_security_group.endpoint.id
  description       = "TLS from the spoke"
  cidr_ipv4         = var.client_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_endpoint" "this" {
  region              = local.location
  vpc_id              = var.network_id
  service_name        = "com.amazonaws.${local.location}.kms"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [var.subnet_id]
  security_group_ids  = [aws_security_group.endpoint.id]
  private_dns_enabled = false
  tags                = local.tags

  # Through this endpoint only our own account's principals reach only our own account's resources.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnAccountOnly"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "kms:*"
      Resource  = "*"
      Condition = { StringEquals = {
        "aws:PrincipalAccount" = var.account_id
        "aws:ResourceAccount"  = var.account_id
      } }
    }]
  })
}

resource "aws_route53_record" "endpoint" {
  for_each = toset(["kms.${local.location}.amazonaws.com"])

  zone_id = var.dns_zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_vpc_endpoint.this.dns_entry[0].dns_name
    zone_id                = aws_vpc_endpoint.this.dns_entry[0].hosted_zone_id
    evaluate_target_health = false
  }
}
