# Google Cloud regions inside a boundary. `pair` is the second half of a dual-region, null where the boundary has none.
# The multi-region EU leaves London and Zurich out, so it is inside `eu`; ASIA is inside no boundary.
locals {
  gcp = {
    europe-central2   = { boundary = "eu", zones = true, pair = "europe-west3" }
    europe-north1     = { boundary = "eu", zones = true, pair = "europe-west4" }
    europe-north2     = { boundary = "eu", zones = true, pair = "europe-north1" }
    europe-southwest1 = { boundary = "eu", zones = true, pair = "europe-west1" }
    europe-west1      = { boundary = "eu", zones = true, pair = "europe-west4" }
    europe-west10     = { boundary = "eu", zones = true, pair = "europe-west3" }
    europe-west12     = { boundary = "eu", zones = true, pair = "europe-west8" }
    europe-west3      = { boundary = "eu", zones = true, pair = "europe-west4" }
    europe-west4      = { boundary = "eu", zones = true, pair = "europe-west1" }
    europe-west8      = { boundary = "eu", zones = true, pair = "europe-west12" }
    europe-west9      = { boundary = "eu", zones = true, pair = "europe-west1" }

    europe-west2 = { boundary = "uk", zones = true, pair = null }

    europe-west6 = { boundary = "ch", zones = true, pair = null }

    us-central1 = { boundary = "us", zones = true, pair = "us-east1" }
    us-east1    = { boundary = "us", zones = true, pair = "us-central1" }
    us-east4    = { boundary = "us", zones = true, pair = "us-central1" }
    us-east5    = { boundary = "us", zones = true, pair = "us-central1" }
    us-south1   = { boundary = "us", zones = true, pair = "us-central1" }
    us-west1    = { boundary = "us", zones = true, pair = "us-central1" }
    us-west2    = { boundary = "us", zones = true, pair = "us-west1" }
    us-west3    = { boundary = "us", zones = true, pair = "us-west1" }
    us-west4    = { boundary = "us", zones = true, pair = "us-west1" }

    northamerica-northeast1 = { boundary = "ca", zones = true, pair = "northamerica-northeast2" }
    northamerica-northeast2 = { boundary = "ca", zones = true, pair = "northamerica-northeast1" }

    australia-southeast1 = { boundary = "au", zones = true, pair = "australia-southeast2" }
    australia-southeast2 = { boundary = "au", zones = true, pair = "australia-southeast1" }

    southamerica-east1 = { boundary = "br", zones = true, pair = null }

    asia-south1 = { boundary = "in", zones = true, pair = "asia-south2" }
    asia-south2 = { boundary = "in", zones = true, pair = "asia-south1" }

    asia-northeast1 = { boundary = "jp", zones = true, pair = "asia-northeast2" }
    asia-northeast2 = { boundary = "jp", zones = true, pair = "asia-northeast1" }

    asia-northeast3 = { boundary = "kr", zones = true, pair = null }

    asia-southeast1 = { boundary = "sg", zones = true, pair = null }

    africa-south1 = { boundary = "za", zones = true, pair = null }
  }

  # Multi-regions that lie inside a boundary as a whole.
  gcp_multi_regions = { eu = "EU", us = "US" }
}
