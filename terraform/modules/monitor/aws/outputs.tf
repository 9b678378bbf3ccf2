output "log_sink" {
  description = "Where logs go: the log group's ARN, and its region."
  value       = { id = aws_cloudwatch_log_group.this.arn, location = local.location }
}

output "log_key_id" {
  description = "Key of the log groups; other modules' log groups use it too."
  value       = aws_kms_key.logs.arn
}

output "alerts_topic" {
  description = "Topic that alerts are published to."
  value       = aws_sns_topic.alerts.arn
}
