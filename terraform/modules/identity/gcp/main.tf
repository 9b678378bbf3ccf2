# A service account for each service, taken with the cluster's token and nothing else: no keys. What an account may do is given
# by the module that owns the thing (storage, redis); here it gets nothing.
locals {
  # GKE's issuer says whose cluster it is; the pool of that project is the one its tokens are taken from.
  issuer = try(regex("^https://container[.]googleapis[.]com/v1/projects/([^/]+)/locations/([^/]+)/clusters/([^/]+)$", var.oidc_issuer_url), ["", "", ""])
}

resource "google_service_account" "service" {
  for_each = var.services

  project                      = var.project
  account_id                   = substr("${var.name}-${each.key}", 0, 30)
  display_name                 = "${var.name}: ${each.key}"
  description                  = "${each.value.namespace}/${each.value.service_account}"
  disabled                     = false
  create_ignore_already_exists = false

  lifecycle {
    precondition {
      condition     = local.issuer[0] == var.project && startswith(local.issuer[1], local.location)
      error_message = "${module.residency.article}: the issuer \"${var.oidc_issuer_url}\" is not a GKE cluster of ${var.project} in ${local.location}."
    }
  }
}

resource "google_service_account_iam_member" "workload" {
  for_each = var.services

  service_account_id = google_service_account.service[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.project}.svc.id.goog[${each.value.namespace}/${each.value.service_account}]"
}
