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

variable "account_id" {
  description = "The AWS account, 12 digits: policies name it, so that nobody else's principals get in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "organizational_unit" {
  description = "Organizational unit or account that the service control policy holds for. Attached from the organization's management account; null leaves it to whoever runs that."
  type        = string
  default     = null
}

variable "admin_groups" {
  description = "IAM roles that administer the cluster, by ARN: EKS knows roles, not groups."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_groups) > 0
    error_message = "admin_groups must name at least one group: local accounts are off, so nobody else could get in."
  }
  validation {
    condition     = alltrue([for role in var.admin_groups : can(regex("^arn:aws:iam::[0-9]{12}:role/", role))])
    error_message = "admin_groups are IAM roles on AWS: arn:aws:iam::<account>:role/<name>."
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

variable "edge_sources" {
  description = "Addresses that may connect; the whole internet must be asked for."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.edge_sources) > 0 && alltrue([for cidr in var.edge_sources : can(cidrnetmask(cidr))])
    error_message = "edge_sources must be IPv4 ranges, as 203.0.113.0/24."
  }
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
    condition     = alltrue(flatten([for entry in var.egress : [for host in entry.fqdns : can(regex("^(\\*\\.)?([a-z0-9-]+\\.)+[a-z]{2,}$", host))]]))
    error_message = "An egress host must be a DNS name in lower case, with at most a leading *. in front; * alone would let everything out."
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
