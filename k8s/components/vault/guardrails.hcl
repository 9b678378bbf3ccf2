auto_auth {
  method "kubernetes" {
    config = {
      role       = "maily-guardrails-files"
      token_path = "/var/run/secrets/maily/vault-token"
    }
  }
}
