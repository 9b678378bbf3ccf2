//! Azure's roots against the stand-in: a copy of the tree, the real provider, and nothing else that it could reach.

use std::process::Command;

use maily_arm::Arm;
use serde_json::Value;

use crate::{
    copy::Copy,
    run::{Ended, run, terraform, xtask, xtask_program},
};

/// One environment on a stand-in of its own.
pub struct Azure {
    /// The stand-in.
    pub arm: Arm,
    /// The tree that it is applied from.
    pub copy: Copy,
    /// dev, staging or prod.
    pub environment: &'static str,
}

impl Azure {
    /// Starts a stand-in for this environment.
    #[must_use]
    pub fn start(environment: &'static str) -> Self {
        let copy = Copy::new();
        let arm = Arm::start(copy.beside());
        let _ = copy.local_root(environment, "azure");
        Self { arm, copy, environment }
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
        let mut command = Command::new(xtask_program());
        command.args(["deploy", self.environment]).args(arguments).arg("--terraform").arg(self.copy.tree());
        command.envs(self.settings()).env("KUBECONFIG", self.copy.beside().join("no-kubeconfig"));
        command
    }

    /// The provider waits minutes for Azure to become consistent, after each resource: many wait at once.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = self.arm.environment();
        settings.push(("TF_CLI_ARGS_apply", "-parallelism=60".to_owned()));
        // Go collects garbage less often: memory is there, processors are not.
        settings.push(("GOGC", "400".to_owned()));
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
        let root = self.copy.root(self.environment, "azure");
        let list = run(terraform(&root, &["state", "list"]).envs(self.arm.environment()));
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
