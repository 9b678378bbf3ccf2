output "vault_id" {
  description = "The key ring."
  value       = google_kms_key_ring.this.id
}

output "keys" {
  description = "Use to key: storage, disks, etcd, redis, registry, seal (Vault's), signing."
  value       = merge({ for use, key in google_kms_crypto_key.this : use => key.id }, { signing = google_kms_crypto_key.signing.id })

  # A key that its service can't use yet is no use to whoever asks for it here.
  depends_on = [google_kms_crypto_key_iam_member.agent]
}
