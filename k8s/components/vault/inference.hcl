auto_auth {
  method "kubernetes" {
    config = {
      role       = "maily-inference-files"
      token_path = "/var/run/secrets/maily/vault-token"
    }
  }
}
