# tflint-ignore: terraform_unused_declarations # the contract has it; this policy is the constraint's own, without a name of ours
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

variable "scope" {
  description = "Project or folder that the policy holds for, as projects/<id> or folders/<number>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(projects/[a-z][a-z0-9-]{4,28}[a-z0-9]|folders/[0-9]+)$", var.scope))
    error_message = "scope must be projects/<id> or folders/<number>."
  }
}

variable "enforce" {
  description = "Whether the policy refuses; otherwise it only logs what it would refuse."
  type        = bool
  nullable    = false
}
