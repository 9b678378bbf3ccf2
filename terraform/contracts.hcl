# What every cloud's module of a kind takes and gives. `cargo xtask check` reads this file and fails where a module lacks
# an input or output named here, or has it with another type. A module may take and give more (an Azure resource
# group, a Google project), if the addition has a description and a type.
#
# Residency is checked in every module by the same gate, which the check also looks for:
#
#   resource "terraform_data" "residency" {
#     input = { location = var.location, ... }
#     lifecycle { precondition { condition = module.residency.inside, error_message = module.residency.message } }
#   }
#
# and nothing in the module takes its region from anywhere but `terraform_data.residency.input.location`: so a plan, even one
# narrowed with -target, goes through the gate.
#
# The type of an input is that of its `variable` block. Terraform 1.11 has no types on outputs: theirs are held by the
# `contract` run of each module's tests, which compares them with convert-and-compare on known values.

# Inputs of every kind.
common {
  input "name" {
    type = string # 3 to 20 lower-case letters, digits and dashes, beginning with a letter; names derive from it
  }
  input "location" {
    type = string # the region; the cloud's own name for it
  }
  input "data_residency" {
    type = object({
      boundary  = string
      clouds    = set(string)
      primary   = string
      secondary = optional(string)
    })
  }
  input "ownership" {
    type = object({
      owner       = string
      environment = string
      data_class  = string
    })
  }
}

kind "cluster" {
  modules = { azure = "modules/aks", aws = "modules/eks", gcp = "modules/gke" }

  input "kubernetes_version" { type = string }
  input "subnet_id" { type = string }
  input "admin_groups" { type = list(string) }
  input "disk_key_id" { type = string }
  input "etcd_key_id" { type = string }
  input "log_sink" { type = object({ id = string, location = string }) }
  input "system_pool" { type = object({ size = string, min = number, max = number }) }
  input "services_pool" { type = object({ size = string, min = number, max = number }) }
  input "gpu_pools" {
    type = map(object({
      size         = string
      max          = number
      min          = optional(number, 0)
      mig          = optional(string)
      spot         = optional(bool, false)
      confidential = optional(bool, false)
      driver       = optional(bool, true)
      labels       = optional(map(string), {})
    }))
  }
  input "maintenance" { type = object({ day = string, start_hour = number, hours = number }) }
  input "node_auto_provisioning" { type = bool }
  input "ai_toolchain" { type = bool }

  output "cluster_id" { type = string }
  output "cluster_name" { type = string }
  output "endpoint" { type = string }
  output "oidc_issuer_url" { type = string }
  output "node_principal" { type = string }
  output "gpu_pools" { type = map(string) }
}

kind "network" {
  modules = { azure = "modules/network", aws = "modules/network/aws", gcp = "modules/network/gcp" }

  input "address_space" { type = string } # one /16; hub and spoke are cut out of it
  input "egress" {
    type = map(object({
      fqdns  = set(string)
      ports  = optional(set(number), [443])
      reason = string
    }))
  }
  input "fallback" { type = object({ enabled = bool, endpoint = optional(string, "api.fireworks.ai") }) }
  input "ddos_protection" { type = bool }
  input "flow_log_days" { type = number }
  input "log_sink" { type = object({ id = string, location = string }) }

  output "network_id" { type = string }
  output "cluster_subnet_id" { type = string }
  output "endpoint_subnet_id" { type = string }
  output "egress_address" { type = string }
  output "egress" { type = map(object({ fqdns = set(string), ports = set(number), reason = string })) } # all that is let out
  output "dns_zones" { type = map(string) } # service (storage, redis, keys, registry) to private zone id
}

kind "redis" {
  modules = { azure = "modules/redis", aws = "modules/redis/aws", gcp = "modules/redis/gcp" }

  input "size" { type = string }
  input "subnet_id" { type = string }
  input "high_availability" { type = bool }
  input "persistence" { type = bool }
  input "key_id" { type = string }
  input "clients" { type = map(string) } # service to principal: who may log in
  input "log_sink" { type = object({ id = string, location = string }) }

  output "id" { type = string }
  output "host" { type = string }
  output "port" { type = number }
  output "authentication" { type = string } # always "identity"
  output "tls" { type = bool }
}

