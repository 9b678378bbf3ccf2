# tflint-ignore: terraform_unused_declarations # the contract has it; the rule belongs to the network module's policy
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

variable "hostname" {
  description = "The public name of the edge; its certificate is the edge service's own."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.hostname))
    error_message = "hostname must be a full DNS name in lower case."
  }
}

variable "firewall_policy_id" {
  description = "The hub firewall's policy, to which the edge's rule is added."
  type        = string
  nullable    = false
}

variable "public_address" {
  description = "The firewall's public address, to which the name points."
  type        = string
  nullable    = false
}

variable "service_address" {
  description = "The private address of the edge service inside the cluster's network."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrhost("${var.service_address}/32", 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.service_address))
    error_message = "service_address must be a private IPv4 address."
  }
}

variable "sources" {
  description = "Who may reach the edge: CIDR ranges. [\"*\"] is everybody."
  type        = set(string)
  default     = ["*"]
  nullable    = false

  validation {
    condition     = length(var.sources) > 0 && alltrue([for source in var.sources : source == "*" || can(cidrhost(source, 0))])
    error_message = "sources must be CIDR ranges, or \"*\"."
  }
}
