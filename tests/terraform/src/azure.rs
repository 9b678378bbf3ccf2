//! Azure's roots against the stand-in: a copy of the tree, the real provider, and nothing else that it could reach.

use std::{process::Command, slice};

use maily_arm::Arm;
use maily_testkit::{Provider, cache, program};
use serde_json::Value;

use crate::{
    copy::Copy,
    providers::collects_less,
    run::{Ended, mirrored, run, terraform, xtask},
};

/// One environment on a stand-in of its own.
pub struct Azure {
    /// The stand-in.
    pub arm: Arm,
    /// The tree that it is applied from.
    pub copy: Copy,
    /// dev, staging or prod.
    pub environment: &'static str,
    /// The provider, where it runs already; or else each command of Terraform's starts its own, as at a user's.
    provider: Option<Provider>,
}

impl Azure {
    /// Starts a stand-in for this environment.
    ///
    /// # Panics
    /// The provider is not there.
    #[must_use]
    pub fn start(environment: &'static str) -> Self {
        let _ = cache::needed(cache::azurerm());
        let copy = Copy::new();
        let arm = Arm::start(copy.beside());
        let _ = copy.local_root(environment, "azure");
        Self { arm, copy, environment, provider: None }
    }

    /// The same, with a provider that runs already.
    #[must_use]
    pub fn attached(environment: &'static str) -> Self {
        let mut azure = Self::start(environment);
        azure.attach();
        azure
    }

    /// Starts the provider; from now on all commands use this one.
    ///
    /// # Panics
    /// It does not start.
    pub fn attach(&mut self) {
        let settings = [self.arm.environment(), collects_less().to_vec()].concat();
        self.provider = Some(Provider::start(&cache::azurerm(), &settings).unwrap());
    }

    /// `cargo xtask terraform ENVIRONMENT …` that knows the stand-in.
    #[must_use]
    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = xtask(&self.copy.tree(), &[&[self.environment], arguments].concat());
        command.envs(self.settings());
        command
    }

    /// `cargo xtask deploy ENVIRONMENT …` that knows the stand-in, and no cluster.
    #[must_use]
    pub fn deploy(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("maily-xtask"));
        command.args(["deploy", self.environment]).args(arguments).arg("--terraform").arg(self.copy.tree());
        command.envs(self.settings()).env("KUBECONFIG", self.copy.beside().join("no-kubeconfig"));
        mirrored(command)
    }

    /// Terraform in the environment's root.
    #[must_use]
    pub fn terraform(&self, arguments: &[&str]) -> Command {
        let mut command = terraform(&self.copy.root(self.environment, "azure"), arguments);
        command.envs(self.settings());
        command
    }

    /// The provider waits minutes for Azure to become consistent, after each resource: many wait at once.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.arm.environment();
        settings.push(("TF_CLI_ARGS_apply", "-parallelism=60".to_owned()));
        settings.extend(collects_less());
        let provider = self.provider.as_ref().map(slice::from_ref);
        settings.extend(provider.map(|provider| (Provider::ATTACH, Provider::attach(provider))));
        settings
    }

    /// Applies to the end.
    ///
    /// # Panics
    /// It failed.
    #[must_use]
    pub fn apply(&self) -> Ended {
        run(&mut self.xtask(&["apply", "--yes"])).expect(0)
    }

    /// The drift report: exit code and JSON.
    #[must_use]
    pub fn drift(&self) -> (i32, Value) {
        let ended = run(&mut self.xtask(&["drift", "--cloud", "azure"]));
        (ended.code, ended.json())
    }

    /// Destroys to the end.
    ///
    /// # Panics
    /// It failed, or something is left.
    pub fn destroy(&self) {
        let _ = run(&mut self.xtask(&["destroy", "--confirm", self.environment])).expect(0);
        assert_eq!(self.arm.ids(), Vec::<String>::new());
        let list = run(&mut self.terraform(&["state", "list"]));
        assert_eq!(list.out, "", "the state still has something");
    }

    /// Fails the test if the provider asked for something that the stand-in does not know.
    ///
    /// # Panics
    /// It did.
    pub fn expect_known(&self) {
        assert_eq!(self.arm.unknown(), Vec::<String>::new());
    }
}
