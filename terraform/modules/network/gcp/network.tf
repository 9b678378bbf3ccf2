# A network without a way in, in one region, and one way out: firewall, then NAT from addresses of our own. Further
# networks join as spokes of the hub, which knows no route between them that is not listed.
locals {
  subnets = {
    cluster  = cidrsubnet(var.address_space, 4, 0)
    endpoint = cidrsubnet(var.address_space, 8, 16)
  }
  pods     = cidrsubnet(var.address_space, 1, 1)
  services = cidrsubnet(var.address_space, 4, 2)
  # restricted.googleapis.com: only services that honour VPC Service Controls, and no route to the internet.
  google = "199.36.153.4/30"
}

resource "google_compute_network" "spoke" {
  # checkov:skip=CKV2_GCP_18:its firewall is a network firewall policy (firewall.tf), which checkov does not know
  project                                   = var.project
  name                                      = "${var.name}-spoke"
  description                               = "Cluster and private endpoints of ${var.name}"
  auto_create_subnetworks                   = false
  delete_default_routes_on_create           = true
  routing_mode                              = "REGIONAL"
  network_firewall_policy_enforcement_order = "BEFORE_CLASSIC_FIREWALL"
}

resource "google_network_connectivity_hub" "this" {
  project         = var.project
  name            = "${var.name}-hub"
  description     = "Where spokes meet"
  policy_mode     = "PRESET"
  preset_topology = "STAR"
  labels          = local.tags
}

resource "google_network_connectivity_spoke" "this" {
  project  = var.project
  name     = "${var.name}-spoke"
  location = "global"
  hub      = google_network_connectivity_hub.this.id
  group    = "edge"
  labels   = local.tags

  linked_vpc_network {
    uri                   = google_compute_network.spoke.id
    exclude_export_ranges = [local.pods, local.services]
  }
}

resource "google_compute_subnetwork" "cluster" {
  project                    = var.project
  region                     = local.location
  name                       = "${var.name}-cluster"
  network                    = google_compute_network.spoke.id
  ip_cidr_range              = local.subnets.cluster
  stack_type                 = "IPV4_ONLY"
  purpose                    = "PRIVATE"
  private_ip_google_access   = true
  private_ipv6_google_access = "DISABLE_GOOGLE_ACCESS"

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = local.pods
  }
  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = local.services
  }
  log_config {
    aggregation_interval = "INTERVAL_1_MIN"
    flow_sampling        = 1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_subnetwork" "endpoint" {
  project                    = var.project
  region                     = local.location
  name                       = "${var.name}-endpoint"
  network                    = google_compute_network.spoke.id
  ip_cidr_range              = local.subnets.endpoint
  stack_type                 = "IPV4_ONLY"
  purpose                    = "PRIVATE"
  private_ip_google_access   = true
  private_ipv6_google_access = "DISABLE_GOOGLE_ACCESS"

  log_config {
    aggregation_interval = "INTERVAL_1_MIN"
    flow_sampling        = 1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_route" "out" {
  project          = var.project
  name             = "${var.name}-out"
  network          = google_compute_network.spoke.id
  dest_range       = "0.0.0.0/0"
  next_hop_gateway = "default-internet-gateway"
  priority         = 1000
}

resource "google_compute_router" "this" {
  project = var.project
  region  = local.location
  name    = var.name
  network = google_compute_network.spoke.id
}

resource "google_compute_address" "nat" {
  project      = var.project
  region       = local.location
  name         = "${var.name}-nat"
  address_type = "EXTERNAL"
  network_tier = "STANDARD"
  labels       = local.tags
}

resource "google_compute_router_nat" "this" {
  project                             = var.project
  region                              = local.location
  name                                = var.name
  router                              = google_compute_router.this.name
  nat_ip_allocate_option              = "MANUAL_ONLY"
  nat_ips                             = [google_compute_address.nat.id]
  auto_network_tier                   = "STANDARD"
  source_subnetwork_ip_ranges_to_nat  = "LIST_OF_SUBNETWORKS"
  enable_endpoint_independent_mapping = false

  subnetwork {
    name                    = google_compute_subnetwork.cluster.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
  log_config {
    enable = true
    filter = "ALL"
  }
}

# Advanced protection is a tier of the whole project; the policies that use it are the edge's.
resource "google_compute_project_cloud_armor_tier" "this" {
  count = var.ddos_protection ? 1 : 0

  project          = var.project
  cloud_armor_tier = "CA_ENTERPRISE_PAYGO"
}
