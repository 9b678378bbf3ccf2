variable "data_residency" {
  description = "Where the data may be: the legal boundary, the clouds that may hold it, the region it lives in and the region it may be copied to (null: the pair region of the table)."
  type = object({
    boundary  = string
    clouds    = set(string)
    primary   = string
    secondary = optional(string)
  })
  nullable = false

  validation {
    condition     = contains(keys(local.boundaries), var.data_residency.boundary)
    error_message = "data_residency.boundary is \"${var.data_residency.boundary}\", but must be one of ${join(", ", keys(local.boundaries))}."
  }
  validation {
    condition     = length(var.data_residency.clouds) > 0 && length(setsubtract(var.data_residency.clouds, ["azure", "aws", "gcp"])) == 0
    error_message = "data_residency.clouds must name one or more of azure, aws, gcp."
  }
}

variable "cloud" {
  description = "The cloud of the calling module."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["azure", "aws", "gcp"], var.cloud)
    error_message = "cloud must be azure, aws or gcp."
  }
}

variable "placements" {
  description = "Regions that the caller puts something into, by what it is: { location = \"westeurope\", \"log workspace\" = \"northeurope\" }."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "replication" {
  description = "Replication classes that the caller uses, by what is replicated. Either the portable names zone and geo, or the cloud's own (ZRS, GRS, SRR, CRR, REGION, DUAL_REGION, ...)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "endpoints" {
  description = "Outside endpoints that personal data could reach, by what they are for: { \"inference fallback\" = \"api.fireworks.ai\" }. One that the table does not know is refused."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "ownership" {
  description = "Who answers for the resources, in which environment, and the class of the data they hold; for the tags."
  type = object({
    owner       = string
    environment = string
    data_class  = string
  })
  default  = { owner = "platform", environment = "dev", data_class = "restricted" }
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,62}$", var.ownership.owner))
    error_message = "ownership.owner must be 2 to 63 lower-case letters, digits or dashes, beginning with a letter."
  }
  validation {
    condition     = contains(["dev", "staging", "prod"], var.ownership.environment)
    error_message = "ownership.environment must be dev, staging or prod."
  }
  validation {
    condition     = contains(["public", "internal", "confidential", "restricted"], var.ownership.data_class)
    error_message = "ownership.data_class must be public, internal, confidential or restricted."
  }
}
