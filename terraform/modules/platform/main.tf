# A whole deployment on Azure, from the modules beside this one. environments/{dev,staging,prod} are thin roots over it.
locals {
  region       = var.data_residency.primary
  namespace    = "maily"
  subscription = "/subscriptions/${var.subscription_id}"

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

resource "azurerm_resource_group" "this" {
  name     = "rg-${var.name}"
  location = local.location
  tags     = local.tags
}

locals {
  # What every module takes.
  place = {
    name                = var.name
    location            = azurerm_resource_group.this.location
    resource_group_name = azurerm_resource_group.this.name
  }
}

module "policy" {
  source = "../policy"

  name           = var.name
  location       = local.place.location
  data_residency = var.data_residency
  ownership      = var.ownership
  scope          = local.subscription
  enforce        = var.enforce_policy
}

module "monitor" {
  source = "../monitor"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  subscription_id     = local.subscription
  resource_group_id   = azurerm_resource_group.this.id
  retention_days      = var.log_days
  budget              = var.budget
  subnet_id           = module.network.endpoint_subnet_id
  dns_zone_ids        = [for zone in ["monitor", "monitor-oms", "monitor-ods", "monitor-agent", "storage"] : module.network.dns_zones[zone]]
}

module "network" {
  source = "../network"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  address_space       = var.address_space
  egress              = var.egress
  fallback            = var.fallback
  firewall_tier       = var.firewall_tier
  ddos_protection     = var.ddos_protection
  flow_log_storage_id = module.storage.id
  log_sink            = module.monitor.log_sink
  workspace_guid      = module.monitor.workspace_guid
  network_watcher     = var.network_watcher
}

module "keys" {
  source = "../keys"

  name                  = local.place.name
  location              = local.place.location
  resource_group_name   = local.place.resource_group_name
  data_residency        = var.data_residency
  ownership             = var.ownership
  tenant_id             = var.tenant_id
  operator_principal_id = var.operator_principal_id
  subnet_id             = module.network.endpoint_subnet_id
  dns_zone_id           = module.network.dns_zones["keys"]
  log_sink              = module.monitor.log_sink
  secrets               = var.secrets
  secret_versions       = var.secret_versions
}

module "registry" {
  source = "../registry"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  key_id              = module.keys.keys["registry"]
  vault_id            = module.keys.vault_id
  subnet_id           = module.network.endpoint_subnet_id
  dns_zone_id         = module.network.dns_zones["registry"]
  log_sink            = module.monitor.log_sink
  pullers             = { nodes = module.cluster.node_principal }
  pushers             = var.release_principals
  signing_key         = { resource_id = module.keys.key_resources["signing"] }
}

module "cluster" {
  source = "../aks"

  name                   = local.place.name
  location               = local.place.location
  resource_group_name    = local.place.resource_group_name
  data_residency         = var.data_residency
  ownership              = var.ownership
  tenant_id              = var.tenant_id
  admin_groups           = var.admin_groups
  kubernetes_version     = var.kubernetes_version
  network_id             = module.network.network_id
  subnet_id              = module.network.cluster_subnet_id
  api_subnet_id          = module.network.api_subnet_id
  route_table_id         = module.network.route_table_id
  dns_zone_id            = module.network.dns_zones["cluster"]
  vault_id               = module.keys.vault_id
  disk_key_id            = module.keys.keys["disks"]
  etcd_key_id            = module.keys.key_versions["etcd"]
  log_sink               = module.monitor.log_sink
  system_pool            = var.system_pool
  services_pool          = var.services_pool
  gpu_pools              = var.gpu_pools
  maintenance            = var.maintenance
  node_auto_provisioning = var.node_auto_provisioning
  ai_toolchain           = var.ai_toolchain
}

module "identity" {
  source = "../identity"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  oidc_issuer_url     = module.cluster.oidc_issuer_url
  services            = local.services
  # Vault unseals itself with the seal key, and may do nothing else with it.
  grants = { vault = { seal = { scope = module.keys.key_resources["seal"], role = "Key Vault Crypto Service Encryption User" } } }
}

module "storage" {
  source = "../storage"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  buckets             = local.buckets
  replication         = var.replication
  key_id              = module.keys.keys["storage"]
  vault_id            = module.keys.vault_id
  subnet_id           = module.network.endpoint_subnet_id
  dns_zone_id         = module.network.dns_zones["storage"]
  log_sink            = module.monitor.log_sink
  clients             = { for service, access in local.bucket_access : service => { principal = module.identity.principals[service], buckets = access } }
}

module "redis" {
  source = "../redis"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  size                = var.redis_size
  key_id              = module.keys.key_versions["redis"]
  vault_id            = module.keys.vault_id
  subnet_id           = module.network.endpoint_subnet_id
  dns_zone_id         = module.network.dns_zones["redis"]
  log_sink            = module.monitor.log_sink
  clients             = { for service in local.redis_clients : service => module.identity.principals[service] }
}

module "backup" {
  source = "../backup"

  name                = local.place.name
  location            = local.place.location
  resource_group_name = local.place.resource_group_name
  data_residency      = var.data_residency
  ownership           = var.ownership
  replication         = var.replication
  retention_days      = var.backup_days
  immutability        = var.backup_immutability
  storage_id          = module.storage.id
  buckets             = ["objects", "ledger", "vault"] # audit can't be deleted, models can be fetched, restate's journal is rebuilt
  log_sink            = module.monitor.log_sink
}

module "pqtls" {
  source = "../pqtls"

  name               = local.place.name
  location           = local.place.location
  data_residency     = var.data_residency
  ownership          = var.ownership
  hostname           = var.hostname
  firewall_policy_id = module.network.firewall_policy_id
  public_address     = module.network.egress_address
  service_address    = module.network.edge_address
  sources            = var.edge_sources
}
