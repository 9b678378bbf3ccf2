# What Vault's agent in the pods of SERVICE may do: get a certificate of that name, and read that service's files.
path "maily-pki/issue/SERVICE" {
  capabilities = ["update"]
}

path "maily-kv/data/SERVICE" {
  capabilities = ["read"]
}
