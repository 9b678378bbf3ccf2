variable "name" {
  description = "Name that all names derive from: 3 to 24 lower-case letters, digits and dashes, beginning with a letter."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 24 lower-case letters, digits or dashes, beginning with a letter and not ending with a dash."
  }
}

variable "location" {
  description = "The region that everything here lives in; it must be inside the boundary."
  type        = string
  nullable    = false
}

variable "data_residency" {
  description = "The legal boundary, the clouds that may hold the data, the region it lives in and the one it may be copied to."
  type = object({
    boundary  = string
    clouds    = set(string)
    primary   = string
    secondary = optional(string)
  })
  nullable = false
}

variable "ownership" {
  description = "Who answers for the resources, in which environment, and the class of the data they hold; for the tags."
  type = object({
    owner       = string
    environment = string
    data_class  = string
  })
  nullable = false
}

variable "buckets" {
  description = "Buckets by name: data class; days until a cooler tier, until the coldest, until deletion; days without change or deletion; whether that can never be shortened; tags of legal holds."
  type = map(object({
    data_class     = optional(string, "restricted")
    cool_days      = optional(number)
    archive_days   = optional(number)
    retention_days = optional(number)
    immutable_days = optional(number)
    locked         = optional(bool, false)
    legal_hold     = optional(set(string), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.buckets) : can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", name))])
    error_message = "A bucket name is 3 to 32 lower-case letters, digits or dashes."
  }

  validation {
    condition     = alltrue([for bucket in var.buckets : contains(["public", "internal", "confidential", "restricted"], bucket.data_class)])
    error_message = "data_class must be public, internal, confidential or restricted."
  }

  validation {
    condition     = alltrue([for bucket in var.buckets : coalesce(bucket.immutable_days, 0) <= coalesce(bucket.retention_days, 36500)])
    error_message = "A bucket can't be deleted from (retention_days) before its immutability ends (immutable_days)."
  }

  validation {
    condition     = alltrue([for bucket in var.buckets : !bucket.locked || bucket.immutable_days != null])
    error_message = "A locked bucket needs immutable_days: there is nothing else to lock."
  }

  validation {
    condition     = alltrue([for bucket in var.buckets : coalesce(bucket.cool_days, 30) >= 30 && coalesce(bucket.archive_days, 36500) > coalesce(bucket.cool_days, 0)])
    error_message = "cool_days is at least 30, and archive_days comes after it."
  }
}

variable "replication" {
  description = "zone: copies in the zones of the region; geo: also in the second region of the boundary."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["zone", "geo"], var.replication)
    error_message = "replication must be zone or geo."
  }
}

variable "soft_delete_days" {
  description = "Days for which what was deleted or overwritten can be brought back."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.soft_delete_days >= 7 && var.soft_delete_days <= 90
    error_message = "soft_delete_days must be between 7 and 90."
  }
}

variable "key_id" {
  description = "Customer-managed key that data at rest is encrypted with."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "The subnet of the first zone."
  type        = string
  nullable    = false
}

variable "clients" {
  description = "Services that use buckets: their IAM member, and for each bucket read or write."
  type        = map(object({ principal = string, buckets = map(string) }))
  nullable    = false

  validation {
    condition     = alltrue(flatten([for client in var.clients : [for access in values(client.buckets) : contains(["read", "write"], access)]]))
    error_message = "A client may read or write a bucket; there is no other access."
  }

  validation {
    condition     = alltrue(flatten([for client in var.clients : [for bucket in keys(client.buckets) : contains(keys(var.buckets), bucket)]]))
    error_message = "A client names a bucket that does not exist."
  }
}

variable "log_sink" {
  description = "Where logs go: a log bucket (projects/<project>/locations/<region>/buckets/<name>), and its region."
  type        = object({ id = string, location = string })
  nullable    = false
}

variable "project" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id: 6 to 30 lower-case letters, digits or dashes."
  }
}
