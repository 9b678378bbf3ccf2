variable "name" {
  description = "The deployment's name; every resource's name derives from it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 20 lower-case letters, digits or dashes, beginning with a letter and not ending with a dash."
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

variable "kubernetes_version" {
  description = "Kubernetes, as minor version; patches come by the upgrade channel."
  type        = string
  default     = "1.34"
  nullable    = false

  validation {
    condition     = can(regex("^1\\.(3[3-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version from 1.33 on, as 1.34."
  }
}

variable "system_pool" {
  description = "The system pool: size, least and most nodes."
  type        = object({ size = string, min = number, max = number })
  default     = { size = "Standard_D4ds_v5", min = 2, max = 4 }
  nullable    = false

  validation {
    condition     = var.system_pool.min >= 1 && var.system_pool.min <= var.system_pool.max && var.system_pool.max <= 100
    error_message = "system_pool: 1 <= min <= max <= 100."
  }
}

variable "services_pool" {
  description = "The services' pool: size, least and most nodes."
  type        = object({ size = string, min = number, max = number })
  default     = { size = "Standard_D8ds_v5", min = 2, max = 10 }
  nullable    = false

  validation {
    condition     = var.services_pool.min >= 0 && var.services_pool.min <= var.services_pool.max && var.services_pool.max <= 1000
    error_message = "services_pool: 0 <= min <= max <= 1000."
  }
}

variable "gpu_pools" {
  description = "GPU pools by name: A100, H100 or H200 size, most and least nodes (0: scaled from zero), MIG profile, spot, confidential, whether Azure installs the driver, labels."
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
    condition     = alltrue([for name in keys(var.gpu_pools) : can(regex("^[a-z][a-z0-9]{0,11}$", name)) && !contains(["system", "services"], name)])
    error_message = "gpu_pools: a name must be 1 to 12 lower-case letters or digits, and neither system nor services."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : can(regex("^Standard_(NC|ND|NCC)[0-9]+[a-z]+(_[A-Z0-9]+)*_(A100|H100|H200)(_v[0-9]+)?$", pool.size))])
    error_message = "gpu_pools: size must be an NC, ND or NCC size with A100, H100 or H200 GPUs."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.min >= 0 && pool.min <= pool.max && pool.max >= 1 && pool.max <= 1000])
    error_message = "gpu_pools: 0 <= min <= max and 1 <= max <= 1000."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.mig == null || contains(["MIG1g", "MIG2g", "MIG3g", "MIG4g", "MIG7g"], coalesce(pool.mig, "none"))])
    error_message = "gpu_pools: mig must be MIG1g, MIG2g, MIG3g, MIG4g or MIG7g."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : pool.confidential == startswith(pool.size, "Standard_NCC")])
    error_message = "gpu_pools: confidential nodes are the Standard_NCC sizes, and those are confidential."
  }
  validation {
    condition     = alltrue([for pool in values(var.gpu_pools) : !(pool.confidential && pool.mig != null)])
    error_message = "gpu_pools: a confidential GPU can't be split by MIG."
  }
}

variable "maintenance" {
  description = "When Azure may upgrade: weekday, hour (UTC) and how many hours."
  type        = object({ day = string, start_hour = number, hours = number })
  default     = { day = "Sunday", start_hour = 1, hours = 4 }
  nullable    = false

  validation {
    condition     = contains(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], var.maintenance.day)
    error_message = "maintenance.day must be a weekday's English name."
  }
  validation {
    condition     = var.maintenance.start_hour >= 0 && var.maintenance.start_hour <= 23 && var.maintenance.hours >= 4 && var.maintenance.hours <= 24
    error_message = "maintenance: start_hour must be 0 to 23 and hours 4 to 24."
  }
}

variable "node_auto_provisioning" {
  description = "Azure makes nodes of any fitting size for pending pods (Karpenter) instead of scaling the pools named here."
  type        = bool
  default     = false
  nullable    = false
}

variable "ai_toolchain" {
  description = "The AI toolchain operator (KAITO), which makes GPU nodes for a model; Maily serves its own, so it is off."
  type        = bool
  default     = false
  nullable    = false
}

variable "address_space" {
  description = "One /16; hub and spoke are cut out of it. It may not overlap the pods' 10.244.0.0/16 nor the services' 10.245.0.0/16."
  type        = string
  default     = "10.64.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.address_space, 0)) && endswith(var.address_space, "/16") && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.address_space))
    error_message = "address_space must be a private IPv4 /16."
  }
  validation {
    condition     = !contains(["10.244.0.0/16", "10.245.0.0/16"], var.address_space)
    error_message = "address_space overlaps the cluster's pods or services."
  }
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

variable "fallback" {
  description = "Whether inference may fall back to an outside provider, and to which endpoint; refused where the boundary does not allow it."
  type        = object({ enabled = bool, endpoint = optional(string, "api.fireworks.ai") })
  default     = { enabled = false }
  nullable    = false
}

variable "firewall_tier" {
  description = "Premium inspects for intrusions and denies them; Standard filters names only."
  type        = string
  default     = "Premium"
  nullable    = false

  validation {
    condition     = contains(["Standard", "Premium"], var.firewall_tier)
    error_message = "firewall_tier must be Standard or Premium."
  }
}

variable "ddos_protection" {
  description = "Azure DDoS Network Protection for the networks and the public address; a fixed monthly price."
  type        = bool
  default     = false
  nullable    = false
}

variable "network_watcher" {
  description = "The region's Network Watcher where Azure has made one already (a subscription has one a region); null makes it."
  type        = object({ name = string, resource_group_name = string })
  default     = null
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

variable "redis_size" {
  description = "The Managed Redis size; Balanced_B3 is 3 GiB on two nodes."
  type        = string
  default     = "Balanced_B3"
  nullable    = false

  validation {
    condition     = can(regex("^(Balanced_B|MemoryOptimized_M|ComputeOptimized_X)[0-9]+$", var.redis_size))
    error_message = "redis_size must be Balanced_B, MemoryOptimized_M or ComputeOptimized_X with a number, as Azure Managed Redis names them."
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

variable "backup_immutability" {
  description = "Disabled, Unlocked or Locked. Locked can never be taken back, not even by the owner of the subscription."
  type        = string
  default     = "Unlocked"
  nullable    = false

  validation {
    condition     = contains(["Disabled", "Unlocked", "Locked"], var.backup_immutability)
    error_message = "backup_immutability must be Disabled, Unlocked or Locked."
  }
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

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.log_days >= 30 && var.log_days <= 730
    error_message = "log_days must be 30 to 730."
  }
}

variable "release_principals" {
  description = "Who may push and sign images, by name: the release pipeline's object id."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "enforce_policy" {
  description = "Whether Azure refuses what is outside the boundary (true), or only reports it."
  type        = bool
  default     = true
  nullable    = false
}
