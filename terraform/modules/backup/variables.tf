variable "name" {
  description = "The deployment's name; every resource's name derives from it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 20 lower-case letters, digits or dashes, beginning with a letter and not ending with a dash."
  }
}

variable "location" {
  description = "The Azure region, by its programmatic name."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "The resource group that the resources go into."
  type        = string
  nullable    = false
}

variable "data_residency" {
  description = "Where the data may be: boundary, clouds, primary and secondary region (modules/residency)."
  type = object({
    boundary  = string
    clouds    = set(string)
    primary   = string
    secondary = optional(string)
  })
  nullable = false
}

variable "ownership" {
  description = "Who answers for the resources, in which environment, and the class of the data they hold; every resource is tagged with it."
  type = object({
    owner       = string
    environment = string
    data_class  = string
  })
  nullable = false
}

variable "log_sink" {
  description = "The log workspace that diagnostics go to, with its region, which must be inside the boundary."
  type        = object({ id = string, location = string })
  nullable    = false
}

variable "replication" {
  description = "zone: backups stay in the region; geo: also in the pair region, which must be inside the boundary, and can be restored there."
  type        = string
  default     = "zone"
  nullable    = false

  validation {
    condition     = contains(["zone", "geo"], var.replication)
    error_message = "replication must be zone or geo."
  }
}

variable "retention_days" {
  description = "Days that a daily backup is kept; an erased person's data is gone from backups after so many days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 365
    error_message = "retention_days must be 7 to 365."
  }
}

variable "soft_delete_days" {
  description = "Days that a deleted backup can be brought back."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.soft_delete_days >= 14 && var.soft_delete_days <= 180
    error_message = "soft_delete_days must be 14 to 180."
  }
}

variable "immutability" {
  description = "Disabled, Unlocked or Locked. Locked can never be taken back, not even by the owner of the subscription."
  type        = string
  default     = "Unlocked"
  nullable    = false

  validation {
    condition     = contains(["Disabled", "Unlocked", "Locked"], var.immutability)
    error_message = "immutability must be Disabled, Unlocked or Locked."
  }
}

variable "storage_id" {
  description = "The storage account that is backed up."
  type        = string
  nullable    = false
}

variable "buckets" {
  description = "The containers that are backed up."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.buckets) > 0
    error_message = "buckets must name at least one container."
  }
}
