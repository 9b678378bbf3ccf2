//! What the tests run against, by test program: only what the chosen ones need is fetched or built, once.

use std::{collections::BTreeSet, time::Duration};

use maily_testkit::cache;

use super::{choice::Choice, left_out::LeftOut};
use crate::{cluster, compose, fetch, patience, pins, servers, shell::Result, terraform::parts};

/// Something real that tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// The language model.
    Model,
    /// The workflow engine.
    Restate,
    /// Every program of ours.
    Programs,
    Redis,
    Prometheus,
    Vault,
    /// An S3 store over a folder.
    Versitygw,
    /// A stand-in for Azure Blob Storage.
    Azurite,
    /// PyPI's `openai` and `boto3`.
    Clients,
    /// A TLS client in Go.
    GoClient,
    KubernetesValidate,
    Checkov,
    /// Docker, both composes, and what stands in for images.
    Containers,
    /// Kubernetes of one node.
    Cluster,
    TerraformStubs,
    Tflint,
    Moto,
    /// Azure's provider: the longest build, so the last.
    Azurerm,
}

use Need::{
    Azurerm, Azurite, Checkov, Clients, Cluster, Containers, GoClient, KubernetesValidate, Model, Moto,
    Programs, Prometheus, Redis, Restate, TerraformStubs, Tflint, Vault, Versitygw,
};

/// Package, test program (none: any), and what they need.
const TABLE: [(&str, &str, &[Need]); 29] = [
    ("maily-chassis", "", &[Redis]),
    ("maily-compliance", "", &[Redis]),
    ("maily-inference", "", &[Model]),
    ("maily-keys", "", &[Vault]),
    ("maily-model", "", &[Model]),
    ("maily-orchestrator", "", &[Restate]),
    ("maily-recorded", "", STACK),
    ("maily-store", "suite", &[Versitygw, Azurite]),
    ("maily-tests", "bad_input", STACK),
    ("maily-tests", "campaign", STACK),
    ("maily-tests", "campaign", &[Clients]),
    ("maily-tests", "hostile", STACK),
    ("maily-tests", "kills", STACK),
    ("maily-tests", "erasure", STACK),
    ("maily-tests", "erasure", &[Redis]),
    ("maily-tests", "optout", STACK),
    ("maily-tests", "peers", STACK),
    ("maily-tests", "peers", &[Clients]),
    ("maily-tests", "privacy", STACK),
    ("maily-tests", "tls", STACK),
    ("maily-tests", "tls", &[GoClient]),
    ("maily-tests", "vault", STACK),
    ("maily-tests", "vault", &[Redis, Vault]),
    ("maily-compose-tests", "compose", &[Model, Restate, Programs, Redis, Prometheus, Vault, Containers]),
    ("maily-cluster-tests", "admission", &[Cluster, Programs]),
    ("maily-cluster-tests", "deploy", &[Model, Restate, Programs, Prometheus, Vault, Containers, Cluster]),
    ("maily-cluster-tests", "manifests", &[KubernetesValidate, Checkov]),
    ("maily-terraform-tests", "backend", &[Moto, Programs]),
    ("maily-terraform-tests", "", &[Programs, TerraformStubs, Checkov, Tflint, Azurerm]),
];
/// What the Azure provider takes on two cores, beside the build of the tests.
const AZURERM: Duration = Duration::from_secs(30 * 60);
/// A whole stack on this machine.
const STACK: &[Need] = &[Model, Restate, Programs];

/// What the chosen tests need.
pub(super) struct Needs(BTreeSet<Need>);

impl Needs {
    pub(super) fn of(choice: &Choice) -> Self {
        let rows = TABLE.iter().filter(|(package, program, _)| choice.touches(package, program));
        Self(rows.flat_map(|(_, _, needs)| needs.iter().copied()).collect())
    }

    /// Whether our programs have to be built.
    pub(super) fn programs(&self) -> bool {
        self.0.contains(&Programs)
    }

    /// Fetches and builds what is not there yet, but for the Azure provider, whose build is only begun. A build for which
    /// there is no time leaves out the tests that need it; what can't be had for another reason is an error.
    pub(super) fn bring(&self) -> Result<Brought> {
        let mut brought = Brought::default();
        if self.0.contains(&Azurerm) {
            match patience::left() {
                Some(left) if left < AZURERM && !cache::azurerm().exists() => {
                    let why = "the Azure provider is not built yet, and takes longer than there is time; \
                               `cargo xtask test --tier terraform` builds it";
                    brought.left_out.add(parts::AZURERM_TESTS, why);
                }
                _ => brought.azurerm = Some(parts::Azurerm::begin()?),
            }
        }
        for need in &self.0 {
            brought.take(*need, bring(*need))?;
        }
        Ok(brought)
    }
}

