# Fill in your own; nothing here is secret.
account_id          = "123456789012"
organizational_unit = null # the organization's management account attaches the policy
admin_groups        = ["arn:aws:iam::123456789012:role/maily-admins"]

# Where the data may be. A region, copy, backup, log or fallback outside fails at plan.
data_residency = {
  boundary  = "eu"
  clouds    = ["aws"]
  primary   = "eu-central-1"
  secondary = "eu-west-1"
}

hostname     = "mail.dev.example.com"
edge_sources = ["0.0.0.0/0"] # everybody

# Fireworks.ai processes in the United States: it can be enabled inside the boundary us only.
fallback = { enabled = false }

budget = {
  amount = 1500
  start  = "2026-12-01"
  emails = ["platform@example.com"]
}
