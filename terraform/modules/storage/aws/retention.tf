# How long objects stay: cooler tiers, deletion at retention's end, immutability, holds, copies.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  # checkov:skip=CKV_AWS_300:the first rule does; checkov asks it of every rule
  for_each = var.buckets

  region = local.location
  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  # What was deleted or overwritten can be brought back for so long: S3's soft delete. A hold keeps it longer.
  rule {
    id     = "soft-delete"
    status = length(each.value.legal_hold) == 0 ? "Enabled" : "Disabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = max(var.soft_delete_days, coalesce(each.value.immutable_days, 0))
    }
  }
  dynamic "rule" {
    for_each = { for class, days in { STANDARD_IA = each.value.cool_days, DEEP_ARCHIVE = each.value.archive_days } : class => days if days != null }
    content {
      id     = "tier-${lower(rule.key)}"
      status = "Enabled"
      filter {}

      transition {
        days          = rule.value
        storage_class = rule.key
      }
    }
  }
  # Personal data goes when its time is over, unless a court holds it.
  dynamic "rule" {
    for_each = each.value.retention_days == null ? [] : [each.value.retention_days]
    content {
      id     = "retention"
      status = length(each.value.legal_hold) == 0 ? "Enabled" : "Disabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = local.immune

  region = local.location
  bucket = aws_s3_bucket.this[each.key].id

  rule {
    default_retention {
      # COMPLIANCE can't be shortened by anybody, the account's root included; GOVERNANCE by who holds the permission.
      mode = each.value.locked ? "COMPLIANCE" : "GOVERNANCE"
      days = each.value.immutable_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket" "copy" {
  # checkov:skip=CKV_AWS_18:only S3's replication writes here, and CloudTrail has it at the source
  # checkov:skip=CKV_AWS_144:this is the copy
  # checkov:skip=CKV2_AWS_62:nothing acts on copies; events are raised at the source
  # checkov:skip=CKV2_AWS_61:replication repeats what the source's lifecycle does; see copy's own rule below
  for_each = local.geo ? var.buckets : {}

  region              = module.residency.secondary
  bucket              = "${var.name}-${each.key}-copy"
  force_destroy       = false
  object_lock_enabled = each.value.immutable_days != null
  tags                = merge(local.tags, { data-class = each.value.data_class })
  depends_on          = [terraform_data.residency]
}

resource "aws_s3_bucket_ownership_controls" "copy" {
  for_each = aws_s3_bucket.copy

  region = module.residency.secondary
  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "copy" {
  for_each = aws_s3_bucket.copy

  region                  = module.residency.secondary
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "copy" {
  for_each = aws_s3_bucket.copy

  region = module.residency.secondary
  bucket = each.value.id

  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.replica_key_id
    }
  }
}

resource "aws_s3_bucket_versioning" "copy" {
  for_each = aws_s3_bucket.copy

  region = module.residency.secondary
  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

# S3 does not replicate what a lifecycle rule deletes: the copy must expire by itself, or personal data would outlive its time.
resource "aws_s3_bucket_lifecycle_configuration" "copy" {
  # checkov:skip=CKV_AWS_300:the first rule does; checkov asks it of every rule
  for_each = local.geo ? var.buckets : {}

  region = module.residency.secondary
  bucket = aws_s3_bucket.copy[each.key].id

  rule {
    id     = "soft-delete"
    status = length(each.value.legal_hold) == 0 ? "Enabled" : "Disabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = max(var.soft_delete_days, coalesce(each.value.immutable_days, 0))
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  dynamic "rule" {
    for_each = each.value.retention_days == null ? [] : [each.value.retention_days]
    content {
      id     = "retention"
      status = length(each.value.legal_hold) == 0 ? "Enabled" : "Disabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.copy]
}

resource "aws_iam_role" "replication" {
  count = local.geo ? 1 : 0

  name = "${var.name}-replication"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "replication" {
  count = local.geo ? 1 : 0

  name = "replicate"
  role = aws_iam_role.replication[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = [for bucket in aws_s3_bucket.this : bucket.arn]
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
        Resource = [for bucket in aws_s3_bucket.this : "${bucket.arn}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = [for bucket in aws_s3_bucket.copy : "${bucket.arn}/*"]
      },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = var.key_id },
      { Effect = "Allow", Action = ["kms:Encrypt", "kms:GenerateDataKey"], Resource = var.replica_key_id },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "this" {
  for_each = local.geo ? aws_s3_bucket.this : {}

  region = local.location
  bucket = each.value.id
  role   = aws_iam_role.replication[0].arn

  rule {
    id       = "second-region"
    status   = "Enabled"
    priority = 1
    filter {}

    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket        = aws_s3_bucket.copy[each.key].arn
      account       = var.account_id
      storage_class = "STANDARD_IA"

      encryption_configuration {
        replica_kms_key_id = var.replica_key_id
      }
      access_control_translation {
        owner = "Destination"
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this, aws_s3_bucket_versioning.copy]
}
