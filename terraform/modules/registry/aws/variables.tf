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

variable "key_id" {
  description = "Customer-managed key that data at rest is encrypted with."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "The subnet of the first zone."
  type        = string
  nullable    = false
}

variable "pullers" {
  description = "Name to IAM role ARN: who may pull."
  type        = map(string)
  nullable    = false
}

variable "log_sink" {
  description = "Where logs go: the ARN of a CloudWatch log group, and its region."
  type        = object({ id = string, location = string })
  nullable    = false
}

variable "account_id" {
  description = "The AWS account, 12 digits: policies name it, so that nobody else's principals get in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "network_id" {
  description = "The spoke's VPC."
  type        = string
  nullable    = false
}

variable "client_cidr" {
  description = "Addresses that may connect to the private endpoint."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.client_cidr)) && !startswith(var.client_cidr, "0.0.0.0")
    error_message = "client_cidr must be an IPv4 range, and not the whole internet."
  }
}

variable "dns_zone_id" {
  description = "Private DNS zone of the network module in which the endpoint's name is kept."
  type        = string
  nullable    = false
}

variable "repositories" {
  description = "Images kept here."
  type        = set(string)
  default     = ["base", "compliance", "console", "finetune", "guardrails", "healer", "inference", "orchestrator", "storage"]
  nullable    = false

  validation {
    condition     = alltrue([for name in var.repositories : can(regex("^[a-z][a-z0-9-]{1,60}$", name))])
    error_message = "A repository's name is lower-case letters, digits and dashes."
  }
}
