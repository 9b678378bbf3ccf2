# Where this environment's state on this cloud is kept. Made once, before the environment; its own state is a local file.
module "state" {
  source = "../../../../modules/state/gcp"

  name      = "maily-dev"
  location  = var.data_residency.primary
  ownership = { owner = "platform", environment = "dev", data_class = "internal" }

  data_residency = var.data_residency
  project        = var.project
  project_number = var.project_number
  operators      = var.operators
}
