# Fill in your own; nothing here is secret.
project        = "maily-prod"
project_number = "123456789012"
operators      = { pipeline = "serviceAccount:terraform@maily-prod.iam.gserviceaccount.com" }

data_residency = {
  boundary  = "eu"
  clouds    = ["gcp"]
  primary   = "europe-west3"
  secondary = "europe-west4"
}
