# Backups nobody can delete early, copied inside the boundary only, and restored every week to see that they can be.
locals {
  geo = var.replication == "geo"
}

resource "aws_backup_vault" "this" {
  region        = local.location
  name          = var.name
  kms_key_arn   = var.key_id
  force_destroy = false
  tags          = local.tags

  lifecycle {
    precondition {
      condition     = !local.geo || var.replica_key_id != null
      error_message = "Geo replication needs replica_key_id: copies are encrypted with the second region's key."
    }
  }
}

resource "aws_backup_vault" "copy" {
  count = local.geo ? 1 : 0

  region        = module.residency.secondary
  name          = "${var.name}-copy"
  kms_key_arn   = var.replica_key_id
  force_destroy = false
  tags          = local.tags
  depends_on    = [terraform_data.residency]
}

resource "aws_backup_vault_lock_configuration" "this" {
  region              = local.location
  backup_vault_name   = aws_backup_vault.this.name
  min_retention_days  = 7
  max_retention_days  = var.retention_days
  changeable_for_days = var.locked ? 3 : null
}

resource "aws_backup_vault_lock_configuration" "copy" {
  count = local.geo ? 1 : 0

  region              = module.residency.secondary
  backup_vault_name   = aws_backup_vault.copy[0].name
  min_retention_days  = 7
  max_retention_days  = var.retention_days
  changeable_for_days = var.locked ? 3 : null
}

resource "aws_backup_vault_policy" "this" {
  region            = local.location
  backup_vault_name = aws_backup_vault.this.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "StaysHere"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = ["backup:CopyFromBackupVault", "backup:CopyIntoBackupVault"]
      Resource  = "*"
      Condition = { "ForAnyValue:StringNotLike" = { "backup:CopyTargets" = [for region in module.residency.regions : "arn:aws:backup:${region}:${var.account_id}:backup-vault:${var.name}*"] } }
    }]
  })
}

resource "aws_iam_role" "backup" {
  name = "${var.name}-backup"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset(["AWSBackupServiceRolePolicyForS3Backup", "AWSBackupServiceRolePolicyForS3Restore"])

  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_backup_plan" "this" {
  region = local.location
  name   = var.name
  tags   = local.tags

  rule {
    rule_name                = "daily"
    target_vault_name        = aws_backup_vault.this.name
    schedule                 = "cron(0 2 * * ? *)"
    start_window             = 60
    completion_window        = 480
    enable_continuous_backup = false
    recovery_point_tags      = local.tags

    lifecycle {
      delete_after = var.retention_days
    }
    dynamic "copy_action" {
      for_each = aws_backup_vault.copy
      content {
        destination_vault_arn = copy_action.value.arn
        lifecycle {
          delete_after = var.retention_days
        }
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  region       = local.location
  name         = "storage"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [var.storage_id]
}

# A backup that was never restored is a hope. AWS restores the newest each Sunday, and deletes what it restored after 8 hours.
resource "aws_backup_restore_testing_plan" "this" {
  region                       = local.location
  name                         = replace(var.name, "-", "_")
  schedule_expression          = "cron(0 5 ? * SUN *)"
  schedule_expression_timezone = "Etc/UTC"
  start_window_hours           = 4
  tags                         = local.tags

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "this" {
  region                    = local.location
  name                      = replace("${var.name}_s3", "-", "_")
  restore_testing_plan_name = aws_backup_restore_testing_plan.this.name
  protected_resource_type   = "S3"
  protected_resource_arns   = ["*"]
  iam_role_arn              = aws_iam_role.backup.arn
  validation_window_hours   = 8

  protected_resource_conditions {
    string_equals {
      key   = "aws:ResourceTag/data-class"
      value = var.ownership.data_class
    }
  }
}

resource "aws_cloudwatch_event_rule" "failed" {
  region      = local.location
  name        = "${var.name}-backup-failed"
  description = "A backup, a copy or a restore test failed"
  event_pattern = jsonencode({
    source        = ["aws.backup"]
    "detail-type" = ["Backup Job State Change", "Copy Job State Change", "Restore Job State Change"]
    detail        = { state = ["ABORTED", "EXPIRED", "FAILED"] }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "failed" {
  region = local.location
  rule   = aws_cloudwatch_event_rule.failed.name
  arn    = var.log_sink.id
}
