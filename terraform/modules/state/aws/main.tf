# Where Terraform's state is kept: made once, before anything else, and by nothing else. Its own state, which holds no secret, is a
# local file of whoever made it.
locals {
  bucket  = "${var.name}-state"
  account = "arn:aws:iam::${var.account_id}:root"
}

resource "aws_kms_key" "state" {
  region                  = local.location
  description             = "${var.name}: Terraform's state"
  enable_key_rotation     = true
  rotation_period_in_days = 180
  deletion_window_in_days = 30
  tags                    = local.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "AccountAdministers", Effect = "Allow", Principal = { AWS = local.account }, Action = "kms:*", Resource = "*" },
      { Sid = "OperatorsUse", Effect = "Allow", Principal = { AWS = sort(values(var.operators)) }, Action = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], Resource = "*" },
    ]
  })
}

resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV2_AWS_62:nothing acts on a changed state; whoever runs Terraform sees it
  # checkov:skip=CKV_AWS_144:state stays in the region; a lost one is imported again
  # checkov:skip=CKV_AWS_18:CloudTrail says who read and wrote it; access logs would need a bucket of their own, made before this one
  region        = local.location
  bucket        = local.bucket
  force_destroy = false
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "state" {
  region                  = local.location
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  region = local.location
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "state" {
  region = local.location
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  region = local.location
  bucket = aws_s3_bucket.state.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.state.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  region = local.location
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 365
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  region = local.location
  bucket = aws_s3_bucket.state.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly", Effect = "Deny", Principal = "*", Action = "s3:*"
        Resource  = ["arn:aws:s3:::${local.bucket}", "arn:aws:s3:::${local.bucket}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
      {
        Sid       = "OperatorsOnly", Effect = "Deny", Principal = "*", Action = ["s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*"]
        Resource  = "arn:aws:s3:::${local.bucket}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = sort(values(var.operators)) } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}
