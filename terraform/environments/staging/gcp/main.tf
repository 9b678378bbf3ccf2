# Staging: what prod is, in small, so that what passes here passes there.
module "platform" {
  source = "../../../modules/platform/gcp"

  name      = "maily-stg"
  ownership = { owner = "platform", environment = "staging", data_class = "confidential" }

  data_residency  = var.data_residency
  project         = var.project
  project_number  = var.project_number
  billing_account = var.billing_account
  policy_scope    = var.policy_scope
  admin_groups    = var.admin_groups
  hostname        = var.hostname
  edge_backend    = var.edge_backend
  fallback        = var.fallback
  egress          = var.egress
  budget          = var.budget
  legal_hold      = var.legal_hold

  ddos_protection    = false
  replication        = "geo"
  audit_days         = 30
  audit_locked       = false
  backup_locked      = false
  backup_days        = 14
  log_days           = 365
  redis_size         = "STANDARD_SMALL"
  kubernetes_version = "1.34"
  system_pool        = { size = "n2-standard-4", min = 1, max = 3 }
  services_pool      = { size = "n2-standard-8", min = 2, max = 5 }
  gpu_pools = {
    h100 = { size = "a3-highgpu-1g", max = 1, spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 2, hours = 4 } # days before prod's window
}
