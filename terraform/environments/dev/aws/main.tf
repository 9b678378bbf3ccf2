# Development: small, cheap, thrown away and made again. The same walls as prod; only sizes differ.
module "platform" {
  source = "../../../modules/platform/aws"

  name      = "maily-dev"
  ownership = { owner = "platform", environment = "dev", data_class = "internal" }

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
  replication        = "zone"
  audit_days         = 1
  audit_locked       = false
  backup_locked      = false
  backup_days        = 7
  log_days           = 365
  redis_size         = "cache.t4g.medium"
  kubernetes_version = "1.34"
  system_pool        = { size = "m7i.large", min = 2, max = 3 }
  services_pool      = { size = "m7i.xlarge", min = 1, max = 3 }
  gpu_pools = {
    a100 = { size = "p4d.24xlarge", max = 1, mig = "1g.5gb", spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 8, hours = 4 } # while somebody watches
}
