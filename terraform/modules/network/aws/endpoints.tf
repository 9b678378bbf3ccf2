# The private zones answer for the services whose modules put their endpoints there; the cluster's own endpoints are here.
locals {
  zones_of = {
    storage  = "s3.${local.location}.amazonaws.com"
    keys     = "kms.${local.location}.amazonaws.com"
    registry = "dkr.ecr.${local.location}.amazonaws.com"
  }
  cluster_services = toset(["autoscaling", "ec2", "ecr.api", "eks", "eks-auth", "elasticloadbalancing", "logs", "sts"])
}

resource "aws_route53_zone" "this" {
  # checkov:skip=CKV2_AWS_38:DNSSEC signs public zones only; these are private
  # checkov:skip=CKV2_AWS_39:query logs are for public zones; the resolver of the VPC is the only one that asks
  for_each = local.zones_of

  name          = each.value
  comment       = "${var.name}: private addresses of ${each.key}"
  force_destroy = false
  tags          = local.tags

  vpc {
    vpc_id     = aws_vpc.spoke.id
    vpc_region = local.location
  }
}

resource "aws_security_group" "endpoints" {
  region      = local.location
  name        = "${var.name}-endpoints"
  description = "TLS from the spoke to the private endpoints"
  vpc_id      = aws_vpc.spoke.id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  region            = local.location
  security_group_id = aws_security_group.endpoints.id
  description       = "TLS from the spoke"
  cidr_ipv4         = local.spoke_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_endpoint" "cluster" {
  for_each = local.cluster_services

  region              = local.location
  vpc_id              = aws_vpc.spoke.id
  service_name        = "com.amazonaws.${local.location}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [for subnet in aws_subnet.endpoint : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
  tags                = merge(local.tags, { Name = "${var.name}-${each.key}" })

  # A workload that signs in with its cluster's token is no principal of the account yet: sts is asked without one.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge({
      Sid       = "OwnAccountOnly"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = each.key == "sts" ? "sts:*" : "*"
      Resource  = "*"
      }, each.key == "sts" ? {
      Condition = { StringEquals = { "aws:ResourceAccount" = var.account_id } }
      } : {
      Condition = { StringEquals = { "aws:PrincipalAccount" = var.account_id } }
    })]
  })
}
