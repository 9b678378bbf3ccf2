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

variable "hostname" {
  description = "Name that people's clients connect to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.hostname))
    error_message = "hostname must be a full DNS name in lower case."
  }
}

variable "network_id" {
  description = "VPC that the load balancer is in: the hub."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Public subnets of at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids needs subnets of at least two zones."
  }
}

variable "client_cidrs" {
  description = "Addresses that may connect; the whole internet must be asked for."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.client_cidrs) > 0 && alltrue([for cidr in var.client_cidrs : can(cidrnetmask(cidr))])
    error_message = "client_cidrs must be IPv4 ranges, as 203.0.113.0/24."
  }
}

variable "backend_cidr" {
  description = "Addresses of the services behind the edge."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.backend_cidr))
    error_message = "backend_cidr must be an IPv4 range."
  }
}

variable "log_bucket" {
  description = "Bucket in the same region that takes the access logs."
  type        = string
  nullable    = false
}
