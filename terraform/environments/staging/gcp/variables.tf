# What the operator of this environment decides: terraform.tfvars. What makes the environment what it is stands in main.tf.
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

variable "project" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id: 6 to 30 lower-case letters, digits or dashes."
  }
}

variable "project_number" {
  description = "The project's number: Google's service agents are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{6,14}$", var.project_number))
    error_message = "project_number must be digits."
  }
}

variable "billing_account" {
  description = "Billing account that pays for the project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must look like 012345-6789AB-CDEF01."
  }
}

variable "policy_scope" {
  description = "Project or folder that the location policy holds for, as projects/<id> or folders/<number>; null is the project itself."
  type        = string
  default     = null
}

variable "admin_groups" {
  description = "Google groups that administer the cluster; the first is the security group that the others are members of."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_groups) > 0
    error_message = "admin_groups must name at least one group: local accounts are off, so nobody else could get in."
  }
  validation {
    condition     = alltrue([for group in var.admin_groups : can(regex("^[^@ ]+@[^@ ]+$", group))]) && startswith(try(var.admin_groups[0], ""), "gke-security-groups@")
    error_message = "admin_groups are Google groups, and the first must be gke-security-groups@<domain>: GKE takes no other."
  }
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

variable "edge_backend" {
  description = "The regional backend service in front of the edge pods (GKE makes it); null until the cluster has it, and then there is no edge."
  type        = string
  default     = null
}

variable "fallback" {
  description = "Whether inference may fall back to an outside provider, and which. Refused where the provider does not process inside the boundary."
  type        = object({ enabled = bool, endpoint = optional(string, "api.fireworks.ai") })
  default     = { enabled = false }
  nullable    = false
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

variable "budget" {
  description = "Monthly budget: amount, first month (YYYY-MM-01) and who is told."
  type        = object({ amount = number, start = string, emails = list(string) })
  nullable    = false

  validation {
    condition     = var.budget.amount > 0 && can(regex("^[0-9]{4}-[0-9]{2}-01$", var.budget.start)) && length(var.budget.emails) > 0
    error_message = "budget needs an amount above 0, a start such as 2026-12-01, and at least one address."
  }
}

variable "legal_hold" {
  description = "Tags of legal holds on the audit bucket, empty where there is none."
  type        = set(string)
  default     = []
  nullable    = false
}
