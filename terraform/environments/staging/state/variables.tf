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

variable "subscription_id" {
  description = "The subscription's UUID."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.subscription_id))
    error_message = "subscription_id must be a UUID in lower case."
  }
}

variable "tenant_id" {
  description = "The Entra tenant that the Key Vault trusts."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.tenant_id))
    error_message = "tenant_id must be a UUID in lower case."
  }
}

variable "operators" {
  description = "Object ids of the Entra principals that run Terraform, by name: they read and write the state, and make its key."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.operators) > 0 && alltrue([for id in values(var.operators) : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", id))])
    error_message = "operators must name at least one principal by its object id (a UUID in lower case)."
  }
}

variable "operator_ranges" {
  description = "Public IPv4 ranges that Terraform runs from; everybody else is refused before they can log in."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.operator_ranges) > 0 && alltrue([for range in var.operator_ranges : can(cidrnetmask(range)) && try(tonumber(split("/", range)[1]) >= 24, false)])
    error_message = "operator_ranges must be IPv4 ranges of at most 256 addresses, as 203.0.113.0/28."
  }
}