/// What could be had, and what not.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) left_out: LeftOut,
    azurerm: Option<parts::Azurerm>,
}

impl Brought {
    /// Waits for the Azure provider, as long as there is time.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some(building) = self.azurerm.take() else { return Ok(()) };
        match building.finish(patience::left()) {
            Err(why) if patience::is_late(&why) => self.left_out.add(parts::AZURERM_TESTS, &why),
            done => drop(done?),
        }
        Ok(())
    }

    /// What there was no time for is left out; any other fault is one.
    fn take(&mut self, need: Need, done: Result<()>) -> Result<()> {
        match done {
            Err(why) if patience::is_late(&why) => self.miss(need, &why),
            done => done?,
        }
        Ok(())
    }

    fn miss(&mut self, need: Need, why: &str) {
        for (package, program, _) in TABLE.iter().filter(|(_, _, needs)| needs.contains(&need)) {
            let program = if program.is_empty() { String::new() } else { format!(" & binary(={program})") };
            self.left_out.add(&format!("package(={package}){program}"), why);
        }
    }
}

fn bring(need: Need) -> Result<()> {
    match need {
        Model => fetch::model(),
        Restate => pins::restate(),
        // Cargo builds the one with the tests, and the other is built beside them.
        Programs | Azurerm => Ok(()),
        Redis => servers::redis(),
        Prometheus => servers::prometheus(),
        Vault => servers::vault(),
        Versitygw => servers::versitygw(),
        Azurite => servers::azurite(),
        Clients => pins::python_program(&pins::PEERS, "python").map(drop),
        GoClient => fetch::go_client(),
        KubernetesValidate => {
            pins::python_program(&pins::KUBERNETES_VALIDATE, "kubernetes-validate").map(drop)
        }
        Checkov => pins::python_program(&pins::CHECKOV, "checkov").map(drop),
        Containers => compose::for_tests(),
        Cluster => cluster::prepare(),
        TerraformStubs => parts::stubs().map(drop),
        Tflint => parts::tflint().map(drop),
        Moto => parts::moto().map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::Tier;

    fn needed(tier: Option<Tier>, filter: &str) -> Vec<Need> {
        let filters: Vec<String> = filter.split_whitespace().map(ToOwned::to_owned).collect();
        Needs::of(&Choice::new(tier, &filters).unwrap()).0.into_iter().collect()
    }

    #[test]
    fn a_crate_of_pure_rules_needs_nothing() {
        assert_eq!(needed(None, "maily-law"), []);
    }

    #[test]
    fn one_program_needs_no_more_than_it_uses() {
        assert_eq!(needed(Some(Tier::Real), "tls"), [Model, Restate, Programs, GoClient]);
        assert_eq!(needed(Some(Tier::Cluster), "manifests"), [KubernetesValidate, Checkov]);
    }

    #[test]
    fn everything_needs_everything() {
        assert_eq!(needed(None, "").len(), 18);
    }

    #[test]
    fn only_lateness_leaves_tests_out() {
        let mut brought = Brought::default();
        assert!(brought.take(Redis, Err("the download failed".to_owned())).is_err());
        assert!(brought.left_out.tests().is_empty());
        brought.take(Redis, Err(patience::late("the next run goes on"))).unwrap();
        assert!(
            brought.left_out.tests().contains(&"package(=maily-chassis)"),
            "{:?}",
            brought.left_out.tests()
        );
    }

    /// A program that is forgotten here fails on a fresh machine only.
    #[test]
    fn every_program_of_the_later_tiers_is_in_the_table() {
        for package in ["tests", "tests/compose", "tests/cluster", "tests/terraform"] {
            let text =
                std::fs::read_to_string(crate::shell::root().join(package).join("Cargo.toml")).unwrap();
            let package =
                text.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap().trim_end_matches('"');
            for program in text.split("[[test]]\nname = \"").skip(1) {
                let program = program.split('"').next().unwrap();
                let known =
                    TABLE.iter().any(|(p, name, _)| *p == package && (name.is_empty() || *name == program));
                assert!(known || ["network", "shared"].contains(&program), "{package} / {program}");
            }
        }
    }
}
