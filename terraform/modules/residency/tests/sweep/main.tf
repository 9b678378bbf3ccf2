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
  all      = merge(values(local.countries)...)
  classes = {
    azure = ["LRS", "ZRS", "GRS", "RAGRS", "GZRS", "RAGZRS", "zone", "geo"]
    aws   = ["SRR", "CRR", "zone", "geo"]
    gcp   = ["REGION", "DUAL_REGION", "MULTI_REGION", "zone", "geo"]
  }[var.cloud]
  copying = ["GRS", "RAGRS", "GZRS", "RAGZRS", "CRR", "DUAL_REGION", "geo"]
}

# Each region inside as the primary, with every replication class at once: a violation for each class that may not be.
module "primary" {
  source   = "../.."
  for_each = toset(local.expected)

  cloud          = var.cloud
  data_residency = { boundary = var.boundary, clouds = ["azure", "aws", "gcp"], primary = each.key }
  replication    = { for class in local.classes : "copy-${class}" => class }
}

# All regions at once, those of the other clouds too: a violation for each that is outside.
module "placement" {
  source = "../.."

  cloud          = var.cloud
  data_residency = { boundary = var.boundary, clouds = ["azure", "aws", "gcp"], primary = local.expected[0] }
  placements     = { for region in keys(local.all) : "placement-${region}" => region }
}

locals {
  refused = { for region in keys(local.all) : region => [for sentence in module.placement.violations : sentence if strcontains(sentence, ": placement-${region} \"${region}\" is outside")] }
  copies = { for region, judged in module.primary : region => {
    for class in local.classes : class => !anytrue([for sentence in judged.violations : strcontains(sentence, ": copy-${class} \"")])
  } }
  # Where a copy of this region goes: on Azure to its pair, elsewhere to the secondary.
  target = { for region, judged in module.primary : region => var.cloud == "azure" ? lookup(local.paired, region, "none") : coalesce(judged.secondary, "none") }
}

output "accepted" {
  description = "The regions of this cloud, or of another, that were accepted."
  value       = sort([for region, sentences in local.refused : region if length(sentences) == 0])
}

output "expected" {
  description = "The regions of this cloud whose country is inside the boundary."
  value       = local.expected
}

output "explained" {
  description = "Whether each refusal is one sentence that begins with the article."
  value       = alltrue([for sentences in values(local.refused) : length(sentences) <= 1 && alltrue([for sentence in sentences : startswith(sentence, "${module.placement.article}: ")])])
}

output "primaries_refused" {
  description = "Regions inside that were refused as primary; must be empty."
  value       = [for region, judged in module.primary : region if anytrue([for sentence in judged.violations : strcontains(sentence, ": primary ")])]
}

output "copies_outside" {
  description = "Accepted copies, of region and class, that leave the boundary; must be empty."
  value       = flatten([for region, classes in local.copies : [for class, accepted in classes : "${region} ${class}" if accepted && contains(local.copying, class) && !contains(local.expected, local.target[region])]])
}

output "copies_refused" {
  description = "Refused copies that would have stayed inside, and refused classes that don't copy; must be empty."
  value = flatten([for region, classes in local.copies : [for class, accepted in classes : "${region} ${class}" if !accepted && (
    contains(local.copying, class) ? contains(local.expected, local.target[region]) && !contains(["GZRS", "RAGZRS"], class) : !contains(["ZRS", "MULTI_REGION"], class)
  )]])
}

output "pairs_differ" {
  description = "Azure regions whose pair in the module is not Azure's (null where that is outside); must be empty."
  value = var.cloud != "azure" ? [] : [for region in local.expected : region
    if(contains(local.expected, local.target[region]) ? local.target[region] : "none") != coalesce(module.primary[region].pair, "none")
  ]
}
