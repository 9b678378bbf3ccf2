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

variable "project" {
  description = "The Google Cloud project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id: 6 to 30 lower-case letters, digits or dashes."
  }
}

variable "project_number" {
  description = "The project's number: Google's service agents are named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{6,14}$", var.project_number))
    error_message = "project_number must be digits."
  }
}

variable "operators" {
  description = "IAM members that run Terraform, by name; nobody else reads or writes the state."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.operators) > 0 && alltrue([for member in values(var.operators) : can(regex("^(serviceAccount|group|user):[^@*]+@[^@*]+$", member))])
    error_message = "operators must name at least one member, as serviceAccount:terraform@project.iam.gserviceaccount.com."
  }
}
