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
