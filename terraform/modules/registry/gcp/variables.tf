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
  description = "Name to IAM member: who may pull."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for principal in var.pullers : !startswith(principal, "all")])
    error_message = "Nobody may be everybody: allUsers and allAuthenticatedUsers can't pull."
  }
}

variable "log_sink" {
  description = "Where logs go: a log bucket (projects/<project>/locations/<region>/buckets/<name>), and its region."
  type        = object({ id = string, location = string })
  nullable    = false
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

variable "signing_key_id" {
  description = "Asymmetric key that signs images (the keys module's signing)."
  type        = string
  nullable    = false
}

variable "signing_key_pem" {
  description = "Its public half, as PEM."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.signing_key_pem, "-----BEGIN PUBLIC KEY-----")
    error_message = "signing_key_pem must be a public key in PEM."
  }
}
