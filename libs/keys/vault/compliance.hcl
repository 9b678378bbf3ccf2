# What the compliance service may do in Vault, and nothing else: its own Transit mount, no listing, no deleting, no
# exporting, no backup. `+` is one key: TENANT.REGION.TABLE, or TENANT.REGION.TABLE.mac.
#
#   vault policy write maily-compliance compliance.hcl

path "maily-compliance/keys/+" {
  capabilities = ["create", "update", "read"]
  allowed_parameters = {
    "type" = ["aes256-gcm96"]
  }
}

path "maily-compliance/encrypt/+" {
  capabilities = ["update"]
}

path "maily-compliance/decrypt/+" {
  capabilities = ["update"]
}

path "maily-compliance/hmac/+" {
  capabilities = ["update"]
}

path "maily-compliance/keys/+/rotate" {
  capabilities = ["update"]
}

path "maily-compliance/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}

path "maily-compliance/keys/+/trim" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}
