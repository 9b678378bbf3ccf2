# Organization policies: nobody, project owners included, can put anything outside the boundary, or undo what keeps it safe.
locals {
  allowed = [for region in module.residency.regions : "in:${region}-locations"]
  guards = toset([
    "compute.disableSerialPortAccess", "compute.requireOsLogin", "compute.requireShieldedVm", "compute.skipDefaultNetworkCreation",
    "gcp.detailedAuditLoggingMode", "iam.automaticIamGrantsForDefaultServiceAccounts", "iam.disableServiceAccountKeyCreation",
    "iam.disableServiceAccountKeyUpload", "storage.publicAccessPrevention", "storage.uniformBucketLevelAccess",
  ])
}

resource "google_org_policy_policy" "locations" {
  name   = "${var.scope}/policies/gcp.resourceLocations"
  parent = var.scope

  dynamic "spec" {
    for_each = var.enforce ? [local.allowed] : []
    content {
      inherit_from_parent = false
      rules {
        values {
          allowed_values = spec.value
        }
      }
    }
  }
  dynamic "dry_run_spec" {
    for_each = var.enforce ? [] : [local.allowed]
    content {
      inherit_from_parent = false
      rules {
        values {
          allowed_values = dry_run_spec.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = contains(module.residency.regions, local.location)
      error_message = "${module.residency.article}: the policy would not let its own region in."
    }
  }
}

resource "google_org_policy_policy" "guard" {
  for_each = local.guards

  name   = "${var.scope}/policies/${each.key}"
  parent = var.scope

  dynamic "spec" {
    for_each = var.enforce ? [true] : []
    content {
      inherit_from_parent = false
      rules {
        enforce = "TRUE"
      }
    }
  }
  dynamic "dry_run_spec" {
    for_each = var.enforce ? [] : [true]
    content {
      inherit_from_parent = false
      rules {
        enforce = "TRUE"
      }
    }
  }
}
