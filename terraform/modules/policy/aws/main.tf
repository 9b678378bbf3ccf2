# A service control policy: no principal of the account, its root included, can put anything outside the boundary.
locals {
  # Services that have one endpoint for the whole world, in us-east-1, and hold configuration only. CloudFront and
  # Global Accelerator are not among them: they would serve from anywhere.
  global = [
    "account:*", "aws-portal:*", "billing:*", "budgets:*", "ce:*", "cur:*", "health:*", "iam:*", "organizations:*",
    "route53:*", "shield:*", "sts:*", "support:*", "tag:*", "trustedadvisor:*",
  ]
  exempt = length(var.administrators) == 0 ? {} : {
    ArnNotLike = { "aws:PrincipalArn" = [for role in var.administrators : "arn:aws:iam::*:role/${role}"] }
  }
}

resource "aws_organizations_policy" "residency" {
  name         = "${var.name}-residency"
  description  = "Keeps everything inside the ${module.residency.boundary} boundary (${module.residency.article})"
  type         = "SERVICE_CONTROL_POLICY"
  skip_destroy = false
  tags         = local.tags

  content = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "NothingOutsideTheBoundary"
        Effect    = "Deny"
        NotAction = local.global
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = module.residency.regions } }
      },
      {
        Sid       = "NoRegionCanBeOptedIn"
        Effect    = "Deny"
        Action    = ["account:EnableRegion"]
        Resource  = "*"
        Condition = { StringNotEquals = { "account:TargetRegion" = module.residency.regions } }
      },
      merge({
        Sid    = "GuardRailsStay"
        Effect = "Deny"
        Action = [
          "cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "guardduty:DeleteDetector", "guardduty:DisassociateFromAdministratorAccount",
          "ec2:DeleteFlowLogs", "ec2:DisableEbsEncryptionByDefault", "s3:PutAccountPublicAccessBlock", "kms:ScheduleKeyDeletion",
          "backup:DeleteBackupVaultLockConfiguration", "organizations:LeaveOrganization",
        ]
        Resource = "*"
      }, length(local.exempt) == 0 ? {} : { Condition = local.exempt }),
      {
        Sid      = "NoStandingKeys"
        Effect   = "Deny"
        Action   = ["iam:CreateAccessKey", "iam:CreateUser"]
        Resource = "*"
      },
    ]
  })

  lifecycle {
    precondition {
      condition     = contains(module.residency.regions, local.location)
      error_message = "${module.residency.article}: the policy would not let its own region in."
    }
  }
}

resource "aws_organizations_policy_attachment" "residency" {
  count = var.enforce ? 1 : 0

  policy_id    = aws_organizations_policy.residency.id
  target_id    = var.scope
  skip_destroy = false
}
