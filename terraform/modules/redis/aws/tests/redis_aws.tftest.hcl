mock_provider "aws" {}

variables {
  name              = "maily-test"
  location          = "eu-central-1"
  data_residency    = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership         = { owner = "platform", environment = "dev", data_class = "restricted" }
  network_id        = "vpc-1"
  client_cidr       = "10.42.128.0/17"
  subnet_id         = "subnet-1"
  zone_subnet_ids   = ["subnet-2"]
  size              = "cache.r7g.large"
  high_availability = true
  persistence       = false
  key_id            = "arn:aws:kms:eu-central-1:123456789012:key/k"
  clients           = { orchestrator = "arn:aws:iam::123456789012:role/maily-test-storage" }
  log_sink          = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
}

run "identity_and_tls_only" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required"
    error_message = "Every connection must be TLS."
  }

  assert {
    condition     = aws_elasticache_user.service["orchestrator"].authentication_mode[0].type == "iam"
    error_message = "Clients must log in with IAM."
  }

  assert {
    condition     = startswith(aws_elasticache_user.default.access_string, "off")
    error_message = "The default user must be off."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled == "true" && aws_elasticache_replication_group.this.kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/k"
    error_message = "Data at rest must be encrypted with our key."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 2
    error_message = "A replica in another zone must take over."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 0
    error_message = "Nothing may outlive a restart."
  }

  assert {
    condition     = output.authentication == "identity" && output.tls && output.port == 6379
    error_message = "The outputs must be as the contract says."
  }
}

run "persistence_is_an_option" {
  command = plan

  variables {
    persistence = true
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 1
    error_message = "Persistence must keep a snapshot."
  }
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "arn:aws:kms:us-east-1:123456789012:key/k"
  }

  expect_failures = [aws_elasticache_replication_group.this]
}

run "a_user_is_refused" {
  command = plan

  variables {
    clients = { bob = "arn:aws:iam::123456789012:user/bob" }
  }

  expect_failures = [var.clients]
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
