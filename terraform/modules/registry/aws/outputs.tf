output "id" {
  description = "The registry: the account's, in the region."
  value       = "arn:aws:ecr:${local.location}:${var.account_id}:repository/${var.name}"
}

output "host" {
  description = "Where images are pulled from."
  value       = "${var.account_id}.dkr.ecr.${local.location}.amazonaws.com"
}

output "signing_profile" {
  description = "Profile that images are signed with."
  value       = aws_signer_signing_profile.this.version_arn
}
