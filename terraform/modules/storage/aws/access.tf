# Who may touch objects: temporary credentials, through the private endpoint, over TLS 1.2 or newer, with our key.
locals {
  roles = concat(tolist(var.service_roles), [for role in aws_iam_role.replication : role.arn])
  access = {
    read  = ["s3:GetObject"]
    write = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  region = local.location
  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:*"
        Resource  = [each.value.arn, "${each.value.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "NoOldTls"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:*"
        Resource  = [each.value.arn, "${each.value.arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
      {
        # A user has standing access keys; a role has credentials that end.
        Sid       = "NoStandingKeys"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:*"
        Resource  = [each.value.arn, "${each.value.arn}/*"]
        Condition = { StringEquals = { "aws:PrincipalType" = "User" } }
      },
      {
        Sid       = "OurKeyOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "s3:PutObject"
        Resource  = "${each.value.arn}/*"
        Condition = { StringNotEqualsIfExists = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = var.key_id } }
      },
      {
        Sid       = "ObjectsThroughTheEndpointOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource  = "${each.value.arn}/*"
        Condition = merge(
          {
            StringNotEquals = { "aws:SourceVpce" = aws_vpc_endpoint.this.id }
            BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
          },
          length(local.roles) == 0 ? {} : { ArnNotEquals = { "aws:PrincipalArn" = local.roles } },
        )
      },
      ],
      length(var.buckets[each.key].legal_hold) == 0 ? [] : [{
        # S3 holds single objects; this holds the bucket, for as long as a tag of the hold is there.
        Sid       = "LegalHold"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = ["s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"]
        Resource  = [each.value.arn, "${each.value.arn}/*"]
    }])
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_iam_role_policy" "client" {
  for_each = var.clients

  name = "${var.name}-storage"
  role = element(split("/", each.value.principal), length(split("/", each.value.principal)) - 1)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for bucket, access in each.value.buckets : {
        Effect   = "Allow"
        Action   = local.access[access]
        Resource = "${aws_s3_bucket.this[bucket].arn}/*"
      }],
      [
        { Effect = "Allow", Action = "s3:ListBucket", Resource = [for bucket in keys(each.value.buckets) : aws_s3_bucket.this[bucket].arn] },
        {
          Effect    = "Allow"
          Action    = contains(values(each.value.buckets), "write") ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
          Resource  = var.key_id
          Condition = { StringEquals = { "kms:ViaService" = "s3.${local.location}.amazonaws.com" } }
        },
      ],
    )
  })
}
