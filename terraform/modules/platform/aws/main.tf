# A whole deployment on AWS, from the modules beside this one. environments/{dev,staging,prod}/aws are thin roots over it.
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
  source = "../../policy/aws"
  count  = var.organizational_unit == null ? 0 : 1

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  scope          = var.organizational_unit
  enforce        = true
}

module "monitor" {
  source = "../../monitor/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  account_id     = var.account_id
  retention_days = var.log_days
  budget         = var.budget
}

module "network" {
  source = "../../network/aws"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  account_id      = var.account_id
  address_space   = var.address_space
  egress          = var.egress
  fallback        = var.fallback
  ddos_protection = var.ddos_protection
  log_sink        = module.monitor.log_sink
}

module "keys" {
  source = "../../keys/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  account_id     = var.account_id
  network_id     = module.network.network_id
  client_cidr    = module.network.spoke_cidr
  subnet_id      = module.network.endpoint_subnet_id
  dns_zone_id    = module.network.dns_zones["keys"]
  log_sink       = module.monitor.log_sink
  replicas       = var.replication == "geo" ? ["storage"] : []
}

module "cluster" {
  source = "../../eks"

  name                   = var.name
  location               = local.location
  data_residency         = var.data_residency
  ownership              = var.ownership
  account_id             = var.account_id
  kubernetes_version     = var.kubernetes_version
  network_id             = module.network.network_id
  subnet_id              = module.network.cluster_subnet_id
  zone_subnet_ids        = module.network.cluster_zone_subnet_ids
  client_cidr            = module.network.spoke_cidr
  admin_groups           = var.admin_groups
  disk_key_id            = module.keys.keys["disks"]
  etcd_key_id            = module.keys.keys["etcd"]
  log_key_id             = module.monitor.log_key_id
  log_sink               = module.monitor.log_sink
  system_pool            = var.system_pool
  services_pool          = var.services_pool
  gpu_pools              = var.gpu_pools
  maintenance            = var.maintenance
  node_auto_provisioning = var.node_auto_provisioning
  ai_toolchain           = false
}

module "identity" {
  source = "../../identity/aws"

  name            = var.name
  location        = local.location
  data_residency  = var.data_residency
  ownership       = var.ownership
  account_id      = var.account_id
  oidc_issuer_url = module.cluster.oidc_issuer_url
  services        = local.services
}

module "registry" {
  source = "../../registry/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  account_id     = var.account_id
  network_id     = module.network.network_id
  client_cidr    = module.network.spoke_cidr
  subnet_id      = module.network.endpoint_subnet_id
  dns_zone_id    = module.network.dns_zones["registry"]
  key_id         = module.keys.keys["registry"]
  pullers        = { nodes = module.cluster.node_principal }
  log_sink       = module.monitor.log_sink
}

module "storage" {
  source = "../../storage/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  account_id     = var.account_id
  network_id     = module.network.network_id
  client_cidr    = module.network.spoke_cidr
  subnet_id      = module.network.endpoint_subnet_id
  dns_zone_id    = module.network.dns_zones["storage"]
  buckets        = local.buckets
  replication    = var.replication
  key_id         = module.keys.keys["storage"]
  replica_key_id = var.replication == "geo" ? module.keys.replica_keys["storage"] : null
  clients        = { for service, access in local.bucket_access : service => { principal = module.identity.principals[service], buckets = access } }
  service_roles  = [module.backup.role_arn]
  log_sink       = module.monitor.log_sink
}

module "redis" {
  source = "../../redis/aws"

  name              = var.name
  location          = local.location
  data_residency    = var.data_residency
  ownership         = var.ownership
  network_id        = module.network.network_id
  client_cidr       = module.network.spoke_cidr
  subnet_id         = module.network.endpoint_subnet_id
  zone_subnet_ids   = module.network.endpoint_zone_subnet_ids
  size              = var.redis_size
  high_availability = true
  key_id            = module.keys.keys["redis"]
  clients           = { for service in local.redis_clients : service => module.identity.principals[service] }
  log_sink          = module.monitor.log_sink
}

module "backup" {
  source = "../../backup/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  account_id     = var.account_id
  replication    = var.replication
  retention_days = var.backup_days
  locked         = var.backup_locked
  storage_id     = "arn:aws:s3:::${var.name}-*" # module.storage.id, which waits for the role that is made here
  key_id         = module.keys.keys["storage"]
  replica_key_id = var.replication == "geo" ? module.keys.replica_keys["storage"] : null
  log_sink       = module.monitor.log_sink
}

module "pqtls" {
  source = "../../pqtls/aws"

  name           = var.name
  location       = local.location
  data_residency = var.data_residency
  ownership      = var.ownership
  hostname       = var.hostname
  network_id     = module.network.hub_id
  subnet_ids     = module.network.public_subnet_ids
  client_cidrs   = var.edge_sources
  backend_cidr   = module.network.spoke_cidr
  log_bucket     = module.storage.log_bucket
}

# Vault unseals itself with the seal key, and may do nothing else with it.
resource "aws_kms_grant" "vault_seal" {
  region            = local.location
  name              = "${var.name}-vault-seal"
  key_id            = module.keys.keys["seal"]
  grantee_principal = module.identity.principals["vault"]
  operations        = ["Encrypt", "Decrypt", "DescribeKey"]
}
