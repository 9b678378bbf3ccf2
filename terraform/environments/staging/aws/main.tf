# Staging: what prod is, in small, so that what passes here passes there.
module "platform" {
  source = "../../../modules/platform/aws"

  name      = "maily-stg"
  ownership = { owner = "platform", environment = "staging", data_class = "confidential" }

  data_residency      = var.data_residency
  account_id          = var.account_id
  organizational_unit = var.organizational_unit
  admin_groups        = var.admin_groups
  hostname            = var.hostname
  edge_sources        = var.edge_sources
  fallback            = var.fallback
  egress              = var.egress
  budget              = var.budget
  legal_hold          = var.legal_hold

  ddos_protection    = false
  replication        = "geo"
  audit_days         = 30
  audit_locked       = false
  backup_locked      = false
  backup_days        = 14
  log_days           = 365
  redis_size         = "cache.m7g.large"
  kubernetes_version = "1.34"
  system_pool        = { size = "m7i.large", min = 2, max = 3 }
  services_pool      = { size = "m7i.xlarge", min = 2, max = 5 }
  gpu_pools = {
    h100 = { size = "p5.48xlarge", max = 1, spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 2, hours = 4 } # days before prod's window
}
