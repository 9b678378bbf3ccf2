# Decides; never creates. Callers put `violations` into a precondition, so that a plan outside the boundary fails.
locals {
  boundary = var.data_residency.boundary
  article  = local.boundaries[local.boundary].article
  table    = { azure = local.azure, aws = local.aws, gcp = local.gcp }[var.cloud]
  regions  = sort([for name, region in local.table : name if region.boundary == local.boundary])

  primary  = var.data_residency.primary
  record   = try(local.table[local.primary], { boundary = "none", zones = false, pair = null })
  pair     = try(contains(local.regions, local.record.pair), false) ? local.record.pair : null
  others   = [for name in local.regions : name if name != local.primary]
  fallback = try(coalesce(local.pair, try(local.others[0], null)), null)
  # On AWS and Google the second region is ours to choose; on Azure storage copies to the pair and nowhere else.
  secondary = try(coalesce(var.data_residency.secondary, local.fallback), null)
  copies_to = var.cloud == "azure" ? local.record.pair : local.secondary
  geo       = try(contains(local.regions, local.copies_to), false)

  classes = {
    azure = concat(["LRS"], local.record.zones ? ["ZRS"] : [], local.geo ? ["GRS", "RAGRS"] : [], local.geo && local.record.zones ? ["GZRS", "RAGZRS"] : [])
    aws   = concat(["SRR"], local.geo ? ["CRR"] : [])
    gcp   = concat(["REGION"], local.geo ? ["DUAL_REGION"] : [], contains(keys(local.gcp_multi_regions), local.boundary) ? ["MULTI_REGION"] : [])
  }[var.cloud]
  # What the portable names mean for this region; null where the boundary does not have it.
  portable = {
    zone = { azure = local.record.zones ? "ZRS" : "LRS", aws = "SRR", gcp = "REGION" }[var.cloud]
    geo  = local.geo ? { azure = local.record.zones ? "GZRS" : "GRS", aws = "CRR", gcp = "DUAL_REGION" }[var.cloud] : null
  }
}

locals {
  placements = merge({ primary = local.primary }, var.data_residency.secondary == null ? {} : { secondary = var.data_residency.secondary }, var.placements)
  hosts      = { for what, endpoint in var.endpoints : what => lower(try(regex("^(?:https://)?([^/:?#]+)", endpoint)[0], endpoint)) }

  violations = concat(
    contains(var.data_residency.clouds, var.cloud) ? [] : [
      "${local.article}: cloud \"${var.cloud}\" is not among the clouds allowed to hold the data (${join(", ", var.data_residency.clouds)})."
    ],
    [for what, region in local.placements :
      "${local.article}: ${what} \"${region}\" is outside the ${local.boundary} boundary of ${var.cloud} (inside: ${join(", ", local.regions)})."
      if !contains(local.regions, region)
    ],
    var.data_residency.secondary == local.primary ? [
      "${local.article}: secondary \"${local.primary}\" is the primary region; a copy beside the original is none."
    ] : [],
    [for what, class in var.replication :
      "${local.article}: ${what} \"${class}\" of ${local.primary} would copy to ${local.copies_to == null ? "no region" : local.copies_to}; the ${local.boundary} boundary of ${var.cloud} allows ${join(", ", local.classes)} there."
      if !contains(local.classes, try(local.portable[class], class) == null ? "" : try(local.portable[class], class))
    ],
    [for what, host in local.hosts :
      "${local.article}: ${what} \"${host}\" is not known to process inside the ${local.boundary} boundary."
      if !contains(try(local.processors[host], []), local.boundary)
    ],
  )
}
