module "residency" {
  source = "../residency"

  cloud          = "azure"
  data_residency = var.data_residency
  ownership      = var.ownership
  placements     = { location = var.location, "log workspace" = var.log_sink.location }
  replication    = { "storage replication" = var.replication }
}

# The gate: the region is read from here and from nowhere else, so that nothing is planned before it holds.
resource "terraform_data" "residency" {
  input = {
    location    = var.location
    replication = module.residency.replication[var.replication]
    secondary   = module.residency.pair
  }

  lifecycle {
    precondition {
      condition     = module.residency.inside
      error_message = module.residency.message
    }
    # Azure copies from where the account is, not from where the tfvars say that the data lives.
    precondition {
      condition     = var.replication == "zone" || var.location == var.data_residency.primary
      error_message = "${module.residency.article}: geo replication is judged for the primary region \"${var.data_residency.primary}\", but location is \"${var.location}\"."
    }
  }
}

locals {
  location    = terraform_data.residency.input.location
  replication = terraform_data.residency.input.replication
  tags        = module.residency.tags
}
