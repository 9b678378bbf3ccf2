# ElastiCache Valkey. Who connects proves an IAM role; there is no password, not even an unused one.
resource "aws_elasticache_user" "default" {
  # ElastiCache wants a user named default in each group. This one is off and knows nothing.
  region        = local.location
  user_id       = "${var.name}-default"
  user_name     = "default"
  engine        = "valkey"
  access_string = "off -@all"
  tags          = local.tags

  authentication_mode {
    type = "no-password-required"
  }
}

resource "aws_elasticache_user" "service" {
  for_each = var.clients

  region  = local.location
  user_id = "${var.name}-${each.key}"
  # With IAM the name must be the id.
  user_name     = "${var.name}-${each.key}"
  engine        = "valkey"
  access_string = "on ~* &* +@all -@admin -@dangerous"
  tags          = merge(local.tags, { service = each.key })

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  region        = local.location
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = concat([aws_elasticache_user.default.user_id], [for user in aws_elasticache_user.service : user.user_id])
  tags          = local.tags
}

resource "aws_iam_role_policy" "connect" {
  for_each = var.clients

  name = "${var.name}-connect"
  role = element(split("/", each.value), length(split("/", each.value)) - 1)
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "elasticache:Connect"
      Resource = [aws_elasticache_replication_group.this.arn, aws_elasticache_user.service[each.key].arn]
    }]
  })
}

resource "aws_elasticache_subnet_group" "this" {
  region      = local.location
  name        = var.name
  description = "Private subnets of the cache"
  subnet_ids  = concat([var.subnet_id], var.zone_subnet_ids)
  tags        = local.tags
}

resource "aws_elasticache_parameter_group" "this" {
  region      = local.location
  name        = var.name
  family      = "valkey8"
  description = "Evicts what was used least: everything here may be lost"
  tags        = local.tags

  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }
}

resource "aws_security_group" "this" {
  region      = local.location
  name        = "${var.name}-cache"
  description = "Clients of the cache"
  vpc_id      = var.network_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  region            = local.location
  security_group_id = aws_security_group.this.id
  description       = "Valkey over TLS from the spoke"
  cidr_ipv4         = var.client_cidr
  ip_protocol       = "tcp"
  from_port         = 6379
  to_port           = 6379
  tags              = local.tags
}

resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV_AWS_31:a token is a password; users log in with IAM (user_group_ids), which a token would exclude
  region                     = local.location
  replication_group_id       = var.name
  description                = "Rate limits, caches, fan-out: nothing that may not be lost"
  engine                     = "valkey"
  engine_version             = "8.1"
  node_type                  = var.size
  port                       = 6379
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]
  num_cache_clusters         = var.high_availability ? 2 : 1
  automatic_failover_enabled = var.high_availability
  multi_az_enabled           = var.high_availability
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = "true"
  kms_key_id                 = var.key_id
  snapshot_retention_limit   = var.persistence ? 1 : 0
  auto_minor_version_upgrade = "true"
  apply_immediately          = false
  maintenance_window         = "sun:02:00-sun:04:00"
  tags                       = local.tags

  dynamic "log_delivery_configuration" {
    for_each = toset(["engine-log", "slow-log"])
    content {
      destination      = element(split(":", var.log_sink.id), 6)
      destination_type = "cloudwatch-logs"
      log_format       = "json"
      log_type         = log_delivery_configuration.value
    }
  }

  lifecycle {
    precondition {
      condition     = try(split(":", var.key_id)[3] == local.location, false)
      error_message = "${module.residency.article}: the key \"${var.key_id}\" is not in ${local.location}."
    }
  }
}
