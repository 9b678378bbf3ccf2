# Regions of the `aws` partition inside a boundary. AWS copies nothing between regions by itself: `pair` is the one we
# copy to where none is named, null where the boundary has no second region.
locals {
  aws = {
    eu-central-1 = { boundary = "eu", zones = true, pair = "eu-west-1" }
    eu-north-1   = { boundary = "eu", zones = true, pair = "eu-central-1" }
    eu-south-1   = { boundary = "eu", zones = true, pair = "eu-central-1" }
    eu-south-2   = { boundary = "eu", zones = true, pair = "eu-west-3" }
    eu-west-1    = { boundary = "eu", zones = true, pair = "eu-central-1" }
    eu-west-3    = { boundary = "eu", zones = true, pair = "eu-central-1" }

    eu-west-2 = { boundary = "uk", zones = true, pair = null }

    eu-central-2 = { boundary = "ch", zones = true, pair = null }

    us-east-1 = { boundary = "us", zones = true, pair = "us-west-2" }
    us-east-2 = { boundary = "us", zones = true, pair = "us-west-2" }
    us-west-1 = { boundary = "us", zones = true, pair = "us-east-2" }
    us-west-2 = { boundary = "us", zones = true, pair = "us-east-2" }

    ca-central-1 = { boundary = "ca", zones = true, pair = "ca-west-1" }
    ca-west-1    = { boundary = "ca", zones = true, pair = "ca-central-1" }

    ap-southeast-2 = { boundary = "au", zones = true, pair = "ap-southeast-4" }
    ap-southeast-4 = { boundary = "au", zones = true, pair = "ap-southeast-2" }

    sa-east-1 = { boundary = "br", zones = true, pair = null }

    ap-south-1 = { boundary = "in", zones = true, pair = "ap-south-2" }
    ap-south-2 = { boundary = "in", zones = true, pair = "ap-south-1" }

    ap-northeast-1 = { boundary = "jp", zones = true, pair = "ap-northeast-3" }
    ap-northeast-3 = { boundary = "jp", zones = true, pair = "ap-northeast-1" }

    ap-northeast-2 = { boundary = "kr", zones = true, pair = null }

    ap-southeast-1 = { boundary = "sg", zones = true, pair = null }

    af-south-1 = { boundary = "za", zones = true, pair = null }
  }
}
