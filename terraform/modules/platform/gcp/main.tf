# A whole deployment on Google Cloud, from the modules beside this one. environments/{dev,staging,prod}/gcp are thin roots over it.
locals {
  namespace = "maily"

  # Which service has which cloud identity, and what it may reach; a service that is not here reaches nothing.
  services = { for service in ["storage", "compliance", "orchestrator", "inference", "finetune", "vault"] :
    service => { namespace = local.namespace, service_account = service }
  }
  buckets = {
    objects = { data_class = "restricted", cool_days = 60 }
    ledger  = { data_class = "restricted" }
    audit   = { data_class = "confidential", immutable_days = var.audit_days, locked = var.audit_locked, cool_days = 30, legal_hold = var.legal_hold }
    models  = { data_class = "internal", cool_days = 90 }
    restate = { data_class = "restricted", retention_days = 30 }
    vault   = { data_class = "restricted", retention_days = 90 }
  }
  bucket_access = {
    storage      = { objects = "write" }
    compliance   = { ledger = "write", audit = "write" }
    orchestrator = { restate = "write" }
    inference    = { models = "read" }
    finetune     = { models = "write" }
    vault        = { vault = "write" }
  }
  redis_clients = ["storage", "compliance", "inference"]
}

module "policy" {
  source = "../../policy/gcp"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  scope          = coalesce(var.policy_scope, "projects/${var.project}")
  enforce        = true
}

module "monitor" {
  source = "../../monitor/gcp"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  project         = var.project
  project_number  = var.project_number
  billing_account = var.billing_account
  retention_days  = var.log_days
  budget          = var.budget
}

module "network" {
  source = "../../network/gcp"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  project         = var.project
  address_space   = var.address_space
  egress          = var.egress
  fallback        = var.fallback
  ddos_protection = var.ddos_protection
  log_sink        = module.monitor.log_sink
}

module "keys" {
  source = "../../keys/gcp"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  project        = var.project
  project_number = var.project_number
  subnet_id      = module.network.endpoint_subnet_id
  log_sink       = module.monitor.log_sink
}

data "google_kms_crypto_key_version" "signing" {
  crypto_key = module.keys.keys["signing"]
}

module "registry" {
  source = "../../registry/gcp"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  project         = var.project
  subnet_id       = module.network.endpoint_subnet_id
  key_id          = module.keys.keys["registry"]
  signing_key_id  = module.keys.keys["signing"]
  signing_key_pem = data.google_kms_crypto_key_version.signing.public_key[0].pem
  pullers         = { nodes = module.cluster.node_principal }
  log_sink        = module.monitor.log_sink
}

module "cluster" {
  source = "../../gke"

  name                   = var.name
  location               = local.location
  data_residency         = var.data_residency
  ownership              = var.ownership
  project                = var.project
  kubernetes_version     = var.kubernetes_version
  network_id             = module.network.network_id
  subnet_id              = module.network.cluster_subnet_id
  client_cidr            = module.network.spoke_cidr
  admin_groups           = var.admin_groups
  disk_key_id            = module.keys.keys["disks"]
  etcd_key_id            = module.keys.keys["etcd"]
  log_sink               = module.monitor.log_sink
  system_pool            = var.system_pool
  services_pool          = var.services_pool
  gpu_pools              = var.gpu_pools
  maintenance            = var.maintenance
  node_auto_provisioning = var.node_auto_provisioning
  ai_toolchain           = false
}

module "identity" {
  source = "../../identity/gcp"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  project         = var.project
  oidc_issuer_url = module.cluster.oidc_issuer_url
  services        = local.services
}

module "storage" {
  source = "../../storage/gcp"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  project        = var.project
  subnet_id      = module.network.endpoint_subnet_id
  buckets        = local.buckets
  replication    = var.replication
  key_id         = module.keys.keys["storage"]
  clients        = { for service, access in local.bucket_access : service => { principal = module.identity.principals[service], buckets = access } }
  log_sink       = module.monitor.log_sink
}

module "redis" {
  source = "../../redis/gcp"

  name              = var.name
  location          = local.location
  data_residency    = var.data_residency
  ownership         = var.ownership
  project           = var.project
  network_id        = module.network.network_id
  subnet_id         = module.network.endpoint_subnet_id
  size              = var.redis_size
  high_availability = true
  key_id            = module.keys.keys["redis"]
  clients           = { for service in local.redis_clients : service => module.identity.principals[service] }
  log_sink          = module.monitor.log_sink
}

module "backup" {
  source = "../../backup/gcp"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  project        = var.project
  project_number = var.project_number
  replication    = "zone" # the key is of the region; a backup in another region would need one there
  retention_days = var.backup_days
  locked         = var.backup_locked
  storage_id     = module.storage.id
  buckets        = { for name in ["objects", "ledger", "vault"] : name => module.storage.buckets[name] }
  key_id         = module.keys.keys["storage"]
  cluster_id     = module.cluster.cluster_id
  log_sink       = module.monitor.log_sink
}

module "pqtls" {
  source = "../../pqtls/gcp"
  count  = var.edge_backend == null ? 0 : 1

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  project         = var.project
  hostname        = var.hostname
  network_id      = module.network.network_id
  backend_service = var.edge_backend
}

# Vault unseals itself with the seal key, and may do nothing else with it.
resource "google_kms_crypto_key_iam_member" "vault_seal" {
  crypto_key_id = module.keys.keys["seal"]
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = module.identity.principals["vault"]
}
