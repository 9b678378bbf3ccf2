output "log_sink" {
  description = "Where logs go: the log bucket, and its region."
  value       = { id = google_logging_project_bucket_config.this.id, location = local.location }
}

output "channels" {
  description = "Channels that alerts go to."
  value       = [for channel in google_monitoring_notification_channel.people : channel.id]
}
