module "residency" {
  source = "../residency"

  cloud          = "azure"
  data_residency = var.data_residency
  ownership      = var.ownership
  placements     = { location = var.location }
}

# The gate: the region is read from here and from nowhere else, so that nothing is planned before it holds.
resource "terraform_data" "residency" {
  input = {
    location = var.location
    regions  = module.residency.regions
    local    = setsubtract(module.residency.regions, module.residency.geo)
  }

  lifecycle {
    precondition {
      condition     = module.residency.inside
      error_message = module.residency.message
    }
  }
}
