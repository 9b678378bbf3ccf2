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

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, as 1.33."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version such as 1.33."
  }
}

variable "subnet_id" {
  description = "The subnet of the first zone."
  type        = string
  nullable    = false
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

variable "disk_key_id" {
  description = "Customer-managed key of the disks."
  type        = string
  nullable    = false
}

variable "etcd_key_id" {
  description = "Customer-managed key that Kubernetes secrets are sealed with."
  type        = string
  nullable    = false
}

variable "log_sink" {
  description = "Where logs go: a log bucket (projects/<project>/locations/<region>/buckets/<name>), and its region."
  type        = object({ id = string, location = string })
  nullable    = false
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
  nullable    = false
}

# tflint-ignore: terraform_unused_declarations # the contract has it, and its validation refuses it here
variable "ai_toolchain" {
  description = "The AI toolchain operator of AKS. GKE has no such add-on: must be false."
  type        = bool
  nullable    = false

  validation {
    condition     = !var.ai_toolchain
    error_message = "ai_toolchain is an add-on of AKS (KAITO); GKE has none, so it must be false here."
  }
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

variable "network_id" {
  description = "The VPC network."
  type        = string
  nullable    = false
}

variable "client_cidr" {
  description = "Addresses that may reach the private API: the network's own."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.client_cidr)) && !startswith(var.client_cidr, "0.0.0.0")
    error_message = "client_cidr must be an IPv4 range, and not the whole internet."
  }
}

variable "attestors" {
  description = "Attestors that must have signed an image before it may run (the registry module's). None: only images of the registry run."
  type        = list(string)
  default     = []
  nullable    = false
}
