output "principals" {
  description = "Service to role."
  value       = { for service, role in aws_iam_role.service : service => role.arn }
}

output "annotations" {
  description = "Service to the annotations of its Kubernetes service account."
  value       = { for service, role in aws_iam_role.service : service => { "eks.amazonaws.com/role-arn" = role.arn } }
}