kind "storage" {
  modules = { azure = "modules/storage", aws = "modules/storage/aws", gcp = "modules/storage/gcp" }

  input "buckets" {
    type = map(object({
      data_class     = optional(string, "restricted")
      cool_days      = optional(number)     # to a cooler tier after so many days
      archive_days   = optional(number)     # to the coldest
      retention_days = optional(number)     # deleted after so many
      immutable_days = optional(number)     # no deletion and no change before
      locked         = optional(bool, false) # the immutability can't be shortened or lifted any more
      legal_hold     = optional(set(string), []) # tags of holds
    }))
  }
  input "replication" { type = string } # zone or geo
  input "soft_delete_days" { type = number }
  input "key_id" { type = string }
  input "subnet_id" { type = string }
  input "clients" { type = map(object({ principal = string, buckets = map(string) })) } # bucket to read or write
  input "log_sink" { type = object({ id = string, location = string }) }

  output "id" { type = string }
  output "endpoint" { type = string }
  output "buckets" { type = map(string) }
  output "replication" { type = object({ class = string, regions = list(string) }) }
}

kind "keys" {
  modules = { azure = "modules/keys", aws = "modules/keys/aws", gcp = "modules/keys/gcp" }

  input "subnet_id" { type = string }
  input "rotation_days" { type = number }
  input "log_sink" { type = object({ id = string, location = string }) }

  output "vault_id" { type = string }
  output "keys" { type = map(string) } # storage, disks, etcd, redis, registry, seal (Vault's), signing
}

kind "identity" {
  modules = { azure = "modules/identity", aws = "modules/identity/aws", gcp = "modules/identity/gcp" }

  input "oidc_issuer_url" { type = string }
  input "services" { type = map(object({ namespace = string, service_account = string })) }

  output "principals" { type = map(string) }
  output "annotations" { type = map(map(string)) } # service to what its Kubernetes service account carries
}

kind "policy" {
  modules = { azure = "modules/policy", aws = "modules/policy/aws", gcp = "modules/policy/gcp" }

  input "scope" { type = string } # subscription, organizational unit, project
  input "enforce" { type = bool }

  output "policy_id" { type = string }
  output "allowed_locations" { type = list(string) }
}

kind "pqtls" {
  modules = { azure = "modules/pqtls", aws = "modules/pqtls/aws", gcp = "modules/pqtls/gcp" }

  input "hostname" { type = string }

  output "policy" { type = string }       # the cloud's name of the policy
  output "groups" { type = list(string) } # key exchange groups offered, best first
  output "terminates" { type = string }   # cloud or service: where TLS ends
}

kind "registry" {
  modules = { azure = "modules/registry", aws = "modules/registry/aws", gcp = "modules/registry/gcp" }

  input "key_id" { type = string }
  input "subnet_id" { type = string }
  input "pullers" { type = map(string) } # name to principal
  input "log_sink" { type = object({ id = string, location = string }) }

  output "id" { type = string }
  output "host" { type = string }
}

kind "monitor" {
  modules = { azure = "modules/monitor", aws = "modules/monitor/aws", gcp = "modules/monitor/gcp" }

  input "retention_days" { type = number }
  input "budget" { type = object({ amount = number, start = string, emails = list(string) }) }

  output "log_sink" { type = object({ id = string, location = string }) }
}

kind "backup" {
  modules = { azure = "modules/backup", aws = "modules/backup/aws", gcp = "modules/backup/gcp" }

  input "replication" { type = string } # zone or geo
  input "retention_days" { type = number }
  input "storage_id" { type = string }
  input "log_sink" { type = object({ id = string, location = string }) }

  output "vault_id" { type = string }
  output "policy_id" { type = string }
  output "restore" { type = object({ location = string, cross_region = bool, soft_delete_days = number }) }
}

kind "state" {
  modules = { azure = "modules/state", aws = "modules/state/aws", gcp = "modules/state/gcp" }

  input "operators" { type = map(string) } # name to principal: who runs Terraform

  output "place" { type = string } # account or bucket, as the backend names it
  output "key" { type = string }
}
