auto_auth {
  method "kubernetes" {
    config = {
      role       = "maily-orchestrator-files"
      token_path = "/var/run/secrets/maily/vault-token"
    }
  }
}

# Its own access key at storage.
template {
  destination          = "/etc/maily/secrets/s3.toml"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret \"maily-kv/data/orchestrator\" }}{{ index .Data.data \"s3.toml\" }}{{ end }}"
}

# What it knows Restate by.
template {
  destination          = "/etc/maily/secrets/identity.pub.pem"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret \"maily-kv/data/orchestrator\" }}{{ index .Data.data \"identity.pub.pem\" }}{{ end }}"
}

# What Restate signs its calls with.
template {
  destination          = "/etc/maily/identity/identity.pem"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret \"maily-kv/data/restate\" }}{{ index .Data.data \"identity.pem\" }}{{ end }}"
}
