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
  description = "Organizational unit or account that the policy holds for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12})$", var.scope))
    error_message = "scope must be an organizational unit (ou-...) or a 12-digit account; not the root, which would bind the management account's members too."
  }
}

variable "enforce" {
  description = "Whether the policy is attached; otherwise it only exists, to be read and simulated."
  type        = bool
  nullable    = false
}

variable "administrators" {
  description = "Role names that may still change the guard rails themselves; nobody else can."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for role in var.administrators : can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", role))])
    error_message = "administrators are role names without wildcards."
  }
}
