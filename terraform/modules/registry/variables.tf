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

variable "key_id" {
  description = "The Key Vault key that encrypts the images; without a version, so that rotation is followed."
  type        = string
  nullable    = false
}

variable "vault_id" {
  description = "The key's Key Vault."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "The subnet of the private endpoint, the only way in."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "The private zone privatelink.azurecr.io."
  type        = string
  nullable    = false
}

variable "pullers" {
  description = "Who may pull images, by name: the principal (the nodes)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "pushers" {
  description = "Who may push images and signatures, by name: the principal (the release pipeline)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "signing_key" {
  description = "The key that signs images, by its resource id; pushers may sign with that one key. Null: they sign elsewhere."
  type        = object({ resource_id = string }) # an object, so that whether there is one is known before the key is
  default     = null
}

variable "untagged_days" {
  description = "Days after which an image without a tag is removed."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.untagged_days >= 7 && var.untagged_days <= 365
    error_message = "untagged_days must be 7 to 365."
  }
}
