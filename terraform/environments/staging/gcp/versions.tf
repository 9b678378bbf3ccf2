terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8.0"
    }
  }

  # The bucket is made by environments/staging/state/gcp: inside the boundary, encrypted with our key, versioned, closed. The lock is an
  # object beside the state. Bucket names are global: change it here, or give `terraform init -backend-config=bucket=...`.
  backend "gcs" {
    bucket = "maily-stg-state"
    prefix = "gcp"
  }
}

provider "google" {
  project = var.project
  region  = var.data_residency.primary
}
