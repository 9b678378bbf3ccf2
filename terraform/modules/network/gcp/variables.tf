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

variable "address_space" {
  description = "One private /16; hub and spoke are cut out of it."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.address_space)) && endswith(var.address_space, "/16")
    error_message = "address_space must be an IPv4 range of size /16, as 10.42.0.0/16."
  }
}

variable "egress" {
  description = "What may be reached outside, by name: hosts, ports, and why. Nothing else is let out."
  type = map(object({
    fqdns  = set(string)
    ports  = optional(set(number), [443])
    reason = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for entry in var.egress : length(trimspace(entry.reason)) >= 10])
    error_message = "Each egress entry must say why it exists, in at least 10 characters."
  }

  validation {
    condition     = alltrue(flatten([for entry in var.egress : [for host in entry.fqdns : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", host))]]))
    error_message = "An egress host must be a whole DNS name in lower case: Google's firewall knows no wildcards."
  }

  validation {
    condition     = alltrue(flatten([for entry in var.egress : [for port in entry.ports : port >= 1 && port <= 65535]]))
    error_message = "An egress port is between 1 and 65535."
  }
}

variable "fallback" {
  description = "Whether inference may fall back to an outside provider, and which. Refused where the provider does not process inside the boundary."
  type        = object({ enabled = bool, endpoint = optional(string, "api.fireworks.ai") })
  default     = { enabled = false }
  nullable    = false
}

variable "ddos_protection" {
  description = "Cloud Armor's advanced network protection; it has a subscription of its own. The standard one is always on."
  type        = bool
  default     = false
  nullable    = false
}

variable "flow_log_days" {
  description = "How long flow logs are kept, in days."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([30, 60, 90, 120, 180, 365, 400], var.flow_log_days)
    error_message = "flow_log_days must be 30, 60, 90, 120, 180, 365 or 400."
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
