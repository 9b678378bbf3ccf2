# Puts every region of a cloud before the module, as the primary region and as a placement, and each replication class in each
# region; says what it accepted and what geography expects.
variable "cloud" {
  description = "The cloud whose regions are swept."
  type        = string
}

variable "boundary" {
  description = "The boundary they are judged by."
  type        = string
}

locals {
  regions  = local.countries[var.cloud]
  expected = sort([for region, country in local.regions : region if contains(local.members[var.boundary], country)])
  others   = merge([for cloud, regions in local.countries : regions if cloud != var.cloud]...)
  classes = {
    azure = ["LRS", "ZRS", "GRS", "RAGRS", "GZRS", "RAGZRS", "zone", "geo"]
    aws   = ["SRR", "CRR", "zone", "geo"]
    gcp   = ["REGION", "DUAL_REGION", "MULTI_REGION", "zone", "geo"]
  }[var.cloud]
  copying = ["GRS", "RAGRS", "GZRS", "RAGZRS", "CRR", "DUAL_REGION", "geo"]
}

module "primary" {
  source   = "../.."
  for_each = local.regions

  cloud          = var.cloud
  data_residency = { boundary = var.boundary, clouds = ["azure", "aws", "gcp"], primary = each.key }
}

# All regions at once, those of the other clouds too: one violation for each that is outside.
module "placement" {
  source = "../.."

  cloud          = var.cloud
  data_residency = { boundary = var.boundary, clouds = ["azure", "aws", "gcp"], primary = local.expected[0] }
  placements     = { for region in keys(merge(local.others, local.regions)) : "placement-${region}" => region }
}

module "replication" {
  source   = "../.."
  for_each = { for pair in setproduct(local.expected, local.classes) : "${pair[0]} ${pair[1]}" => { region = pair[0], class = pair[1] } }

  cloud          = var.cloud
  data_residency = { boundary = var.boundary, clouds = ["azure", "aws", "gcp"], primary = each.value.region }
  replication    = { "the copy" = each.value.class }
}

output "accepted" {
  description = "The regions accepted as primary."
  value       = sort([for region, judged in module.primary : region if judged.inside])
}

output "expected" {
  description = "The regions whose country is inside the boundary."
  value       = local.expected
}

output "refusals_explained" {
  description = "Whether each refusal names the article and the region."
  value = alltrue([for region, judged in module.primary :
    judged.inside || (length(judged.violations) == 1 && startswith(judged.message, "${judged.article}: ") && strcontains(judged.message, "\"${region}\""))
  ])
}

output "placements_refused" {
  description = "How many placements were refused."
  value       = length(module.placement.violations)
}

output "placements_outside" {
  description = "How many placements are outside."
  value       = length(merge(local.others, local.regions)) - length(local.expected)
}

output "copies_outside" {
  description = "Accepted copies, of region and class, that leave the boundary; must be empty."
  value = [for key, judged in module.replication : key if judged.inside && contains(local.copying, split(" ", key)[1]) && (
    var.cloud == "azure" ?
    !contains(local.expected, lookup(local.paired, split(" ", key)[0], "none")) :
    !contains(local.expected, coalesce(judged.secondary, "none"))
  )]
}

output "local_refused" {
  description = "Refused classes that stay in the region; must be empty but for zones that are not there."
  value       = [for key, judged in module.replication : key if !judged.inside && contains(["LRS", "SRR", "REGION", "zone"], split(" ", key)[1])]
}

output "copies_refused" {
  description = "Refused GRS, CRR and DUAL_REGION, of regions whose copy would have stayed inside; must be empty."
  value = [for key, judged in module.replication : key if !judged.inside && contains(["GRS", "CRR", "DUAL_REGION"], split(" ", key)[1]) && (
    var.cloud == "azure" ? contains(local.expected, lookup(local.paired, split(" ", key)[0], "none")) : length(local.expected) > 1
  )]
}

output "pairs_differ" {
  description = "Azure regions whose pair in the module is not Azure's (null where that is outside); must be empty."
  value = var.cloud != "azure" ? [] : [for region in local.expected : region
    if(contains(local.expected, lookup(local.paired, region, "none")) ? local.paired[region] : "none") != coalesce(module.primary[region].pair, "none")
  ]
}
