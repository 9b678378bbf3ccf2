# Google's services resolve to their private address, so images, objects and keys never take the internet.
locals {
  zones = {
    storage  = { domain = "googleapis.com.", apex = "restricted.googleapis.com." }
    registry = { domain = "pkg.dev.", apex = "pkg.dev." }
  }
  addresses = [for number in range(4) : cidrhost(local.google, number)]
}

resource "google_dns_managed_zone" "this" {
  # checkov:skip=CKV_GCP_16:DNSSEC signs public zones only; these are private
  for_each = local.zones

  project       = var.project
  name          = "${var.name}-${each.key}"
  dns_name      = each.value.domain
  description   = "Private address of ${each.value.domain}"
  visibility    = "private"
  force_destroy = false
  labels        = local.tags

  private_visibility_config {
    networks {
      network_url = google_compute_network.spoke.id
    }
  }
}

resource "google_dns_record_set" "address" {
  for_each = local.zones

  project      = var.project
  managed_zone = google_dns_managed_zone.this[each.key].name
  name         = each.value.apex
  type         = "A"
  ttl          = 300
  rrdatas      = local.addresses
}

resource "google_dns_record_set" "every" {
  for_each = local.zones

  project      = var.project
  managed_zone = google_dns_managed_zone.this[each.key].name
  name         = "*.${each.value.domain}"
  type         = "CNAME"
  ttl          = 300
  rrdatas      = [each.value.apex]
}

resource "google_dns_policy" "this" {
  project                   = var.project
  name                      = var.name
  description               = "Logs every question"
  enable_inbound_forwarding = false
  enable_logging            = true

  networks {
    network_url = google_compute_network.spoke.id
  }
}
