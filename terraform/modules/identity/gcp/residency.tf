# The gate: every region here comes from terraform_data.residency, so no plan gets round it.
module "residency" {
  source = "../../residency"

  cloud          = "gcp"
  data_residency = var.data_residency
  ownership      = var.ownership
  placements = {
    location = var.location
  }
}

resource "terraform_data" "residency" {
  input = { location = var.location }

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
