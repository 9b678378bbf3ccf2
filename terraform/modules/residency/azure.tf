# Public Azure regions inside a boundary. `pair` is the region that Azure itself copies to (GRS, GZRS): it is not
# ours to choose, and it may lie outside the boundary. Regions of another boundary or of none are not listed.
locals {
  azure = {
    austriaeast        = { boundary = "eu", zones = true, pair = null }
    belgiumcentral     = { boundary = "eu", zones = true, pair = null }
    denmarkeast        = { boundary = "eu", zones = true, pair = null }
    francecentral      = { boundary = "eu", zones = true, pair = "francesouth" }
    francesouth        = { boundary = "eu", zones = false, pair = "francecentral" }
    germanynorth       = { boundary = "eu", zones = false, pair = "germanywestcentral" }
    germanywestcentral = { boundary = "eu", zones = true, pair = "germanynorth" }
    italynorth         = { boundary = "eu", zones = true, pair = null }
    northeurope        = { boundary = "eu", zones = true, pair = "westeurope" }
    norwayeast         = { boundary = "eu", zones = true, pair = "norwaywest" }
    norwaywest         = { boundary = "eu", zones = false, pair = "norwayeast" }
    polandcentral      = { boundary = "eu", zones = true, pair = null }
    spaincentral       = { boundary = "eu", zones = true, pair = null }
    swedencentral      = { boundary = "eu", zones = true, pair = "swedensouth" }
    swedensouth        = { boundary = "eu", zones = false, pair = "swedencentral" }
    westeurope         = { boundary = "eu", zones = true, pair = "northeurope" }

    uksouth = { boundary = "uk", zones = true, pair = "ukwest" }
    ukwest  = { boundary = "uk", zones = false, pair = "uksouth" }

    switzerlandnorth = { boundary = "ch", zones = true, pair = "switzerlandwest" }
    switzerlandwest  = { boundary = "ch", zones = false, pair = "switzerlandnorth" }

    centralus      = { boundary = "us", zones = true, pair = "eastus2" }
    eastus         = { boundary = "us", zones = true, pair = "westus" }
    eastus2        = { boundary = "us", zones = true, pair = "centralus" }
    northcentralus = { boundary = "us", zones = false, pair = "southcentralus" }
    southcentralus = { boundary = "us", zones = true, pair = "northcentralus" }
    westcentralus  = { boundary = "us", zones = false, pair = "westus2" }
    westus         = { boundary = "us", zones = false, pair = "eastus" }
    westus2        = { boundary = "us", zones = true, pair = "westcentralus" }
    westus3        = { boundary = "us", zones = true, pair = "eastus" }

    canadacentral = { boundary = "ca", zones = true, pair = "canadaeast" }
    canadaeast    = { boundary = "ca", zones = false, pair = "canadacentral" }

    australiacentral   = { boundary = "au", zones = false, pair = "australiacentral2" }
    australiacentral2  = { boundary = "au", zones = false, pair = "australiacentral" }
    australiaeast      = { boundary = "au", zones = true, pair = "australiasoutheast" }
    australiasoutheast = { boundary = "au", zones = false, pair = "australiaeast" }

    brazilsouth     = { boundary = "br", zones = true, pair = "southcentralus" }
    brazilsoutheast = { boundary = "br", zones = false, pair = "brazilsouth" }

    centralindia    = { boundary = "in", zones = true, pair = "southindia" }
    jioindiacentral = { boundary = "in", zones = false, pair = "jioindiawest" }
    jioindiawest    = { boundary = "in", zones = false, pair = "jioindiacentral" }
    southindia      = { boundary = "in", zones = false, pair = "centralindia" }
    westindia       = { boundary = "in", zones = false, pair = "southindia" }

    japaneast = { boundary = "jp", zones = true, pair = "japanwest" }
    japanwest = { boundary = "jp", zones = true, pair = "japaneast" }

    koreacentral = { boundary = "kr", zones = true, pair = "koreasouth" }
    koreasouth   = { boundary = "kr", zones = false, pair = "koreacentral" }

    southeastasia = { boundary = "sg", zones = true, pair = "eastasia" }

    southafricanorth = { boundary = "za", zones = true, pair = "southafricawest" }
    southafricawest  = { boundary = "za", zones = false, pair = "southafricanorth" }
  }
}
