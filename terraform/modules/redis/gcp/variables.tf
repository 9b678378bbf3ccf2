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

variable "size" {
  description = "Node type: one of SHARED_CORE_NANO, STANDARD_SMALL, HIGHMEM_MEDIUM, HIGHMEM_XLARGE."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"], var.size)
    error_message = "size must be SHARED_CORE_NANO, STANDARD_SMALL, HIGHMEM_MEDIUM or HIGHMEM_XLARGE."
  }
}

variable "subnet_id" {
  description = "The subnet of the first zone."
  type        = string
  nullable    = false
}

variable "high_availability" {
  description = "Whether a replica in another zone takes over."
  type        = bool
  nullable    = false
}

variable "persistence" {
  description = "Whether data outlives a restart. Off by default: Redis holds only what may be lost."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_id" {
  description = "Customer-managed key that data at rest is encrypted with."
  type        = string
  nullable    = false
}

variable "clients" {
  description = "Service to IAM member: who may log in."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for principal in var.clients : can(regex("^(serviceAccount:[^@*]+@[^@*]+|principal://[^*]+)$", principal))])
    error_message = "clients are single service accounts or principals: no users, no groups, nobody everybody."
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

variable "network_id" {
  description = "The VPC network."
  type        = string
  nullable    = false
}
