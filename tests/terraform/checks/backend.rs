//! Where the state is kept: the s3 backend as `environments/dev/aws` has it, against a stand-in for S3. A lock of somebody
//! else is respected; the state is encrypted, and holds no secret.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests, where a panic is the failure"
)]

use std::{fs, path::PathBuf, process::Command};

use maily_arm::Arm;
use maily_terraform_tests::{
    copy::Copy,
    moto::Moto,
    run::{Ended, run, terraform},
    say,
};
use maily_testkit::cache;

const SECRET: &str = "not-for-any-state-7f3a";
const BUCKET: &str = "/maily-dev-state";
const STATE: &str = "/maily-dev-state/aws.tfstate";
const LOCK: &str = "/maily-dev-state/aws.tfstate.tflock";

/// A root beside the others, with the backend of `environments/dev/aws` and a configuration of the test's.
struct Probe {
    copy: Copy,
    dir: PathBuf,
    moto: Moto,
}

impl Probe {
    fn new(configuration: &str) -> Self {
        let (copy, moto) = (Copy::new(), Moto::start());
        let versions = fs::read_to_string(copy.root("dev", "aws").join("versions.tf")).unwrap();
        let (_, backend) = versions.split_once("backend \"s3\"").expect("a backend");
        let backend = format!("backend \"s3\"{}}}", backend.split_once('}').expect("its end").0);
        let dir = copy.tree().join("environments/probe");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("main.tf"), format!("terraform {{\n  {backend}\n}}\n{configuration}")).unwrap();
        assert!(moto.ask("PUT", BUCKET, "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>").is_ok());
        let probe = Self { copy, dir, moto };
        // Only what has to differ because this is no AWS.
        let flags = ["use_path_style", "skip_credentials_validation", "skip_requesting_account_id"];
        let flags = flags.map(|flag| format!("-backend-config={flag}=true"));
        let mut arguments = vec!["init", "-input=false", "-no-color"];
        arguments.extend(flags.iter().map(String::as_str));
        let _ = run(&mut probe.terraform(&arguments)).expect(0);
        probe
    }

    fn terraform(&self, arguments: &[&str]) -> Command {
        let mut command = terraform(&self.dir, arguments);
        command.envs(self.moto.environment());
        command
    }

    fn apply(&self) -> Ended {
        run(&mut self.terraform(&["apply", "-auto-approve", "-input=false", "-no-color"]))
    }
}

#[test]
fn a_foreign_lock_is_respected() {
    let probe = Probe::new("resource \"terraform_data\" \"one\" {\n  input = 1\n}\n");
    let _ = probe.apply().expect(0);
    let before = probe.moto.ask("GET", STATE, "").body;
    assert!(!probe.moto.ask("GET", LOCK, "").is_ok(), "the apply has left its lock");

    let lock = r#"{"ID":"8c1f0f4e-0000-0000-0000-000000000000","Operation":"OperationTypeApply","Info":"","Who":"somebody@elsewhere","Version":"1.11.4","Created":"2026-11-01T00:00:00Z","Path":"maily-dev-state/aws.tfstate"}"#;
    assert!(probe.moto.ask("PUT", LOCK, lock).is_ok());
    let refused = probe.apply().expect(1);
    assert!(refused.err.contains("Error acquiring the state lock"), "{}", refused.err);
    assert!(refused.err.contains("somebody@elsewhere"), "who holds it is not told: {}", refused.err);
    assert_eq!(probe.moto.ask("GET", STATE, "").body, before, "the state was written under a foreign lock");
    assert_eq!(probe.moto.ask("GET", LOCK, "").body, lock, "the foreign lock was touched");

    assert!(probe.moto.ask("DELETE", LOCK, "").is_ok());
    let _ = probe.apply().expect(0);
    say("a foreign lock is respected, and named");
}

#[test]
fn the_state_of_an_azure_vault_is_encrypted_and_holds_no_secret() {
    let _ = cache::needed(cache::azurerm());
    let probe = Probe::new(KEYS);
    let arm = Arm::start(probe.copy.beside());
    let plan = probe.dir.join("secret.tfplan");
    let with_secrets = |arguments: &[&str]| {
        let mut command = probe.terraform(arguments);
        command.envs(arm.environment()).env("TF_VAR_secrets", format!("{{ fireworks = \"{SECRET}\" }}"));
        run(&mut command).expect(0)
    };
    let _ = with_secrets(&["plan", "-input=false", "-no-color", &format!("-out={}", plan.display())]);
    let shown = with_secrets(&["show", "-json", &plan.display().to_string()]);
    let _ = with_secrets(&["apply", "-auto-approve", "-input=false", "-no-color", "-parallelism=60"]);

    let state = probe.moto.ask("GET", STATE, "");
    assert!(state.body.contains("azurerm_key_vault_secret"), "the secret was not made: {}", state.body);
    assert!(state.head.contains("x-amz-server-side-encryption:"), "not encrypted: {}", state.head);
    for (what, text) in [("the state", &state.body), ("the plan", &shown.out)] {
        assert!(!text.contains(SECRET), "{what} holds the secret");
    }
    let again = with_secrets(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
    assert!(again.out.contains("No changes"), "{}", again.out);
    say(format_args!("{} bytes of state, encrypted, without the secret", state.body.len()));
}

/// The module that keeps secrets, alone: it is what could leak one.
const KEYS: &str = r#"
terraform {
  required_providers {
    azurerm = {
      source = "hashicorp/azurerm"
    }
  }
}

provider "azurerm" {
  resource_provider_registrations = "none"
  features {}
}

variable "secrets" {
  type      = map(string)
  ephemeral = true
  sensitive = true
}

module "keys" {
  source = "../../modules/keys"

  name                = "maily-probe"
  location            = "westeurope"
  resource_group_name = "rg-maily-probe"
  data_residency      = { boundary = "eu", clouds = ["azure"], primary = "westeurope" }
  ownership           = { owner = "platform", environment = "dev", data_class = "internal" }
  log_sink            = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w", location = "westeurope" }
  tenant_id           = "22222222-2222-2222-2222-222222222222"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/endpoints"
  dns_zone_id         = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
  secrets             = var.secrets
  secret_versions     = { fireworks = 1 }
}
"#;
