# The edge, in the region: a global load balancer would end TLS wherever the client is, outside the boundary. Google offers no
# post-quantum key exchange unless the policy says so.
locals {
  groups = ["X25519MLKEM768", "X25519", "secp256r1"]
}

resource "google_compute_region_ssl_policy" "edge" {
  project                   = var.project
  region                    = local.location
  name                      = "${var.name}-edge"
  description               = "TLS 1.2 and 1.3 with forward secrecy, ML-KEM first"
  profile                   = "RESTRICTED"
  min_tls_version           = "TLS_1_2"
  post_quantum_key_exchange = "ENABLED"
}

resource "google_certificate_manager_dns_authorization" "edge" {
  project     = var.project
  location    = local.location
  name        = "${var.name}-edge"
  description = "Proof that ${var.hostname} is ours"
  domain      = var.hostname
  type        = "PER_PROJECT_RECORD"
  labels      = local.tags
}

resource "google_certificate_manager_certificate" "edge" {
  project     = var.project
  location    = local.location
  name        = "${var.name}-edge"
  description = "Certificate of ${var.hostname}"
  scope       = "DEFAULT"
  labels      = local.tags

  managed {
    domains            = [var.hostname]
    dns_authorizations = [google_certificate_manager_dns_authorization.edge.id]
  }
}

resource "google_compute_region_url_map" "edge" {
  project         = var.project
  region          = local.location
  name            = "${var.name}-edge"
  default_service = var.backend_service
}

resource "google_compute_region_target_https_proxy" "edge" {
  project                          = var.project
  region                           = local.location
  name                             = "${var.name}-edge"
  url_map                          = google_compute_region_url_map.edge.id
  ssl_policy                       = google_compute_region_ssl_policy.edge.id
  certificate_manager_certificates = [google_certificate_manager_certificate.edge.id]
}

resource "google_compute_address" "edge" {
  project      = var.project
  region       = local.location
  name         = "${var.name}-edge"
  address_type = "EXTERNAL"
  network_tier = "STANDARD"
  labels       = local.tags
}

resource "google_compute_forwarding_rule" "edge" {
  project               = var.project
  region                = local.location
  name                  = "${var.name}-edge"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  network               = var.network_id
  network_tier          = "STANDARD"
  ip_address            = google_compute_address.edge.address
  ip_protocol           = "TCP"
  port_range            = "443"
  target                = google_compute_region_target_https_proxy.edge.id
  labels                = local.tags
}
