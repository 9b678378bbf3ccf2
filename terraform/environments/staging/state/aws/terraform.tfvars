# Fill in your own; nothing here is secret.
account_id = "123456789012"
operators  = { pipeline = "arn:aws:iam::123456789012:role/maily-terraform" }

data_residency = {
  boundary  = "eu"
  clouds    = ["aws"]
  primary   = "eu-central-1"
  secondary = "eu-west-1"
}
