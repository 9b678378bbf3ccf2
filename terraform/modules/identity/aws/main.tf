# A role for each service, taken with the cluster's token and nothing else: no access keys. What a role may do is given by the
# module that owns the thing (storage, redis, keys); the boundary here is the most that any of them can ever give.
locals {
  issuer = trimprefix(var.oidc_issuer_url, "https://")
}

resource "aws_iam_openid_connect_provider" "cluster" {
  url            = var.oidc_issuer_url
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}

resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-service-boundary"
  description = "The most that a service of ${var.name} can be given"
  tags        = local.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "DataPlaneOfOwnAccount"
        Effect   = "Allow"
        Action   = ["elasticache:Connect", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource = "*"
        Condition = { StringEquals = {
          "aws:ResourceAccount" = var.account_id
          "aws:RequestedRegion" = module.residency.regions
        } }
      },
    ]
  })
}

resource "aws_iam_role" "service" {
  for_each = var.services

  name                  = "${var.name}-${each.key}"
  description           = "${each.value.namespace}/${each.value.service_account}"
  permissions_boundary  = aws_iam_policy.boundary.arn
  max_session_duration  = 3600
  force_detach_policies = false
  tags                  = merge(local.tags, { service = each.key })

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.cluster.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
      } }
    }]
  })

  lifecycle {
    precondition {
      condition     = try(regex("^oidc[.]eks[.]([a-z0-9-]+)[.]amazonaws[.]com/", local.issuer)[0] == local.location, false)
      error_message = "${module.residency.article}: the issuer \"${var.oidc_issuer_url}\" is not an EKS cluster in ${local.location}."
    }
  }
}
