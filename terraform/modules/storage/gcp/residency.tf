# The gate: every region here comes from terraform_data.residency, so no plan gets round it.
module "residency" {
  source = "../../residency"

  cloud          = "gcp"
  data_residency = var.data_residency
  ownership      = var.ownership
  placements = {
    location        = var.location
    "log workspace" = var.log_sink.location
    "log bucket"    = try(split("/", var.log_sink.id)[3], var.log_sink.id)
    subnet          = try(split("/", var.subnet_id)[3], var.subnet_id)
    key             = try(split("/", var.key_id)[3], var.key_id)
  }
  replication = { replication = var.replication }
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
  tags     = module.residency.tags
}
