# The gate: the region is read from here and from nowhere else, so that nothing is planned before it holds.
module "residency" {
  source = "../../residency"

  cloud          = "aws"
  data_residency = var.data_residency
  ownership      = var.ownership
  replication    = { "storage replication" = var.replication }
  endpoints      = var.fallback.enabled ? { "inference fallback" = var.fallback.endpoint } : {}
}

resource "terraform_data" "residency" {
  input = { location = var.data_residency.primary }

  lifecycle {
    precondition {
      condition     = module.residency.inside
      error_message = module.residency.message
    }
  }
}

locals {
  location = terraform_data.residency.input.location
}
