# The route of a packet that leaves: cluster, transit gateway, firewall of its zone, NAT of its zone, internet.
resource "aws_ec2_transit_gateway" "this" {
  region                             = local.location
  description                        = "${var.name}: hub and spokes"
  auto_accept_shared_attachments     = "disable"
  default_route_table_association    = "disable"
  default_route_table_propagation    = "disable"
  dns_support                        = "enable"
  vpn_ecmp_support                   = "disable"
  multicast_support                  = "disable"
  security_group_referencing_support = "disable"
  tags                               = local.tags
}

resource "aws_ec2_transit_gateway_vpc_attachment" "hub" {
  region                                          = local.location
  transit_gateway_id                              = aws_ec2_transit_gateway.this.id
  vpc_id                                          = aws_vpc.hub.id
  subnet_ids                                      = [for zone in keys(local.zones) : aws_subnet.hub["transit-${zone}"].id]
  appliance_mode_support                          = "enable"
  dns_support                                     = "enable"
  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false
  tags                                            = local.tags
}

resource "aws_ec2_transit_gateway_vpc_attachment" "spoke" {
  region                                          = local.location
  transit_gateway_id                              = aws_ec2_transit_gateway.this.id
  vpc_id                                          = aws_vpc.spoke.id
  subnet_ids                                      = [for subnet in aws_subnet.transit : subnet.id]
  appliance_mode_support                          = "disable"
  dns_support                                     = "enable"
  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false
  tags                                            = local.tags
}

resource "aws_ec2_transit_gateway_route_table" "this" {
  for_each = toset(["hub", "spoke"])

  region             = local.location
  transit_gateway_id = aws_ec2_transit_gateway.this.id
  tags               = merge(local.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_ec2_transit_gateway_route_table_association" "this" {
  for_each = {
    hub   = aws_ec2_transit_gateway_vpc_attachment.hub.id
    spoke = aws_ec2_transit_gateway_vpc_attachment.spoke.id
  }

  region                         = local.location
  transit_gateway_attachment_id  = each.value
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this[each.key].id
}

# The spoke knows the hub only; the hub knows the way back. Spokes don't know each other.
resource "aws_ec2_transit_gateway_route" "out" {
  region                         = local.location
  destination_cidr_block         = "0.0.0.0/0"
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.hub.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this["spoke"].id
}

resource "aws_ec2_transit_gateway_route" "back" {
  region                         = local.location
  destination_cidr_block         = local.spoke_cidr
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.spoke.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.this["hub"].id
}

resource "aws_internet_gateway" "hub" {
  region = local.location
  vpc_id = aws_vpc.hub.id
  tags   = local.tags
}

resource "aws_eip" "nat" {
  for_each = local.zones

  region = local.location
  domain = "vpc"
  tags   = merge(local.tags, { Name = "${var.name}-nat-${each.key}" })
}

resource "aws_nat_gateway" "this" {
  for_each = local.zones

  region            = local.location
  connectivity_type = "public"
  allocation_id     = aws_eip.nat[each.key].id
  subnet_id         = aws_subnet.hub["public-${each.key}"].id
  tags              = merge(local.tags, { Name = "${var.name}-${each.key}" })
  depends_on        = [aws_internet_gateway.hub]
}

resource "aws_shield_protection" "nat" {
  for_each = var.ddos_protection ? local.zones : {}

  name         = "${var.name}-nat-${each.key}"
  resource_arn = aws_eip.nat[each.key].arn
  tags         = local.tags
}

locals {
  # The firewall's endpoint of each zone.
  gates = { for state in flatten(aws_networkfirewall_firewall.this.firewall_status[*].sync_states) : state.availability_zone => state.attachment[0].endpoint_id }
}

resource "aws_route_table" "cluster" {
  region = local.location
  vpc_id = aws_vpc.spoke.id
  tags   = merge(local.tags, { Name = "${var.name}-cluster" })
}

resource "aws_route" "cluster_out" {
  region                 = local.location
  route_table_id         = aws_route_table.cluster.id
  destination_cidr_block = "0.0.0.0/0"
  transit_gateway_id     = aws_ec2_transit_gateway.this.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.spoke]
}

resource "aws_route_table_association" "cluster" {
  for_each = local.zones

  region         = local.location
  subnet_id      = aws_subnet.cluster[each.key].id
  route_table_id = aws_route_table.cluster.id
}

# Endpoints have no route but the network's own: nothing that listens there can be reached from, or reach, the outside.
resource "aws_route_table" "endpoint" {
  region = local.location
  vpc_id = aws_vpc.spoke.id
  tags   = merge(local.tags, { Name = "${var.name}-endpoint" })
}

resource "aws_route_table_association" "endpoint" {
  for_each = local.zones

  region         = local.location
  subnet_id      = aws_subnet.endpoint[each.key].id
  route_table_id = aws_route_table.endpoint.id
}

resource "aws_route_table" "hub" {
  for_each = toset([for name in keys(aws_subnet.hub) : name])

  region = local.location
  vpc_id = aws_vpc.hub.id
  tags   = merge(local.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_route_table_association" "hub" {
  for_each = aws_route_table.hub

  region         = local.location
  subnet_id      = aws_subnet.hub[each.key].id
  route_table_id = each.value.id
}

resource "aws_route" "to_firewall" {
  for_each = local.zones

  region                 = local.location
  route_table_id         = aws_route_table.hub["transit-${each.key}"].id
  destination_cidr_block = "0.0.0.0/0"
  vpc_endpoint_id        = try(local.gates[each.key], null)
}

resource "aws_route" "to_nat" {
  for_each = local.zones

  region                 = local.location
  route_table_id         = aws_route_table.hub["firewall-${each.key}"].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key].id
}

resource "aws_route" "firewall_back" {
  for_each = local.zones

  region                 = local.location
  route_table_id         = aws_route_table.hub["firewall-${each.key}"].id
  destination_cidr_block = local.spoke_cidr
  transit_gateway_id     = aws_ec2_transit_gateway.this.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.hub]
}

resource "aws_route" "to_internet" {
  for_each = local.zones

  region                 = local.location
  route_table_id         = aws_route_table.hub["public-${each.key}"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.hub.id
}

resource "aws_route" "answers" {
  for_each = local.zones

  region                 = local.location
  route_table_id         = aws_route_table.hub["public-${each.key}"].id
  destination_cidr_block = local.spoke_cidr
  vpc_endpoint_id        = try(local.gates[each.key], null)
}
