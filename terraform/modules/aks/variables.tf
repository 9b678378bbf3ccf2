variable "name" {
  description = "The deployment's name; every resource's name derives from it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 20 lower-case letters, digits or dashes, beginning with a letter and not ending with a dash."
  }
}

variable "location" {
  description = "The Azure region, by its programmatic name."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "The resource group that the resources go into."
  type        = string
  nullable    = false
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

variable "log_sink" {
  description = "The log workspace that diagnostics go to, with its region, which must be inside the boundary."
  type        = object({ id = string, location = string })
  nullable    = false
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

variable "upgrade_channel" {
  description = "patch, stable or none: what Azure upgrades by itself, inside the maintenance window."
  type        = string
  default     = "patch"
  nullable    = false

  validation {
    condition     = contains(["patch", "stable", "none"], var.upgrade_channel)
    error_message = "upgrade_channel must be patch, stable or none; rapid and node-image are not for a platform that must stay up."
  }
}

variable "subnet_id" {
  description = "The nodes' subnet, whose route leads to the firewall."
  type        = string
  nullable    = false
}

variable "api_subnet_id" {
  description = "The subnet delegated to the private API server."
  type        = string
  nullable    = false
}

variable "network_id" {
  description = "The nodes' network, where the cluster's identity may join subnets and use routes."
  type        = string
  nullable    = false
}

variable "route_table_id" {
  description = "The route table that leads to the firewall."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "The private zone privatelink.REGION.azmk8s.io."
  type        = string
  nullable    = false
}

variable "tenant_id" {
  description = "The Entra tenant whose users and groups log in."
  type        = string
  nullable    = false
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

variable "vault_id" {
  description = "The Key Vault of the keys."
  type        = string
  nullable    = false
}

variable "disk_key_id" {
  description = "The key that encrypts the disks; without a version, so that rotation is followed."
  type        = string
  nullable    = false
}

variable "etcd_key_id" {
  description = "The key that encrypts etcd (KMS), with its version."
  type        = string
  nullable    = false
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
