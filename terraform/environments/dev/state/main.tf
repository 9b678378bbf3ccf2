# Where this environment's state on this cloud is kept. Made once, before the environment; its own state is a local file.
module "state" {
  source = "../../../modules/state"

  name        = "maily-dev"
  location    = var.data_residency.primary
  ownership   = { owner = "platform", environment = "dev", data_class = "internal" }
  replication = "zone"

  data_residency  = var.data_residency
  tenant_id       = var.tenant_id
  operators       = var.operators
  operator_ranges = var.operator_ranges
}
