# What the storage service may do in Vault, and nothing else: its own Transit mount, no listing, no deleting, no
# exporting, no backup. `+` is one key: TENANT.REGION.TABLE, or TENANT.REGION.TABLE.mac.
#
#   vault policy write maily-storage storage.hcl

path "maily-storage/keys/+" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = ["aes256-gcm96"]
  }
}

path "maily-storage/encrypt/+" {
  capabilities = ["update"]
}

path "maily-storage/decrypt/+" {
  capabilities = ["update"]
}

path "maily-storage/hmac/+" {
  capabilities = ["update"]
}

path "maily-storage/keys/+/rotate" {
  capabilities = ["update"]
}

path "maily-storage/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}

path "maily-storage/keys/+/trim" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}
