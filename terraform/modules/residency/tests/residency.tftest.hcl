# What the module says, one rule at a time; the sweeps are in *_sweep.tftest.hcl.
variables {
  cloud          = "azure"
  data_residency = { boundary = "eu", clouds = ["azure"], primary = "westeurope", secondary = "northeurope" }
}

run "inside" {
  command = plan

  assert {
    condition     = output.inside && length(output.violations) == 0 && output.article == "GDPR Article 44"
    error_message = "westeurope with northeurope is inside eu: ${output.message}"
  }
}

run "each_boundary_has_its_law_and_article" {
  command = plan

  assert {
    condition     = length(output.boundaries) == 12 && alltrue([for b in values(output.boundaries) : length(b.law) > 10 && length(b.article) > 8])
    error_message = "a boundary lacks its law or its article"
  }
  assert {
    condition     = length(distinct([for b in values(output.boundaries) : b.article])) == 12
    error_message = "two boundaries cite the same article"
  }
}

run "unknown_boundary_refused" {
  command = plan
  variables { data_residency = { boundary = "mars", clouds = ["azure"], primary = "westeurope" } }
  expect_failures = [var.data_residency]
}

run "unknown_cloud_in_list_refused" {
  command = plan
  variables { data_residency = { boundary = "eu", clouds = ["azure", "oracle"], primary = "westeurope" } }
  expect_failures = [var.data_residency]
}

run "empty_cloud_list_refused" {
  command = plan
  variables { data_residency = { boundary = "eu", clouds = [], primary = "westeurope" } }
  expect_failures = [var.data_residency]
}

run "unknown_cloud_refused" {
  command = plan
  variables { cloud = "oracle" }
  expect_failures = [var.cloud]
}

run "cloud_that_may_not_hold_the_data" {
  command = plan
  variables {
    cloud          = "gcp"
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "europe-west4" }
  }

  assert {
    condition     = length(output.violations) == 1 && output.violations[0] == "GDPR Article 44: cloud \"gcp\" is not among the clouds allowed to hold the data (azure)."
    error_message = output.message
  }
}

run "primary_outside" {
  command = plan
  variables { data_residency = { boundary = "eu", clouds = ["azure"], primary = "uksouth" } }

  assert {
    condition     = length(output.violations) == 1 && startswith(output.violations[0], "GDPR Article 44: primary \"uksouth\" is outside the eu boundary of azure")
    error_message = output.message
  }
}

run "secondary_outside" {
  command = plan
  variables { data_residency = { boundary = "ch", clouds = ["azure"], primary = "switzerlandnorth", secondary = "westeurope" } }

  assert {
    condition     = length(output.violations) == 1 && startswith(output.violations[0], "FADP Article 16: secondary \"westeurope\" is outside the ch boundary of azure")
    error_message = output.message
  }
}

run "secondary_is_the_primary" {
  command = plan
  variables { data_residency = { boundary = "eu", clouds = ["azure"], primary = "westeurope", secondary = "westeurope" } }

  assert {
    condition     = length(output.violations) == 1 && strcontains(output.violations[0], "a copy beside the original is none")
    error_message = output.message
  }
}

run "a_region_is_matched_exactly" {
  command = plan
  variables { placements = { a = "WestEurope", b = "West Europe", c = "westeurope ", d = "", e = "westeurop", f = "global" } }

  assert {
    condition     = length(output.violations) == 6
    error_message = "only the programmatic name may pass: ${output.message}"
  }
}

run "another_clouds_region_is_outside" {
  command = plan
  variables { placements = { location = "eu-west-1" } }

  assert {
    condition     = length(output.violations) == 1
    error_message = "an AWS region is no place on Azure"
  }
}

run "every_violation_is_told" {
  command = plan
  variables {
    data_residency = { boundary = "uk", clouds = ["aws"], primary = "westeurope", secondary = "eastus" }
    placements     = { "backup vault" = "francecentral" }
    replication    = { storage = "GRS" }
    endpoints      = { fallback = "api.fireworks.ai" }
  }

  assert {
    condition     = length(output.violations) == 6 && alltrue([for violation in output.violations : startswith(violation, "UK GDPR Article 44A: ")])
    error_message = "six things are outside: ${output.message}"
  }
}

run "pair_outside_the_boundary_forbids_geo" {
  command = plan
  variables {
    data_residency = { boundary = "br", clouds = ["azure"], primary = "brazilsouth" }
    replication    = { storage = "geo" }
  }

  assert {
    condition     = length(output.violations) == 1 && strcontains(output.violations[0], "would copy to southcentralus") && startswith(output.violations[0], "LGPD Article 33")
    error_message = output.message
  }
  assert {
    condition     = jsonencode(output.replication_classes) == jsonencode(["LRS", "ZRS"]) && output.pair == null && output.secondary == "brazilsoutheast"
    error_message = "brazilsouth copies to Texas: only its own classes may stay"
  }
}

run "singapore_may_not_copy_to_hong_kong" {
  command = plan
  variables {
    data_residency = { boundary = "sg", clouds = ["azure"], primary = "southeastasia" }
    replication    = { storage = "GRS" }
  }

  assert {
    condition     = length(output.violations) == 1 && strcontains(output.violations[0], "eastasia") && output.secondary == null
    error_message = output.message
  }
}

