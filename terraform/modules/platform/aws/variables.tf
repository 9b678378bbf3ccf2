variable "name" {
  description = "Name that all names derive from: 3 to 24 lower-case letters, digits and dashes, beginning with a letter."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 24 lower-case letters, digits or dashes, beginning with a letter and not ending with a dash."
  }
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

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, as 1.33."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version such as 1.33."
  }
}

variable "system_pool" {
  description = "Nodes for the add-ons: machine type, fewest and most nodes."
  type        = object({ size = string, min = number, max = number })
  nullable    = false

  validation {
    condition     = var.system_pool.min >= 1 && var.system_pool.max >= var.system_pool.min && var.system_pool.max <= 100
    error_message = "system_pool must have 1 to 100 nodes, and max not below min."
  }
}

variable "services_pool" {
  description = "Nodes for Maily's services: machine type, fewest and most nodes."
  type        = object({ size = string, min = number, max = number })
  nullable    = false

  validation {
    condition     = var.services_pool.min >= 1 && var.services_pool.max >= var.services_pool.min && var.services_pool.max <= 100
    error_message = "services_pool must have 1 to 100 nodes, and max not below min."
  }
}

variable "gpu_pools" {
  description = "GPU node pools by name: machine type, most and fewest nodes, MIG profile, spot, confidential, whether the cloud installs the driver, labels."
  type = map(object({
    size         = string
    max          = number
    min          = optional(number, 0)
    mig          = optional(string)
    spot         = optional(bool, false)
    confidential = optional(bool, false)
    driver       = optional(bool, true)
    labels       = optional(map(string), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for pool in var.gpu_pools : pool.min >= 0 && pool.max >= 1 && pool.max >= pool.min && pool.max <= 100])
    error_message = "A GPU pool has 0 to 100 nodes, and max not below min."
  }
  validation {
    condition     = alltrue([for pool in var.gpu_pools : can(regex("^(p4d|p4de|p5|p5e|p5en|p6-b200|g5|g6|g6e)[.]", pool.size))])
    error_message = "A GPU pool's size must be of a GPU family: p4d or p4de (A100), p5 (H100), p5e or p5en (H200), p6-b200, g5, g6, g6e."
  }
  validation {
    condition     = alltrue([for pool in var.gpu_pools : pool.mig == null || can(regex("^(p4d|p4de|p5|p5e|p5en|p6-b200)[.]", pool.size))])
    error_message = "MIG is for A100, H100, H200 and B200 (p4d, p4de, p5, p5e, p5en, p6-b200) only."
  }
  validation {
    condition     = alltrue([for pool in var.gpu_pools : !pool.confidential])
    error_message = "AWS has no confidential GPU nodes (SEV-SNP instances carry no GPU): confidential must be false here."
  }
}

variable "maintenance" {
  description = "The weekly window for maintenance: day (Monday to Sunday), first hour in UTC, length in hours."
  type        = object({ day = string, start_hour = number, hours = number })
  nullable    = false

  validation {
    condition     = contains(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], var.maintenance.day)
    error_message = "maintenance.day must be a day of the week, as Sunday."
  }

  validation {
    condition     = var.maintenance.start_hour >= 0 && var.maintenance.start_hour <= 23 && var.maintenance.hours >= 4 && var.maintenance.hours <= 24
    error_message = "maintenance must start at 0 to 23 and last 4 to 24 hours."
  }
}

variable "node_auto_provisioning" {
  description = "Whether EKS Auto Mode starts nodes of its own for what fits no pool."
  type        = bool
  default     = false
  nullable    = false
}

variable "address_space" {
  description = "One private /16; hub and spoke are cut out of it."
  type        = string
  default     = "10.64.0.0/16"
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
    condition     = alltrue(flatten([for entry in var.egress : [for host in entry.fqdns : can(regex("^(\\*\\.)?([a-z0-9-]+\\.)+[a-z]{2,}$", host))]]))
    error_message = "An egress host must be a DNS name in lower case, with at most a leading *. in front; * alone would let everything out."
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
  description = "Shield Advanced on the public addresses; it has a subscription of its own. Shield Standard is always on."
  type        = bool
  default     = false
  nullable    = false
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

variable "redis_size" {
  description = "Node type, as cache.r7g.large."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^cache[.][a-z0-9]+[.][a-z0-9]+$", var.redis_size))
    error_message = "redis_size must be an ElastiCache node type, as cache.r7g.large."
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

variable "audit_days" {
  description = "Days that nothing in the audit bucket can be changed or deleted."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.audit_days >= 1 && var.audit_days <= 3650
    error_message = "audit_days must be 1 to 3650."
  }
}

variable "audit_locked" {
  description = "Locks audit_days for good: it can be made longer and never shorter, and the account lives as long as its audit does."
  type        = bool
  default     = false
  nullable    = false
}

variable "legal_hold" {
  description = "Tags of legal holds on the audit bucket, empty where there is none."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "backup_locked" {
  description = "Whether the vault's lock becomes final after three days: then nobody can delete a backup before its time, AWS included."
  type        = bool
  default     = false
  nullable    = false
}

variable "backup_days" {
  description = "Days that a daily backup is kept; an erased person's data is gone from backups after so many days."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 365
    error_message = "backup_days must be 7 to 365."
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

variable "log_days" {
  description = "How long logs are kept, in days."
  type        = number
  nullable    = false

  validation {
    condition     = contains([365, 400, 545, 731, 1096, 1827], var.log_days)
    error_message = "log_days must be one that CloudWatch knows, a year at least: 365, 400, 545, 731, 1096 or 1827."
  }
}
