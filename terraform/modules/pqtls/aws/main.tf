# The edge. AWS picks a TLS policy of 2016 where none is named, and no post-quantum one by itself: so it is named here, and
# only policies with ML-KEM and TLS 1.3 are known.
locals {
  policy = "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09"
  groups = ["X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519", "secp256r1", "secp384r1"]
}

resource "aws_security_group" "edge" {
  region      = local.location
  name        = "${var.name}-edge"
  description = "People's clients"
  vpc_id      = var.network_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_cidrs

  region            = local.location
  security_group_id = aws_security_group.edge.id
  description       = "TLS from clients"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "services" {
  region            = local.location
  security_group_id = aws_security_group.edge.id
  description       = "TLS to the services"
  cidr_ipv4         = var.backend_cidr
  ip_protocol       = "tcp"
  from_port         = 8443
  to_port           = 8443
  tags              = local.tags
}

resource "aws_lb" "edge" {
  region                           = local.location
  name                             = "${var.name}-edge"
  load_balancer_type               = "network"
  internal                         = false
  subnets                          = var.subnet_ids
  security_groups                  = [aws_security_group.edge.id]
  enable_deletion_protection       = true
  enable_cross_zone_load_balancing = true
  tags                             = local.tags

  access_logs {
    bucket  = var.log_bucket
    prefix  = "edge"
    enabled = true
  }
}

resource "aws_acm_certificate" "edge" {
  region            = local.location
  domain_name       = var.hostname
  validation_method = "DNS"
  key_algorithm     = "EC_prime256v1"
  tags              = local.tags

  options {
    certificate_transparency_logging_preference = "ENABLED"
  }
  lifecycle {
    create_before_destroy = true
  }
}

# TLS again behind the load balancer: nothing crosses the network in the clear.
resource "aws_lb_target_group" "edge" {
  region               = local.location
  name                 = "${var.name}-edge"
  vpc_id               = var.network_id
  target_type          = "ip"
  protocol             = "TLS"
  port                 = 8443
  preserve_client_ip   = "true"
  deregistration_delay = "60"
  tags                 = local.tags

  health_check {
    enabled             = true
    protocol            = "TCP"
    port                = "traffic-port"
    healthy_threshold   = 3
    unhealthy_threshold = 3
    interval            = 10
  }
}

resource "aws_lb_listener" "edge" {
  region            = local.location
  load_balancer_arn = aws_lb.edge.arn
  port              = 443
  protocol          = "TLS"
  ssl_policy        = local.policy
  certificate_arn   = aws_acm_certificate.edge.arn
  alpn_policy       = "HTTP2Preferred"
  tags              = local.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.edge.arn
  }
}
