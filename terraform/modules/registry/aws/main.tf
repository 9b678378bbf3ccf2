# ECR: tags that can't be moved, our key, a scan of each push, signatures by a profile of our own.
resource "aws_ecr_repository" "this" {
  for_each = var.repositories

  region               = local.location
  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = false
  tags                 = local.tags

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_id
  }
  image_scanning_configuration {
    scan_on_push = true
  }

  lifecycle {
    precondition {
      condition     = try(split(":", var.key_id)[3] == local.location, false)
      error_message = "${module.residency.article}: the key \"${var.key_id}\" is not in ${local.location}."
    }
  }
}

resource "aws_ecr_registry_scanning_configuration" "this" {
  region    = local.location
  scan_type = "ENHANCED"

  rule {
    scan_frequency = "CONTINUOUS_SCAN"
    repository_filter {
      filter      = "${var.name}/*"
      filter_type = "WILDCARD"
    }
  }
}

resource "aws_ecr_repository_policy" "this" {
  for_each = aws_ecr_repository.this

  region     = local.location
  repository = each.value.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      length(var.pullers) == 0 ? [] : [{
        Sid       = "Pull"
        Effect    = "Allow"
        Principal = { AWS = sort(values(var.pullers)) }
        Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      }],
      [{
        Sid       = "NobodyElse"
        Effect    = "Deny"
        Principal = "*"
        Action    = "ecr:*"
        Condition = { StringNotEquals = { "aws:PrincipalAccount" = var.account_id } }
      }],
    )
  })
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  region     = local.location
  repository = each.value.name
  policy = jsonencode({ rules = [
    {
      rulePriority = 1
      description  = "What no tag names goes after a week"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
      action       = { type = "expire" }
    },
    {
      rulePriority = 2
      description  = "The newest hundred stay"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 100 }
      action       = { type = "expire" }
    },
  ] })
}

# Images are signed with this profile, and admission verifies it; a signature can be revoked.
resource "aws_signer_signing_profile" "this" {
  region      = local.location
  platform_id = "Notation-OCI-SHA384-ECDSA"
  name        = replace("${var.name}_images", "-", "_")
  tags        = local.tags

  signature_validity_period {
    value = 12
    type  = "MONTHS"
  }
}

# The only way in: a private endpoint with the service's public name, so no traffic takes the internet.
resource "aws_security_group" "endpoint" {
  region      = local.location
  name        = "${var.name}-registry-endpoint"
  description = "Clients of the private endpoint of registry"
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
  service_name        = "com.amazonaws.${local.location}.ecr.dkr"
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
      Action    = "ecr:*"
      Resource  = "*"
      Condition = { StringEquals = {
        "aws:PrincipalAccount" = var.account_id
        "aws:ResourceAccount"  = var.account_id
      } }
    }]
  })
}

resource "aws_route53_record" "endpoint" {
  for_each = toset(["dkr.ecr.${local.location}.amazonaws.com", "*.dkr.ecr.${local.location}.amazonaws.com"])

  zone_id = var.dns_zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_vpc_endpoint.this.dns_entry[0].dns_name
    zone_id                = aws_vpc_endpoint.this.dns_entry[0].hosted_zone_id
    evaluate_target_health = false
  }
}
