# What can't be deleted before its time, what must be deleted at its end, and what is colder in between.
resource "azurerm_storage_container_immutability_policy" "bucket" {
  for_each = { for name, bucket in var.buckets : name => bucket if bucket.immutable_days != null }

  storage_container_resource_manager_id = azurerm_storage_container.bucket[each.key].id
  immutability_period_in_days           = each.value.immutable_days
  locked                                = each.value.locked
  protected_append_writes_all_enabled   = false
  protected_append_writes_enabled       = true
}

# azurerm has no container legal hold (Azure sets one by an action, not by a resource). A bucket under a hold is never
# deleted from by the lifecycle, and the container itself is locked; README.md has the command that sets the hold's tags.
resource "azurerm_management_lock" "hold" {
  for_each = { for name, bucket in var.buckets : name => bucket if length(bucket.legal_hold) > 0 }

  name       = "legal-hold"
  scope      = azurerm_storage_container.bucket[each.key].id
  lock_level = "CanNotDelete"
  notes      = "Legal hold: ${join(", ", each.value.legal_hold)}"
}

locals {
  lifecycles = { for name, bucket in var.buckets : name => merge(bucket, {
    retention_days = length(bucket.legal_hold) > 0 ? null : bucket.retention_days
  }) if anytrue([bucket.cool_days != null, bucket.archive_days != null, bucket.retention_days != null && length(bucket.legal_hold) == 0]) }
}

resource "azurerm_storage_management_policy" "this" {
  count = length(local.lifecycles) > 0 ? 1 : 0

  storage_account_id = azurerm_storage_account.this.id

  dynamic "rule" {
    for_each = local.lifecycles

    content {
      name    = replace(rule.key, "-", "")
      enabled = true

      filters {
        blob_types   = ["blockBlob"]
        prefix_match = ["${rule.key}/"]
      }
      actions {
        base_blob {
          tier_to_cool_after_days_since_modification_greater_than    = rule.value.cool_days
          tier_to_archive_after_days_since_modification_greater_than = rule.value.archive_days
          delete_after_days_since_modification_greater_than          = rule.value.retention_days
        }
        dynamic "version" {
          for_each = rule.value.retention_days == null ? [] : [rule.value.retention_days]

          # A version that is no longer current goes when its blob would have gone: erasure leaves no old copies.
          content {
            delete_after_days_since_creation = version.value
          }
        }
      }
    }
  }
}
