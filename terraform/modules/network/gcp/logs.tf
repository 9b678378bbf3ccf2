# Flow logs in a bucket of the region, for as long as asked: they hold addresses, so not for longer.
resource "google_logging_project_bucket_config" "flow" {
  project        = var.project
  location       = local.location
  bucket_id      = "${var.name}-flow"
  description    = "Flow logs of ${var.name}"
  retention_days = var.flow_log_days
  locked         = false
}

resource "google_logging_project_sink" "flow" {
  project                = var.project
  name                   = "${var.name}-flow"
  description            = "Flow logs of ${var.name}"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.flow.id}"
  filter                 = "log_id(\"compute.googleapis.com/vpc_flows\") AND resource.labels.subnetwork_name:\"${var.name}-\""
  unique_writer_identity = true
}

# What the firewall and NAT refuse goes to the common place, where alerts look.
resource "google_logging_project_sink" "refused" {
  project                = var.project
  name                   = "${var.name}-refused"
  description            = "What the firewall of ${var.name} decided"
  destination            = "logging.googleapis.com/${var.log_sink.id}"
  filter                 = "log_id(\"compute.googleapis.com/firewall\") OR log_id(\"compute.googleapis.com/nat_flows\")"
  unique_writer_identity = true
}
