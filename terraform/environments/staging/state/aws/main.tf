# Where this environment's state on this cloud is kept. Made once, before the environment; its own state is a local file.
module "state" {
  source = "../../../../modules/state/aws"

  name      = "maily-stg"
  location  = var.data_residency.primary
  ownership = { owner = "platform", environment = "staging", data_class = "confidential" }

  data_residency = var.data_residency
  account_id     = var.account_id
  operators      = var.operators
}
