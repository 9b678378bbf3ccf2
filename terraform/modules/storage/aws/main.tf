# S3 buckets: our key, no public access, no access keys, every version kept for a while, audit buckets immutable.
locals {
  geo    = var.replication == "geo"
  immune = { for name, bucket in var.buckets : name => bucket if bucket.immutable_days != null }
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18:CloudTrail's data events (audit.tf) say who read and wrote what, with less delay than access logs
  # checkov:skip=CKV_AWS_144:copies leave the region only where replication is geo, and then stay inside the boundary
  for_each = var.buckets

  region              = local.location
  bucket              = "${var.name}-${each.key}"
  force_destroy       = false
  object_lock_enabled = each.value.immutable_days != null
  tags                = merge(local.tags, { data-class = each.value.data_class }, length(each.value.legal_hold) == 0 ? {} : { legal-hold = join(" ", sort(each.value.legal_hold)) })

  lifecycle {
    precondition {
      condition     = !local.geo || var.replica_key_id != null
      error_message = "Geo replication needs replica_key_id: copies are encrypted with the second region's key."
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  region = local.location
  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  region                  = local.location
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  region = local.location
  bucket = each.value.id

  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_id
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  region = local.location
  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_notification" "this" {
  for_each = aws_s3_bucket.this

  region      = local.location
  bucket      = each.value.id
  eventbridge = true
}

# The only way in: a private endpoint with the service's public name, so no traffic takes the internet.
resource "aws_security_group" "endpoint" {
  region      = local.location
  name        = "${var.name}-storage-endpoint"
  description = "Clients of the private endpoint of storage"
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
  service_name        = "com.amazonaws.${local.location}.s3"
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
      Action    = "s3:*"
      Resource  = "*"
      Condition = { StringEquals = {
        "aws:PrincipalAccount" = var.account_id
        "aws:ResourceAccount"  = var.account_id
      } }
    }]
  })
}

resource "aws_route53_record" "endpoint" {
  for_each = toset(["s3.${local.location}.amazonaws.com", "*.s3.${local.location}.amazonaws.com"])

  zone_id = var.dns_zone_id
  name    = each.key
  type    = "A"

  alias {
    name                   = aws_vpc_endpoint.this.dns_entry[0].dns_name
    zone_id                = aws_vpc_endpoint.this.dns_entry[0].hosted_zone_id
    evaluate_target_health = false
  }
}
