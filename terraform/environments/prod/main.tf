# Production.
module "platform" {
  source = "../../modules/platform"

  name      = "maily-prod"
  ownership = { owner = "platform", environment = "prod", data_class = "restricted" }

  data_residency        = var.data_residency
  subscription_id       = var.subscription_id
  tenant_id             = var.tenant_id
  operator_principal_id = var.operator_principal_id
  admin_groups          = var.admin_groups
  release_principals    = var.release_principals
  hostname              = var.hostname
  edge_sources          = var.edge_sources
  fallback              = var.fallback
  egress                = var.egress
  budget                = var.budget
  network_watcher       = var.network_watcher
  legal_hold            = var.legal_hold
  secrets               = var.secrets
  secret_versions       = var.secret_versions

  firewall_tier       = "Premium"
  ddos_protection     = true
  replication         = "geo"
  audit_days          = 1095
  audit_locked        = true
  backup_immutability = "Locked"
  backup_days         = 30
  log_days            = 365
  redis_size          = "Balanced_B5"
  kubernetes_version  = "1.34"
  system_pool         = { size = "Standard_D4ds_v5", min = 3, max = 6 }
  services_pool       = { size = "Standard_D16ds_v5", min = 3, max = 20 }
  gpu_pools = {
    h100     = { size = "Standard_NC80adis_H100_v5", max = 8 }
    a100mig  = { size = "Standard_NC24ads_A100_v4", max = 4, mig = "MIG3g" } # the guardrails' small models
    finetune = { size = "Standard_NC40ads_H100_v5", max = 2, spot = true, labels = { "maily.io/workload" = "finetune" } }
  }
  maintenance = { day = "Sunday", start_hour = 1, hours = 4 }
}
