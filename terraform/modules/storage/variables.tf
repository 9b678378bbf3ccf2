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

variable "buckets" {
  description = "Blob containers by name: class of the data, days to a cooler tier and to the archive, days until deletion, days of immutability (locked: for good), and tags of legal holds."
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
    condition     = alltrue([for name, bucket in var.buckets : can(regex("^[a-z0-9](-?[a-z0-9]){2,62}$", name))])
    error_message = "buckets: a name must be 3 to 63 lower-case letters, digits or single dashes."
  }
  validation {
    condition     = alltrue([for bucket in values(var.buckets) : contains(["public", "internal", "confidential", "restricted"], bucket.data_class)])
    error_message = "buckets: data_class must be public, internal, confidential or restricted."
  }
  validation {
    condition = alltrue([for bucket in values(var.buckets) :
      coalesce(bucket.cool_days, 0) <= coalesce(bucket.archive_days, 99999) && coalesce(bucket.archive_days, bucket.cool_days, 0) < coalesce(bucket.retention_days, 99999)
    ])
    error_message = "buckets: days must rise: cool_days, then archive_days, then retention_days."
  }
  validation {
    condition     = alltrue([for bucket in values(var.buckets) : coalesce(bucket.immutable_days, 1) >= 1 && coalesce(bucket.immutable_days, 1) <= 146000])
    error_message = "buckets: immutable_days must be 1 to 146000."
  }
  validation {
    condition     = alltrue([for bucket in values(var.buckets) : bucket.immutable_days == null || coalesce(bucket.retention_days, 99999) >= coalesce(bucket.immutable_days, 0)])
    error_message = "buckets: retention_days may not end before immutable_days."
  }
  validation {
    condition     = alltrue([for bucket in values(var.buckets) : !bucket.locked || bucket.immutable_days != null])
    error_message = "buckets: locked needs immutable_days."
  }
}

variable "replication" {
  description = "zone: copies in the zones of one region; geo: also in the pair region, which must be inside the boundary."
  type        = string
  default     = "zone"
  nullable    = false

  validation {
    condition     = contains(["zone", "geo"], var.replication)
    error_message = "replication must be zone or geo."
  }
}

variable "soft_delete_days" {
  description = "How many days a deleted blob or container can be brought back."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.soft_delete_days >= 7 && var.soft_delete_days <= 365
    error_message = "soft_delete_days must be 7 to 365."
  }
}

variable "key_id" {
  description = "The Key Vault key that encrypts the account; without a version, so that rotation is followed."
  type        = string
  nullable    = false
}

variable "vault_id" {
  description = "The key's Key Vault, where the account's identity may wrap and unwrap with that key."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "The subnet of the private endpoint, the only way in."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "The private zone privatelink.blob.core.windows.net."
  type        = string
  nullable    = false
}

variable "clients" {
  description = "Who may use which bucket, by service: the principal, and read or write for each bucket."
  type        = map(object({ principal = string, buckets = map(string) }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue(flatten([for client in values(var.clients) : [for access in values(client.buckets) : contains(["read", "write"], access)]]))
    error_message = "clients: access to a bucket must be read or write."
  }
  validation {
    condition     = alltrue(flatten([for client in values(var.clients) : [for bucket in keys(client.buckets) : contains(keys(var.buckets), bucket)]]))
    error_message = "clients: a bucket is named that is not in buckets."
  }
}
