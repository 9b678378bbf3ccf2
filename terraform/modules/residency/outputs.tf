output "violations" {
  description = "One sentence for each thing outside the boundary, with the article and the offending value; empty where all is inside."
  value       = local.violations
}

output "inside" {
  description = "Whether nothing is outside the boundary."
  value       = length(local.violations) == 0
}

output "message" {
  description = "The violations as one text, for a precondition's error_message."
  value       = length(local.violations) == 0 ? "inside the ${local.boundary} boundary" : join("\n", local.violations)
}

output "boundary" {
  description = "The boundary's name."
  value       = local.boundary
}

output "law" {
  description = "The law of the boundary."
  value       = local.boundaries[local.boundary].law
}

output "article" {
  description = "The article that a transfer out of the boundary would have to meet."
  value       = local.article
}

output "regions" {
  description = "Every region of the cloud inside the boundary, sorted."
  value       = local.regions
}

output "primary" {
  description = "The region the data lives in."
  value       = local.primary
}

output "secondary" {
  description = "The region copies may go to: the one given, or the pair, or another of the boundary; null where the boundary has only one region."
  value       = local.secondary
}

output "pair" {
  description = "The primary's pair region where it is inside the boundary, otherwise null."
  value       = local.pair
}

output "zoned" {
  description = "The regions inside the boundary that have availability zones."
  value       = sort([for name in local.regions : name if local.table[name].zones])
}

output "replication_classes" {
  description = "The cloud's replication classes that keep every copy of the primary inside the boundary."
  value       = local.classes
}

output "replication" {
  description = "The cloud's own class for the portable names zone and geo; geo is null where it would leave the boundary."
  value       = local.portable
}

output "multi_region" {
  description = "The Google Cloud multi-region inside the boundary, otherwise null."
  value       = var.cloud == "gcp" ? lookup(local.gcp_multi_regions, local.boundary, null) : null
}

output "processors" {
  description = "Outside endpoints that may be used inside this boundary."
  value       = sort([for host, boundaries in local.processors : host if contains(boundaries, local.boundary)])
}

output "boundaries" {
  description = "All boundaries, each with its law and article."
  value       = local.boundaries
}

output "tags" {
  description = "Tags (Google: labels) that every resource carries: residency, owner, environment, data class."
  value = {
    residency   = local.boundary
    owner       = var.ownership.owner
    environment = var.ownership.environment
    data-class  = var.ownership.data_class
    managed-by  = "terraform"
  }
}

output "geo" {
  description = "The regions inside the boundary whose pair region is inside it too, so that a geo-redundant copy stays inside."
  value       = sort([for name in local.regions : name if try(contains(local.regions, local.table[name].pair), false)])
}
