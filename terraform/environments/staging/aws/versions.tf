terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.66"
    }
  }

  # The bucket is made by environments/staging/state/aws: inside the boundary, encrypted with our key, versioned, closed. The lock is an
  # object beside the state. Bucket names are global: change it here, or give `terraform init -backend-config=bucket=...`.
  backend "s3" {
    bucket       = "maily-stg-state"
    key          = "aws.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.data_residency.primary
  allowed_account_ids = [var.account_id]
}
