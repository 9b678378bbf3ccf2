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

variable "account_id" {
  description = "The AWS account, 12 digits: policies name it, so that nobody else's principals get in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "operators" {
  description = "ARNs of the IAM roles that run Terraform, by name; nobody else reads or writes the state, nor uses its key."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.operators) > 0 && alltrue([for role in values(var.operators) : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*]+$", role))])
    error_message = "operators must name at least one IAM role by its ARN."
  }
}
