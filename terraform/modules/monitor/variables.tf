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

variable "subscription_id" {
  description = "The subscription, as a resource id (/subscriptions/...), whose activity log the alerts watch."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^/subscriptions/[0-9a-f-]{36}$", var.subscription_id))
    error_message = "subscription_id must be /subscriptions/ and a UUID."
  }
}

variable "resource_group_id" {
  description = "The resource group's id, whose cost the budget follows."
  type        = string
  nullable    = false
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.retention_days >= 30 && var.retention_days <= 730
    error_message = "retention_days must be 30 to 730."
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

variable "subnet_id" {
  description = "The subnet of the private endpoint; agents send their logs by it, never over the Internet."
  type        = string
  nullable    = false
}

variable "dns_zone_ids" {
  description = "The private zones of Azure Monitor (monitor, oms, ods, agentsvc) and of blobs."
  type        = list(string)
  nullable    = false
}
