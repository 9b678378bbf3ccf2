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

variable "size" {
  description = "The Managed Redis size; Balanced_B3 is 3 GiB on two nodes."
  type        = string
  default     = "Balanced_B3"
  nullable    = false

  validation {
    condition     = can(regex("^(Balanced_B|MemoryOptimized_M|ComputeOptimized_X)[0-9]+$", var.size))
    error_message = "size must be Balanced_B, MemoryOptimized_M or ComputeOptimized_X with a number, as Azure Managed Redis names them."
  }
}

variable "subnet_id" {
  description = "The subnet of the private endpoint, the only way in."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "The private zone privatelink.redis.azure.net."
  type        = string
  nullable    = false
}

variable "high_availability" {
  description = "Two nodes, in different zones where the region has them."
  type        = bool
  default     = true
  nullable    = false
}

variable "persistence" {
  description = "Snapshots to disk every 12 hours. Off: Redis holds only what may be lost, and what isn't written needs no erasure."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_id" {
  description = "The Key Vault key that encrypts the disks; Managed Redis wants it with its version."
  type        = string
  nullable    = false
}

variable "vault_id" {
  description = "The key's Key Vault."
  type        = string
  nullable    = false
}

variable "clients" {
  description = "Who may log in, by service: the object id of its Entra identity."
  type        = map(string)
  default     = {}
  nullable    = false
}
