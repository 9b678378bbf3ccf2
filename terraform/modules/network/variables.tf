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

variable "flow_log_days" {
  description = "Days that flow logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.flow_log_days >= 7 && var.flow_log_days <= 365
    error_message = "flow_log_days must be 7 to 365."
  }
}

variable "flow_log_storage_id" {
  description = "The storage account that flow logs are written to, in the same region."
  type        = string
  nullable    = false
}

variable "workspace_guid" {
  description = "The log workspace's own id, for traffic analytics."
  type        = string
  nullable    = false
}

variable "network_watcher" {
  description = "The region's Network Watcher where Azure has made one already (a subscription has one a region); null makes it."
  type        = object({ name = string, resource_group_name = string })
  default     = null
}
