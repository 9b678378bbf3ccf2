mock_provider "aws" {}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  address_space  = "10.42.0.0/16"
  egress         = { images = { fqdns = ["registry.example.com"], reason = "Base images are mirrored from here" } }
  fallback       = { enabled = false }
  log_sink       = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
}

run "deny_by_default" {
  command = plan

  assert {
    condition     = contains(aws_networkfirewall_firewall_policy.this.firewall_policy[0].stateful_default_actions, "aws:drop_established")
    error_message = "What no rule passes must be dropped."
  }

  assert {
    condition     = strcontains(aws_networkfirewall_rule_group.egress.rule_group[0].rules_source[0].rules_string, "registry.example.com") && strcontains(aws_networkfirewall_rule_group.egress.rule_group[0].rules_source[0].rules_string, "Base images are mirrored from here")
    error_message = "A rule must name its host and its reason."
  }

  assert {
    condition     = !strcontains(aws_networkfirewall_rule_group.egress.rule_group[0].rules_source[0].rules_string, "fireworks")
    error_message = "The fallback must not be let out unless it is enabled."
  }

  assert {
    condition     = aws_networkfirewall_firewall.this.delete_protection && aws_networkfirewall_firewall.this.subnet_change_protection && aws_networkfirewall_firewall.this.firewall_policy_change_protection
    error_message = "The firewall must be protected."
  }

  assert {
    condition     = aws_route53_resolver_firewall_rule.rest.action == "BLOCK" && contains(aws_route53_resolver_firewall_domain_list.all.domains, "*")
    error_message = "Names that are not listed must not resolve."
  }

  assert {
    condition     = aws_route53_resolver_firewall_config.spoke.firewall_fail_open == "DISABLED"
    error_message = "The resolver must fail closed."
  }

  assert {
    condition     = aws_ec2_transit_gateway.this.default_route_table_association == "disable" && aws_ec2_transit_gateway.this.auto_accept_shared_attachments == "disable"
    error_message = "Spokes must not learn routes by themselves."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.cluster : !subnet.map_public_ip_on_launch])
    error_message = "Nodes must have no public address."
  }

  assert {
    condition     = alltrue([for log in aws_flow_log.this : log.traffic_type == "ALL"]) && length(aws_flow_log.this) == 2
    error_message = "All traffic of hub and spoke must be logged."
  }

  assert {
    condition     = length(aws_shield_protection.nat) == 0
    error_message = "DDoS protection is an option."
  }
}

run "contract" {
  command = apply

  assert {
    condition     = can(tostring(output.network_id)) && can(tostring(output.cluster_subnet_id)) && can(tostring(output.endpoint_subnet_id)) && can(tostring(output.egress_address)) && can(tomap(output.dns_zones))
    error_message = "The outputs must be as the contract says."
  }

  assert {
    condition     = output.egress["images"].reason == "Base images are mirrored from here"
    error_message = "The list of what is let out must say why."
  }

  assert {
    condition     = length(output.cluster_zone_subnet_ids) == 2
    error_message = "There must be a subnet in each zone."
  }
}

run "a_wildcard_matches_below_only" {
  command = plan

  variables {
    egress = { images = { fqdns = ["*.example.com"], reason = "Base images are mirrored from here" } }
  }

  assert {
    condition     = strcontains(aws_networkfirewall_rule_group.egress.rule_group[0].rules_source[0].rules_string, "dotprefix; content:\".example.com\"; endswith;")
    error_message = "A leading *. must match names below it only."
  }
}

run "fallback_outside_the_boundary_is_refused" {
  command = plan

  variables {
    fallback = { enabled = true }
  }

  expect_failures = [terraform_data.residency]
}

run "fallback_inside_the_boundary_is_let_out" {
  command = plan

  variables {
    fallback       = { enabled = true }
    location       = "us-east-2"
    data_residency = { boundary = "us", clouds = ["aws"], primary = "us-east-2" }
    log_sink       = { id = "arn:aws:logs:us-east-2:123456789012:log-group:/maily/test", location = "us-east-2" }
  }

  assert {
    condition     = strcontains(aws_networkfirewall_rule_group.egress.rule_group[0].rules_source[0].rules_string, "api.fireworks.ai")
    error_message = "An enabled fallback inside the boundary must be let out."
  }
}

run "ddos_protection_is_an_option" {
  command = plan

  variables {
    ddos_protection = true
  }

  assert {
    condition     = length(aws_shield_protection.nat) == 3
    error_message = "Each public address must be protected."
  }
}

run "letting_everything_out_is_refused" {
  command = plan

  variables {
    egress = { all = { fqdns = ["*"], reason = "because it is easier so" } }
  }

  expect_failures = [var.egress]
}

run "an_entry_without_a_reason_is_refused" {
  command = plan

  variables {
    egress = { images = { fqdns = ["registry.example.com"], reason = "" } }
  }

  expect_failures = [var.egress]
}

run "another_size_is_refused" {
  command = plan

  variables {
    address_space = "10.42.0.0/20"
  }

  expect_failures = [var.address_space]
}

run "outside_the_boundary_is_refused" {
  command = plan

  variables {
    location = "us-east-1"
  }

  expect_failures = [terraform_data.residency]
}

run "a_neighbouring_boundary_is_refused" {
  command = plan

  variables {
    location = "eu-west-2"
  }

  expect_failures = [terraform_data.residency]
}

run "a_cloud_not_named_is_refused" {
  command = plan

  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "eu-central-1", secondary = "eu-west-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "logs_outside_are_refused" {
  command = plan

  variables {
    log_sink = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "us-east-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_log_id_outside_is_refused" {
  command = plan

  variables {
    log_sink = { id = "arn:aws:logs:us-east-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
  }

  expect_failures = [terraform_data.residency]
}

run "a_bad_name_is_refused" {
  command = plan

  variables {
    name = "Maily_Test"
  }

  expect_failures = [var.name]
}
