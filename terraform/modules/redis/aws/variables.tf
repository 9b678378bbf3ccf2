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
  description = "Node type, as cache.r7g.large."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^cache[.][a-z0-9]+[.][a-z0-9]+$", var.size))
    error_message = "size must be an ElastiCache node type, as cache.r7g.large."
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
  description = "Service to IAM role ARN: who may log in."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for principal in var.clients : can(regex("^arn:aws:iam::[0-9]{12}:role/", principal))])
    error_message = "clients are IAM roles: there are no passwords."
  }
}

variable "log_sink" {
  description = "Where logs go: the ARN of a CloudWatch log group, and its region."
  type        = object({ id = string, location = string })
  nullable    = false
}

variable "zone_subnet_ids" {
  description = "Subnets of the further zones, beside subnet_id."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zone_subnet_ids) >= 1
    error_message = "zone_subnet_ids needs at least one subnet: one zone alone is not enough."
  }
}

variable "network_id" {
  description = "The spoke's VPC."
  type        = string
  nullable    = false
}

variable "client_cidr" {
  description = "Addresses that may connect: the spoke."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.client_cidr)) && !startswith(var.client_cidr, "0.0.0.0")
    error_message = "client_cidr must be an IPv4 range, and not the whole internet."
  }
}
