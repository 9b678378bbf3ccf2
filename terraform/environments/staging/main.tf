# Staging: what prod is, in small, so that what passes here passes there.
module "platform" {
  source = "../../modules/platform"

  name      = "maily-stg"
  ownership = { owner = "platform", environment = "staging", data_class = "confidential" }

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
  ddos_protection     = false
  replication         = "geo"
  audit_days          = 30
  audit_locked        = false
  backup_immutability = "Unlocked"
  backup_days         = 14
  log_days            = 60
  redis_size          = "Balanced_B1"
  kubernetes_version  = "1.34"
  system_pool         = { size = "Standard_D4ds_v5", min = 2, max = 3 }
  services_pool       = { size = "Standard_D8ds_v5", min = 2, max = 5 }
  gpu_pools = {
    h100 = { size = "Standard_NC40ads_H100_v5", max = 1 }
    spot = { size = "Standard_NC24ads_A100_v4", max = 2, spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 2, hours = 4 } # days before prod's window
}
