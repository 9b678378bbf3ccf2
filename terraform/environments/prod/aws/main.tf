# Production.
module "platform" {
  source = "../../../modules/platform/aws"

  name      = "maily-prod"
  ownership = { owner = "platform", environment = "prod", data_class = "restricted" }

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

  ddos_protection    = true
  replication        = "geo"
  audit_days         = 1095
  audit_locked       = true
  backup_locked      = true
  backup_days        = 30
  log_days           = 400
  redis_size         = "cache.r7g.xlarge"
  kubernetes_version = "1.34"
  system_pool        = { size = "m7i.xlarge", min = 3, max = 6 }
  services_pool      = { size = "m7i.4xlarge", min = 3, max = 20 }
  gpu_pools = {
    h100    = { size = "p5.48xlarge", max = 4 }
    a100mig = { size = "p4d.24xlarge", max = 2, mig = "3g.20gb" } # the guardrails' small models
  }
  maintenance = { day = "Sunday", start_hour = 1, hours = 4 }
}
