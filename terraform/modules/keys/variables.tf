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

variable "subnet_id" {
  description = "The subnet of the private endpoint, the only way in."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "The private zone privatelink.vaultcore.azure.net."
  type        = string
  nullable    = false
}

variable "rotation_days" {
  description = "A key gets a new version this many days after the last; old versions stay for what they encrypted."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = var.rotation_days >= 60 && var.rotation_days <= 730
    error_message = "rotation_days must be 60 to 730."
  }
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

variable "secret_expiry" {
  description = "When the secrets expire (RFC 3339), so that none is forgotten."
  type        = string
  default     = "2027-12-31T00:00:00Z"
  nullable    = false

  validation {
    condition     = can(formatdate("YYYY", var.secret_expiry))
    error_message = "secret_expiry must be a time as RFC 3339 writes it."
  }
}
