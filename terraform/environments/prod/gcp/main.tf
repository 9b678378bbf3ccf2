# Production.
module "platform" {
  source = "../../../modules/platform/gcp"

  name      = "maily-prod"
  ownership = { owner = "platform", environment = "prod", data_class = "restricted" }

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

  ddos_protection    = true
  replication        = "geo"
  audit_days         = 1095
  audit_locked       = true
  backup_locked      = true
  backup_days        = 30
  log_days           = 400
  redis_size         = "HIGHMEM_MEDIUM"
  kubernetes_version = "1.34"
  system_pool        = { size = "n2-standard-4", min = 1, max = 3 }
  services_pool      = { size = "n2-standard-16", min = 1, max = 20 }
  gpu_pools = {
    h100    = { size = "a3-highgpu-8g", max = 4 }
    a100mig = { size = "a2-highgpu-1g", max = 4, mig = "3g.20gb" } # the guardrails' small models
  }
  maintenance = { day = "Sunday", start_hour = 1, hours = 4 }
}
