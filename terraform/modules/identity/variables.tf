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

variable "oidc_issuer_url" {
  description = "The cluster's token issuer; a token of any other is refused."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.oidc_issuer_url, "https://")
    error_message = "oidc_issuer_url must begin with https://."
  }
}

variable "services" {
  description = "The services that need a cloud identity: the namespace and the service account that may take it."
  type        = map(object({ namespace = string, service_account = string }))
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z][a-z0-9-]{1,30}$", name))])
    error_message = "services: a name must be 2 to 31 lower-case letters, digits or dashes, beginning with a letter."
  }
  validation {
    condition     = alltrue([for service in values(var.services) : alltrue([for part in [service.namespace, service.service_account] : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", part))])])
    error_message = "services: namespace and service_account must be exact Kubernetes names; a wildcard would let any pod in."
  }
}

variable "grants" {
  description = "What a service may do beyond its buckets (modules/storage) and Redis (modules/redis): by service and purpose, the scope and the built-in role."
  type        = map(map(object({ scope = string, role = string })))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue(flatten([for grants in values(var.grants) : [for grant in values(grants) : !contains(["Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator", "Key Vault Administrator", "Storage Account Contributor"], grant.role)]]))
    error_message = "grants: a service may not have an administrator's role."
  }
  validation {
    condition     = length(setsubtract(keys(var.grants), keys(var.services))) == 0
    error_message = "grants: a service is named that is not in services."
  }
}
