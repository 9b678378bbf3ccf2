output "vault_id" {
  description = "Prefix of the keys' aliases: AWS has no vault, the account's KMS in the region is one."
  value       = "arn:aws:kms:${local.location}:${var.account_id}:alias/${var.name}"
}

output "keys" {
  description = "Use to key: storage, disks, etcd, redis, registry, seal (Vault's), signing."
  value       = merge({ for use, key in aws_kms_key.this : use => key.arn }, { signing = aws_kms_key.signing.arn })
}

output "replica_keys" {
  description = "Use to the key's replica in the second region."
  value       = { for use, key in aws_kms_replica_key.this : use => key.arn }
}
