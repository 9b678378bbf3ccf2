# Fill in your own; nothing here is secret.
project         = "maily-prod"
project_number  = "123456789012"
billing_account = "012345-6789AB-CDEF01"
admin_groups    = ["gke-security-groups@example.com", "maily-admins@example.com"]

# Where the data may be. A region, copy, backup, log or fallback outside fails at plan.
data_residency = {
  boundary  = "eu"
  clouds    = ["gcp"]
  primary   = "europe-west3"
  secondary = "europe-west4"
}

hostname = "mail.example.com"

# Fireworks.ai processes in the United States: it can be enabled inside the boundary us only.
fallback = { enabled = false }

budget = {
  amount = 60000
  start  = "2026-12-01"
  emails = ["platform@example.com"]
}