run "no_pair_no_geo" {
  command = plan
  variables {
    data_residency = { boundary = "eu", clouds = ["azure"], primary = "polandcentral" }
    replication    = { storage = "geo" }
  }

  assert {
    condition     = length(output.violations) == 1 && strcontains(output.violations[0], "would copy to no region")
    error_message = output.message
  }
}

run "zone_class_follows_the_zones" {
  command = plan
  variables { data_residency = { boundary = "uk", clouds = ["azure"], primary = "ukwest" } }

  assert {
    condition     = output.replication.zone == "LRS" && output.replication.geo == "GRS" && jsonencode(output.zoned) == jsonencode(["uksouth"])
    error_message = "ukwest has no zones"
  }
}

run "zone_class_with_zones" {
  command = plan

  assert {
    condition     = output.replication.zone == "ZRS" && output.replication.geo == "GZRS" && contains(output.zoned, "westeurope")
    error_message = "westeurope has zones and a pair"
  }
}

run "aws_copies_where_it_is_told" {
  command = plan
  variables {
    cloud          = "aws"
    data_residency = { boundary = "eu", clouds = ["aws"], primary = "eu-central-1", secondary = "eu-north-1" }
    replication    = { storage = "CRR" }
  }

  assert {
    condition     = output.inside && output.secondary == "eu-north-1" && output.replication.geo == "CRR"
    error_message = output.message
  }
}

run "aws_boundary_of_one_region_has_no_geo" {
  command = plan
  variables {
    cloud          = "aws"
    data_residency = { boundary = "uk", clouds = ["aws"], primary = "eu-west-2" }
    replication    = { storage = "geo" }
  }

  assert {
    condition     = length(output.violations) == 1 && output.secondary == null && output.replication.geo == null
    error_message = output.message
  }
}

run "gcp_multi_region_inside" {
  command = plan
  variables {
    cloud          = "gcp"
    data_residency = { boundary = "eu", clouds = ["gcp"], primary = "europe-west4" }
    replication    = { storage = "MULTI_REGION" }
  }

  assert {
    condition     = output.inside && output.multi_region == "EU"
    error_message = output.message
  }
}

run "gcp_multi_region_outside" {
  command = plan
  variables {
    cloud          = "gcp"
    data_residency = { boundary = "ch", clouds = ["gcp"], primary = "europe-west6" }
    replication    = { storage = "MULTI_REGION" }
  }

  assert {
    condition     = length(output.violations) == 1 && output.multi_region == null
    error_message = "the multi-region EU leaves Zurich: ${output.message}"
  }
}

run "unknown_replication_class_refused" {
  command = plan
  variables { replication = { storage = "CRR" } }

  assert {
    condition     = length(output.violations) == 1 && strcontains(output.violations[0], "\"CRR\"")
    error_message = "CRR is no class of Azure"
  }
}

run "fallback_endpoint_outside" {
  command = plan
  variables { endpoints = { "inference fallback" = "https://api.fireworks.ai/inference/v1" } }

  assert {
    condition     = jsonencode(output.violations) == jsonencode(["GDPR Article 44: inference fallback \"api.fireworks.ai\" is not known to process inside the eu boundary."])
    error_message = output.message
  }
}

run "fallback_endpoint_inside" {
  command = plan
  variables {
    data_residency = { boundary = "us", clouds = ["azure"], primary = "eastus2" }
    endpoints      = { "inference fallback" = "API.fireworks.ai" }
  }

  assert {
    condition     = output.inside && jsonencode(output.processors) == jsonencode(["api.fireworks.ai"])
    error_message = output.message
  }
}

run "unknown_endpoints_refused_everywhere" {
  command = plan
  variables {
    data_residency = { boundary = "us", clouds = ["azure"], primary = "eastus2" }
    endpoints      = { a = "api.example.com", b = "api.fireworks.ai.example.com", c = "https://evil.example/api.fireworks.ai", d = "user@api.fireworks.ai", e = "" }
  }

  assert {
    condition     = length(output.violations) == 5
    error_message = "an endpoint the table does not know may not pass: ${output.message}"
  }
}

run "tags_carry_residency_owner_and_class" {
  command = plan
  variables { ownership = { owner = "growth", environment = "prod", data_class = "confidential" } }

  assert {
    condition     = output.tags.residency == "eu" && output.tags.owner == "growth" && output.tags.environment == "prod" && output.tags.data-class == "confidential"
    error_message = "tags: ${jsonencode(output.tags)}"
  }
}

run "owner_refused" {
  command = plan
  variables { ownership = { owner = "Growth Team", environment = "prod", data_class = "restricted" } }
  expect_failures = [var.ownership]
}

run "environment_refused" {
  command = plan
  variables { ownership = { owner = "growth", environment = "production", data_class = "restricted" } }
  expect_failures = [var.ownership]
}

run "data_class_refused" {
  command = plan
  variables { ownership = { owner = "growth", environment = "prod", data_class = "secret" } }
  expect_failures = [var.ownership]
}
