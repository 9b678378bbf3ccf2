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

variable "replication" {
  description = "zone: copies in the zones of the region; geo: also in the second region of the boundary."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["zone", "geo"], var.replication)
    error_message = "replication must be zone or geo."
  }
}

variable "retention_days" {
  description = "Days for which a backup is kept."
  type        = number
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 365
    error_message = "retention_days must be between 7 and 365: after an erasure, a backup may not bring a person back for longer."
  }
}

variable "storage_id" {
  description = "Pattern of the buckets' ARNs, as the storage module gives it."
  type        = string
  nullable    = false
}

variable "log_sink" {
  description = "Where logs go: the ARN of a CloudWatch log group, and its region."
  type        = object({ id = string, location = string })
  nullable    = false
}

variable "account_id" {
  description = "The AWS account, 12 digits: policies name it, so that nobody else's principals get in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "key_id" {
  description = "Customer-managed key of the backups."
  type        = string
  nullable    = false
}

variable "replica_key_id" {
  description = "Key of the copies in the second region; needed for geo replication."
  type        = string
  default     = null
}

variable "locked" {
  description = "Whether the vault's lock becomes final after three days: then nobody can delete a backup before its time, AWS included."
  type        = bool
  default     = false
  nullable    = false
}
