# Development: small, cheap, thrown away and made again. The same walls as prod; only sizes differ.
module "platform" {
  source = "../../modules/platform"

  name      = "maily-dev"
  ownership = { owner = "platform", environment = "dev", data_class = "internal" }

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

  firewall_tier       = "Standard"
  ddos_protection     = false
  replication         = "zone"
  audit_days          = 1
  audit_locked        = false
  backup_immutability = "Disabled"
  backup_days         = 7
  log_days            = 30
  redis_size          = "Balanced_B0"
  kubernetes_version  = "1.34"
  system_pool         = { size = "Standard_D4ds_v5", min = 1, max = 2 }
  services_pool       = { size = "Standard_D8ds_v5", min = 1, max = 3 }
  # One slice of an A100, bought where it is left over, and nothing while nobody asks.
  gpu_pools = {
    a100 = { size = "Standard_NC24ads_A100_v4", max = 1, mig = "MIG3g", spot = true }
  }
  maintenance = { day = "Wednesday", start_hour = 8, hours = 4 } # while somebody watches
}
