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
    condition     = alltrue([for pool in var.gpu_pools : can(regex("^(a2-(highgpu|ultragpu)|a3-(high|mega|edge|ultra)gpu|g2-standard)-[0-9]+g?$", pool.size))])
    error_message = "A GPU pool's size must be of a GPU family: a2-highgpu or a2-ultragpu (A100), a3-highgpu or a3-megagpu (H100), a3-ultragpu (H200), g2-standard (L4)."
  }
  validation {
    condition     = alltrue([for pool in var.gpu_pools : pool.mig == null || startswith(pool.size, "a")])
    error_message = "MIG is for A100, H100 and H200 (a2, a3) only."
  }
  validation {
    condition     = alltrue([for pool in var.gpu_pools : !pool.confidential || pool.size == "a3-highgpu-1g"])
    error_message = "Google's confidential GPU nodes are a3-highgpu-1g (TDX with an H100) only."
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
  description = "Whether GKE makes node pools of its own for what fits none."
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

variable "redis_size" {
  description = "Node type: one of SHARED_CORE_NANO, STANDARD_SMALL, HIGHMEM_MEDIUM, HIGHMEM_XLARGE."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"], var.redis_size)
    error_message = "redis_size must be SHARED_CORE_NANO, STANDARD_SMALL, HIGHMEM_MEDIUM or HIGHMEM_XLARGE."
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
  description = "Whether the retention becomes final: then nobody can delete a backup before its time, Google included."
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
    condition     = var.log_days >= 365 && var.log_days <= 1827
    error_message = "log_days must be between 365 and 1827."
  }
}
