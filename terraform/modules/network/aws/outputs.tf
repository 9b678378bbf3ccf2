output "network_id" {
  description = "The spoke's VPC."
  value       = aws_vpc.spoke.id
}

output "cluster_subnet_id" {
  description = "The cluster's subnet in the first zone."
  value       = aws_subnet.cluster["${local.location}${var.zones[0]}"].id
}

output "cluster_zone_subnet_ids" {
  description = "The cluster's subnets in the further zones."
  value       = [for zone in slice(var.zones, 1, length(var.zones)) : aws_subnet.cluster["${local.location}${zone}"].id]
}

output "endpoint_subnet_id" {
  description = "The private endpoints' subnet in the first zone."
  value       = aws_subnet.endpoint["${local.location}${var.zones[0]}"].id
}

output "endpoint_zone_subnet_ids" {
  description = "The private endpoints' subnets in the further zones."
  value       = [for zone in slice(var.zones, 1, length(var.zones)) : aws_subnet.endpoint["${local.location}${zone}"].id]
}

output "spoke_cidr" {
  description = "Addresses of the spoke."
  value       = local.spoke_cidr
}

output "public_subnet_ids" {
  description = "The hub's public subnets, for the edge."
  value       = [for zone in keys(local.zones) : aws_subnet.hub["public-${zone}"].id]
}

output "hub_id" {
  description = "The hub's VPC."
  value       = aws_vpc.hub.id
}

output "egress_address" {
  description = "Address that the first zone's traffic leaves from."
  value       = aws_eip.nat["${local.location}${var.zones[0]}"].public_ip
}

output "egress_addresses" {
  description = "Every address that traffic leaves from, one for each zone."
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "egress" {
  description = "All that is let out, and why."
  value       = local.egress
}

output "dns_zones" {
  description = "Service to private zone: storage, keys, registry. The cache has none: its own names resolve to addresses in the VPC."
  value       = { for service, zone in aws_route53_zone.this : service => zone.zone_id }
}
