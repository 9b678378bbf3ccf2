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

variable "operator_principal_id" {
  description = "The principal that runs Terraform and may make and rotate the keys; null where it has that right from elsewhere."
  type        = string
  default     = null
}

variable "admin_groups" {
  description = "Object ids of the Entra groups that administer the cluster; there is no local account beside them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_groups) > 0
    error_message = "admin_groups must name at least one group: without it nobody could administer the cluster."
  }
  validation {
    condition     = alltrue([for group in var.admin_groups : can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", group))])
    error_message = "admin_groups must be object ids (UUIDs in lower case)."
  }
}

variable "release_principals" {
  description = "Who may push and sign images, by name: the release pipeline's object id."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "hostname" {
  description = "The public name of the edge; its certificate is the edge service's own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.hostname))
    error_message = "hostname must be a full DNS name in lower case."
  }
}

variable "edge_sources" {
  description = "Who may reach the edge: CIDR ranges. [\"*\"] is everybody."
  type        = set(string)
  default     = ["*"]
  nullable    = false

  validation {
    condition     = length(var.edge_sources) > 0 && alltrue([for source in var.edge_sources : source == "*" || can(cidrhost(source, 0))])
    error_message = "edge_sources must be CIDR ranges, or \"*\"."
  }
}

variable "fallback" {
  description = "Whether inference may fall back to an outside provider, and to which endpoint; refused where the boundary does not allow it."
  type        = object({ enabled = bool, endpoint = optional(string, "api.fireworks.ai") })
  default     = { enabled = false }
  nullable    = false
}

variable "egress" {
  description = "What the cluster may reach outside, by name: host names, ports, and the reason why. What is not here or in the module's own list is refused."
  type = map(object({
    fqdns  = set(string)
    ports  = optional(set(number), [443])
    reason = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for entry in values(var.egress) : length(entry.reason) >= 15])
    error_message = "egress: every entry needs a reason that says what it is for (15 characters or more)."
  }
  validation {
    condition     = alltrue(flatten([for entry in values(var.egress) : [for fqdn in entry.fqdns : can(regex("^(\\*\\.)?([a-z0-9-]+\\.)+[a-z]{2,}$", fqdn))]]))
    error_message = "egress: a host name must be a full name, with at most one leading *. that is followed by two labels or more."
  }
  validation {
    condition     = alltrue(flatten([for entry in values(var.egress) : [for fqdn in entry.fqdns : !can(regex("fireworks\\.ai$", fqdn))]]))
    error_message = "egress: Fireworks.ai is let out by fallback only, which checks the boundary."
  }
}

variable "budget" {
  description = "Monthly cost in the subscription's currency, the first day it counts from (RFC 3339, a first of a month), and who is told at 50, 80 and 100 percent and at a forecast of 100."
  type        = object({ amount = number, start = string, emails = list(string) })
  nullable    = false

  validation {
    condition     = var.budget.amount > 0
    error_message = "budget.amount must be above zero."
  }
  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-01T00:00:00Z$", var.budget.start))
    error_message = "budget.start must be the first of a month, as 2026-12-01T00:00:00Z."
  }
  validation {
    condition     = length(var.budget.emails) > 0 && alltrue([for email in var.budget.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "budget.emails must hold at least one e-mail address."
  }
}

variable "network_watcher" {
  description = "The region's Network Watcher where Azure has made one already (a subscription has one a region); null makes it."
  type        = object({ name = string, resource_group_name = string })
  default     = null
}

variable "legal_hold" {
  description = "Tags of legal holds on the audit bucket, empty where there is none."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "secrets" {
  description = "Secrets to keep, by name (the Fireworks.ai key, for one). Ephemeral: neither plan nor state holds them."
  type        = map(string)
  default     = {}
  nullable    = false
  ephemeral   = true
  sensitive   = true
}

variable "secret_versions" {
  description = "The number of each secret, raised when it changes: Terraform can't see that a value it doesn't keep has changed."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.secret_versions) : can(regex("^[a-z][a-z0-9-]{1,60}$", name))])
    error_message = "secret_versions: a name must be 2 to 61 lower-case letters, digits or dashes, beginning with a letter."
  }
}
