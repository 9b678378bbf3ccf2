# Fill in your own; nothing here is secret. A secret goes into the environment (TF_VAR_secrets), and neither plan nor state keeps it.
subscription_id = "00000000-0000-0000-0000-000000000001"
tenant_id       = "22222222-2222-2222-2222-222222222222"
admin_groups    = ["11111111-1111-1111-1111-111111111111"]

# Where the data may be. A region, copy, backup, log or fallback outside fails at plan.
data_residency = {
  boundary  = "eu"
  clouds    = ["azure"]
  primary   = "westeurope"
  secondary = "northeurope"
}

hostname     = "mail.staging.example.com"
edge_sources = ["*"]

# Fireworks.ai processes in the United States: it can be enabled inside the boundary us only.
fallback = { enabled = false }

budget = {
  amount = 8000
  start  = "2026-12-01T00:00:00Z"
  emails = ["platform@example.com"]
}
