# Logs in one encrypted place, findings and costs to people. What is logged holds no personal data: the services see to that.
resource "aws_kms_key" "logs" {
  region                             = local.location
  description                        = "${var.name}: logs and alerts"
  enable_key_rotation                = true
  rotation_period_in_days            = 180
  deletion_window_in_days            = 30
  multi_region                       = false
  bypass_policy_lockout_safety_check = false
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountThroughIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.location}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${local.location}:${var.account_id}:log-group:*" } }
      },
      {
        Sid       = "Alerts"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "events.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
  tags = local.tags
}

resource "aws_cloudwatch_log_group" "this" {
  region            = local.location
  name              = "/maily/${var.name}"
  kms_key_id        = aws_kms_key.logs.arn
  retention_in_days = var.retention_days
  log_group_class   = "STANDARD"
  skip_destroy      = true
  tags              = local.tags
}

# EventBridge and the log deliveries write under the services' own names; only from this account.
resource "aws_cloudwatch_log_resource_policy" "deliveries" {
  region      = local.location
  policy_name = "${var.name}-deliveries"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Deliveries"
      Effect    = "Allow"
      Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.this.arn}:*"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_sns_topic" "alerts" {
  region            = local.location
  name              = "${var.name}-alerts"
  kms_master_key_id = aws_kms_key.logs.arn
  tags              = local.tags
}

resource "aws_sns_topic_policy" "alerts" {
  region = local.location
  arn    = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Publishers"
        Effect    = "Allow"
        Principal = { Service = ["budgets.amazonaws.com", "events.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alerts.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "people" {
  for_each = toset(var.budget.emails)

  region    = local.location
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.key
}

# GuardDuty watches what Defender watches on Azure: the cluster's audit log, its nodes at run time, and the buckets.
resource "aws_guardduty_detector" "this" {
  # checkov:skip=CKV2_AWS_3:this module is for one account and one region; an organization's administrator enables the rest
  region                       = local.location
  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
  tags                         = local.tags
}

resource "aws_guardduty_detector_feature" "this" {
  for_each = toset(["EKS_AUDIT_LOGS", "RUNTIME_MONITORING", "S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION"])

  region      = local.location
  detector_id = aws_guardduty_detector.this.id
  name        = each.key
  status      = "ENABLED"

  dynamic "additional_configuration" {
    for_each = each.key == "RUNTIME_MONITORING" ? ["EKS_ADDON_MANAGEMENT"] : []
    content {
      name   = additional_configuration.value
      status = "ENABLED"
    }
  }
}

resource "aws_cloudwatch_event_rule" "findings" {
  region      = local.location
  name        = "${var.name}-findings"
  description = "GuardDuty findings of severity 4 and more"
  event_pattern = jsonencode({
    source        = ["aws.guardduty"]
    "detail-type" = ["GuardDuty Finding"]
    detail        = { severity = [{ numeric = [">=", 4] }] }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "findings" {
  region = local.location
  rule   = aws_cloudwatch_event_rule.findings.name
  arn    = aws_sns_topic.alerts.arn
}

resource "aws_budgets_budget" "this" {
  name              = var.name
  account_id        = var.account_id
  budget_type       = "COST"
  limit_amount      = tostring(var.budget.amount)
  limit_unit        = "USD"
  time_unit         = "MONTHLY"
  time_period_start = "${var.budget.start}_00:00"
  tags              = local.tags

  dynamic "notification" {
    for_each = { actual80 = ["ACTUAL", 80], actual100 = ["ACTUAL", 100], forecast100 = ["FORECASTED", 100] }
    content {
      comparison_operator        = "GREATER_THAN"
      notification_type          = notification.value[0]
      threshold                  = notification.value[1]
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = var.budget.emails
      subscriber_sns_topic_arns  = [aws_sns_topic.alerts.arn]
    }
  }
}
