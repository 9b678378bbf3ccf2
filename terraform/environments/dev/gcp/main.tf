# Development: small, cheap, thrown away and made again. The same walls as prod; only sizes differ.
module "platform" {
  source = "../../../modules/platform/gcp"

  name      = "maily-dev"
  ownership = { owner = "platform", environment = "dev", data_class = "internal" }

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
  replication        = "zone"
  audit_days         = 1
  audit_locked       = false
  backup_locked      = false
  backup_days        = 7
  log_days           = 365
  redis_size         = "SHARED_CORE_NANO"
  kubernetes_version = "1.34"
  system_pool        = { size = "n2-standard-2", min = 1, max = 2 }
  services_pool      = { size = "n2-standard-4", min = 1, max = 3 }
  gpu_pools = {
    l4 = { size = "g2-standard-8", max = 1, spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 8, hours = 4 } # while somebody watches
}
