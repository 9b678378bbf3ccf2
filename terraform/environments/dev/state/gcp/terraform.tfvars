# Fill in your own; nothing here is secret.
project        = "maily-dev"
project_number = "123456789012"
operators      = { pipeline = "serviceAccount:terraform@maily-dev.iam.gserviceaccount.com" }

data_residency = {
  boundary  = "eu"
  clouds    = ["gcp"]
  primary   = "europe-west3"
  secondary = "europe-west4"
}
