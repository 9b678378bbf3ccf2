auto_auth {
  method "kubernetes" {
    config = {
      role       = "maily-storage-files"
      token_path = "/var/run/secrets/maily/vault-token"
    }
  }
}

# The S3 clients' access keys.
template {
  destination          = "/etc/maily/secrets/s3.toml"
  perms                = "0400"
  error_on_missing_key = true
  contents             = "{{ with secret \"maily-kv/data/storage\" }}{{ index .Data.data \"s3.toml\" }}{{ end }}"
}
