# A spoke without any way to the internet, and a hub that is the only way out: spoke, transit gateway, firewall, NAT.
locals {
  zones = { for index, zone in var.zones : "${local.location}${zone}" => index }

  # /16: the hub takes the first /20, the spoke the upper half.
  hub_cidr     = cidrsubnet(var.address_space, 4, 0)
  spoke_cidr   = cidrsubnet(var.address_space, 1, 1)
  hub_subnets  = { firewall = 0, public = 4, transit = 8 }
  spoke_subnet = { for zone, index in local.zones : zone => cidrsubnet(local.spoke_cidr, 3, index) }
  endpoint_net = { for zone, index in local.zones : zone => cidrsubnet(cidrsubnet(local.spoke_cidr, 3, 6), 3, index) }
  transit_net  = { for zone, index in local.zones : zone => cidrsubnet(cidrsubnet(local.spoke_cidr, 3, 7), 9, index) }
}

resource "aws_vpc" "hub" {
  region               = local.location
  cidr_block           = local.hub_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = "${var.name}-hub" })
}

resource "aws_vpc" "spoke" {
  region               = local.location
  cidr_block           = local.spoke_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = "${var.name}-spoke" })
}

# A rule-less default group: what forgets to name its group reaches nothing.
resource "aws_default_security_group" "hub" {
  region = local.location
  vpc_id = aws_vpc.hub.id
  tags   = local.tags
}

resource "aws_default_security_group" "spoke" {
  region = local.location
  vpc_id = aws_vpc.spoke.id
  tags   = local.tags
}

resource "aws_subnet" "cluster" {
  for_each = local.spoke_subnet

  region                  = local.location
  vpc_id                  = aws_vpc.spoke.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-cluster-${each.key}", "kubernetes.io/role/internal-elb" = "1" })
}

resource "aws_subnet" "endpoint" {
  for_each = local.endpoint_net

  region                  = local.location
  vpc_id                  = aws_vpc.spoke.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-endpoint-${each.key}" })
}

resource "aws_subnet" "transit" {
  for_each = local.transit_net

  region                  = local.location
  vpc_id                  = aws_vpc.spoke.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-transit-${each.key}" })
}

resource "aws_subnet" "hub" {
  for_each = merge([for use, first in local.hub_subnets : { for zone, index in local.zones : "${use}-${zone}" => { use = use, zone = zone, number = first + index } }]...)

  region                  = local.location
  vpc_id                  = aws_vpc.hub.id
  availability_zone       = each.value.zone
  cidr_block              = cidrsubnet(local.hub_cidr, 4, each.value.number)
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-${each.key}" })
}

# The subnets' packet filter: nothing but the spoke itself and answers from outside comes in, and no Windows or SSH port.
resource "aws_network_acl" "spoke" {
  region     = local.location
  vpc_id     = aws_vpc.spoke.id
  subnet_ids = concat([for subnet in aws_subnet.cluster : subnet.id], [for subnet in aws_subnet.endpoint : subnet.id])
  tags       = merge(local.tags, { Name = "${var.name}-spoke" })

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = local.spoke_cidr
    from_port  = 0
    to_port    = 0
  }
  ingress {
    rule_no    = 200
    action     = "deny"
    protocol   = "tcp"
    cidr_block = "0.0.0.0/0"
    from_port  = 3389
    to_port    = 3389
  }
  ingress {
    rule_no    = 300
    action     = "allow"
    protocol   = "tcp"
    cidr_block = "0.0.0.0/0"
    from_port  = 1024
    to_port    = 65535
  }
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = local.spoke_cidr
    from_port  = 0
    to_port    = 0
  }
  dynamic "egress" {
    for_each = local.ports
    content {
      rule_no    = 200 + index(local.ports, egress.value)
      action     = "allow"
      protocol   = "tcp"
      cidr_block = "0.0.0.0/0"
      from_port  = egress.value
      to_port    = egress.value
    }
  }
}
