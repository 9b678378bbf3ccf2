# Deny by default, twice: the resolver answers only listed names, and the firewall passes only TLS to listed names.
locals {
  # The provider of the fallback is let out only where the residency table lets it.
  fallback = var.fallback.enabled ? {
    "inference-fallback" = {
      fqdns  = toset([var.fallback.endpoint])
      ports  = toset([443])
      reason = "Inference falls back to ${var.fallback.endpoint} when our own model can't answer"
    }
  } : {}
  egress = merge(var.egress, local.fallback)
  ports  = sort(distinct(flatten([for entry in local.egress : [for port in entry.ports : tostring(port)]])))
  hosts  = sort(distinct(flatten([for entry in local.egress : [for host in entry.fqdns : host]])))

  passes = flatten([for name, entry in local.egress : [for host in entry.fqdns : [for port in entry.ports : {
    name = name, host = host, port = port, reason = replace(entry.reason, "/[^A-Za-z0-9 .,'-]/", " ")
  }]]])
  # A host with a leading *. matches every name below it, another matches itself alone.
  rules = [for number, pass in local.passes : join("", [
    "pass tls $HOME_NET any -> $EXTERNAL_NET ${pass.port} (tls.sni; ",
    startswith(pass.host, "*.") ? "dotprefix; content:\"${substr(pass.host, 1, -1)}\"; endswith; " : "content:\"${pass.host}\"; startswith; endswith; ",
    "nocase; msg:\"${pass.name}: ${pass.reason}\"; flow:to_server,established; sid:${1000001 + number}; rev:1;)",
  ])]
}

resource "aws_networkfirewall_rule_group" "egress" {
  region      = local.location
  name        = "${var.name}-egress"
  description = "What may leave, and why"
  type        = "STATEFUL"
  capacity    = 1000
  tags        = local.tags

  rule_group {
    rule_variables {
      ip_sets {
        key = "HOME_NET"
        ip_set {
          definition = [local.spoke_cidr]
        }
      }
    }
    rules_source {
      # An empty group is refused by AWS; this rule passes nothing.
      rules_string = join("\n", length(local.rules) > 0 ? local.rules : ["drop tls $HOME_NET any -> $EXTERNAL_NET any (msg:\"nothing is let out\"; sid:1000000; rev:1;)"])
    }
    stateful_rule_options {
      rule_order = "STRICT_ORDER"
    }
  }
  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.network.arn
  }
}

resource "aws_networkfirewall_firewall_policy" "this" {
  region = local.location
  name   = var.name
  tags   = local.tags

  firewall_policy {
    stateless_default_actions          = ["aws:forward_to_sfe"]
    stateless_fragment_default_actions = ["aws:drop"]
    stateful_default_actions           = ["aws:drop_established", "aws:alert_established"]

    stateful_engine_options {
      rule_order              = "STRICT_ORDER"
      stream_exception_policy = "DROP"
    }
    stateful_rule_group_reference {
      priority     = 10
      resource_arn = aws_networkfirewall_rule_group.egress.arn
    }
  }
  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.network.arn
  }
}

resource "aws_networkfirewall_firewall" "this" {
  region                            = local.location
  name                              = var.name
  description                       = "The only way out of ${var.name}"
  vpc_id                            = aws_vpc.hub.id
  firewall_policy_arn               = aws_networkfirewall_firewall_policy.this.arn
  delete_protection                 = true
  subnet_change_protection          = true
  firewall_policy_change_protection = true
  tags                              = local.tags

  dynamic "subnet_mapping" {
    for_each = local.zones
    content {
      subnet_id = aws_subnet.hub["firewall-${subnet_mapping.key}"].id
    }
  }
  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = aws_kms_key.network.arn
  }
}

resource "aws_networkfirewall_logging_configuration" "this" {
  region       = local.location
  firewall_arn = aws_networkfirewall_firewall.this.arn

  logging_configuration {
    dynamic "log_destination_config" {
      for_each = toset(["ALERT", "FLOW"])
      content {
        log_type             = log_destination_config.value
        log_destination_type = "CloudWatchLogs"
        log_destination      = { logGroup = element(split(":", var.log_sink.id), 6) }
      }
    }
  }
}

resource "aws_route53_resolver_firewall_domain_list" "allowed" {
  region  = local.location
  name    = "${var.name}-allowed"
  domains = concat(local.hosts, ["*.amazonaws.com", "*.internal"])
  tags    = local.tags
}

resource "aws_route53_resolver_firewall_domain_list" "all" {
  region  = local.location
  name    = "${var.name}-all"
  domains = ["*"]
  tags    = local.tags
}

resource "aws_route53_resolver_firewall_rule_group" "this" {
  region = local.location
  name   = var.name
  tags   = local.tags
}

resource "aws_route53_resolver_firewall_rule" "allowed" {
  region                  = local.location
  name                    = "allowed"
  action                  = "ALLOW"
  priority                = 100
  firewall_rule_group_id  = aws_route53_resolver_firewall_rule_group.this.id
  firewall_domain_list_id = aws_route53_resolver_firewall_domain_list.allowed.id
}

resource "aws_route53_resolver_firewall_rule" "rest" {
  region                  = local.location
  name                    = "rest"
  action                  = "BLOCK"
  block_response          = "NXDOMAIN"
  priority                = 200
  firewall_rule_group_id  = aws_route53_resolver_firewall_rule_group.this.id
  firewall_domain_list_id = aws_route53_resolver_firewall_domain_list.all.id
}

resource "aws_route53_resolver_firewall_rule_group_association" "spoke" {
  region                 = local.location
  name                   = var.name
  firewall_rule_group_id = aws_route53_resolver_firewall_rule_group.this.id
  vpc_id                 = aws_vpc.spoke.id
  priority               = 200
  mutation_protection    = "ENABLED"
  tags                   = local.tags
}

# Fail closed: a resolver firewall that can't answer blocks.
resource "aws_route53_resolver_firewall_config" "spoke" {
  region             = local.location
  resource_id        = aws_vpc.spoke.id
  firewall_fail_open = "DISABLED"
}
