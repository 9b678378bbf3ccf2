mock_provider "aws" {
  mock_resource "aws_vpc_endpoint" {
    defaults = { dns_entry = [{ dns_name = "vpce.example.com", hosted_zone_id = "Z2" }] }
  }
}

variables {
  name           = "maily-test"
  location       = "eu-central-1"
  data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-west-1" }
  ownership      = { owner = "platform", environment = "dev", data_class = "restricted" }
  account_id     = "123456789012"
  network_id     = "vpc-1"
  client_cidr    = "10.42.128.0/17"
  subnet_id      = "subnet-1"
  dns_zone_id    = "Z1"
  buckets = {
    audit = { cool_days = 30, archive_days = 120, retention_days = 3650, immutable_days = 2555, locked = true, legal_hold = ["case-7"] }
    mail  = { data_class = "confidential", retention_days = 400 }
  }
  replication      = "geo"
  soft_delete_days = 30
  key_id           = "arn:aws:kms:eu-central-1:123456789012:key/k"
  replica_key_id   = "arn:aws:kms:eu-west-1:123456789012:key/k"
  clients          = { storage = { principal = "arn:aws:iam::123456789012:role/maily-test-storage", buckets = { mail = "write", audit = "read" } } }
  log_sink         = { id = "arn:aws:logs:eu-central-1:123456789012:log-group:/maily/test", location = "eu-central-1" }
}

run "closed_and_encrypted" {
  command = apply

  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "No bucket may be public."
  }

  assert {
    condition     = alltrue([for config in aws_s3_bucket_server_side_encryption_configuration.this : alltrue([for rule in config.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:eu-central-1:123456789012:key/k"])])
    error_message = "Objects must be encrypted with our key."
  }

  assert {
    condition     = alltrue([for config in aws_s3_bucket_versioning.this : config.versioning_configuration[0].status == "Enabled"])
    error_message = "Every version must be kept for a while."
  }

  assert {
    condition     = alltrue([for policy in aws_s3_bucket_policy.this : alltrue([for sid in ["TlsOnly", "NoOldTls", "NoStandingKeys", "OurKeyOnly", "ObjectsThroughTheEndpointOnly"] : contains([for statement in jsondecode(policy.policy).Statement : statement.Sid if statement.Effect == "Deny"], sid)])])
    error_message = "A bucket lacks one of its refusals."
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_s3_bucket_policy.this["audit"].policy).Statement : statement.Sid], "LegalHold") && !contains([for statement in jsondecode(aws_s3_bucket_policy.this["mail"].policy).Statement : statement.Sid], "LegalHold")
    error_message = "Only the held bucket is held."
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this["audit"].rule[0].default_retention[0].mode == "COMPLIANCE" && aws_s3_bucket_object_lock_configuration.this["audit"].rule[0].default_retention[0].days == 2555
    error_message = "The audit bucket must be immutable for good."
  }

  assert {
    condition     = aws_cloudtrail.this.enable_log_file_validation && aws_cloudtrail.this.enable_logging
    error_message = "Who read what must be on record."
  }

  assert {
    condition     = output.replication.class == "CRR" && alltrue([for region in output.replication.regions : contains(["eu-central-1", "eu-west-1"], region)])
    error_message = "Copies must stay inside the boundary."
  }

  assert {
    condition     = length(output.buckets) == 2 && can(tostring(output.id)) && startswith(output.endpoint, "https://")
    error_message = "The outputs must be as the contract says."
  }
}

run "a_reader_can_t_write" {
  command = apply

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.client["storage"].policy).Statement : !contains(flatten([statement.Action]), "s3:PutObject") if strcontains(jsonencode(statement.Resource), "/*") && length(flatten([statement.Action])) == 1])
    error_message = "Reading must not be writing."
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.client["storage"].policy, "s3:*")
    error_message = "A client must get single actions."
  }
}

run "zone_copies_nothing" {
  command = plan

  variables {
    replication    = "zone"
    replica_key_id = null
  }

  assert {
    condition     = length(aws_s3_bucket.copy) == 0 && length(output.replication.regions) == 1
    error_message = "Nothing may leave the region."
  }
}

run "geo_without_a_second_region_is_refused" {
  command = plan

  variables {
    location       = "eu-west-2"
    data_residency = { boundary = "uk", clouds = ["aws"], primary = "eu-west-2" }
    key_id         = "arn:aws:kms:eu-west-2:123456789012:key/k"
    log_sink       = { id = "arn:aws:logs:eu-west-2:123456789012:log-group:/maily/test", location = "eu-west-2" }
  }

  expect_failures = [terraform_data.residency]
}

run "geo_without_its_key_is_refused" {
  command = plan

  variables {
    replica_key_id = null
  }

  expect_failures = [aws_s3_bucket.this]
}

run "a_key_elsewhere_is_refused" {
  command = plan

  variables {
    key_id = "arn:aws:kms:us-east-1:123456789012:key/k"
  }

  expect_failures = [terraform_data.residency]
}

run "deletion_before_immutability_s_end_is_refused" {
  command = plan

  variables {
    buckets = { audit = { retention_days = 30, immutable_days = 60 }, mail = {} }
  }

  expect_failures = [var.buckets]
}

run "another_access_is_refused" {
  command = plan

  variables {
    clients = { storage = { principal = "arn:aws:iam::123456789012:role/maily-test-storage", buckets = { mail = "own" } } }
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
