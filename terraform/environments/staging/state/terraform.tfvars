# Fill in your own; nothing here is secret.
subscription_id = "00000000-0000-0000-0000-000000000001"
tenant_id       = "22222222-2222-2222-2222-222222222222"
operators       = { pipeline = "77777777-7777-7777-7777-777777777777" }
operator_ranges = ["203.0.113.0/28"]

data_residency = {
  boundary  = "eu"
  clouds    = ["azure"]
  primary   = "westeurope"
  secondary = "northeurope"
}
