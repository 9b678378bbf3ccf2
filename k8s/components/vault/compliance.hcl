auto_auth {
  method "kubernetes" {
    config = {
      role       = "maily-compliance-files"
      token_path = "/var/run/secrets/maily/vault-token"
    }
  }
}
