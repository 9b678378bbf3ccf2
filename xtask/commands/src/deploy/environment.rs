//! The environments, and which cluster belongs to which.

use std::fmt;

use clap::ValueEnum;

use crate::{cluster::Layout, kubectl::Kubectl, shell::Result};

/// Everything of ours is in this namespace; a cluster holds one environment.
pub(crate) const NAMESPACE: &str = "maily";
/// The namespace's label that says which.
const LABEL: &str = "maily.io/environment";

/// Where Maily is deployed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Environment {
    /// Thrown away and made again.
    Dev,
    /// A rehearsal of prod.
    Staging,
    /// Real people's data.
    Prod,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        })
    }
}

/// The cluster of an environment.
pub(super) struct Cluster {
    pub(super) kubectl: Kubectl,
    /// The context of the user's kubeconfig; none for the cluster on this machine.
    pub(super) context: Option<String>,
}

impl Cluster {
    /// The one on this machine, or the one of a context whose name belongs to the environment.
    pub(super) fn of(environment: Environment, context: Option<&str>) -> Result<Self> {
        let layout = Layout::new();
        if context.is_none() && environment == Environment::Dev && layout.kubeconfig().exists() {
            return Ok(Self { kubectl: Kubectl::cluster(&layout), context: None });
        }
        let name = context.map_or_else(|| format!("maily-{environment}"), ToOwned::to_owned);
        match belongs(&name, environment) {
            true => Ok(Self { kubectl: Kubectl::context(&name), context: Some(name) }),
            false => Err(format!(
                "the context {name} does not belong to {environment}: its name has to be maily-{environment} or begin with maily-{environment}-"
            )),
        }
    }

    pub(super) fn is_local(&self) -> bool {
        self.context.is_none()
    }

    /// Whether the kubeconfig knows it: before Terraform has made it, nothing does.
    pub(super) fn is_known(&self) -> Result<bool> {
        let Some(name) = &self.context else { return Ok(true) };
        let known = Kubectl::any().output(&["config", "get-contexts", "--output=name"])?;
        Ok(known.lines().any(|known| known == name))
    }

    /// Fails unless the kubeconfig knows it.
    pub(super) fn expect_known(&self) -> Result<()> {
        match (self.is_known()?, &self.context) {
            (false, Some(name)) => Err(format!(
                "your kubeconfig has no context {name}; `cargo xtask cluster up` starts a cluster for dev"
            )),
            _ => Ok(()),
        }
    }
}

/// Whether a context's name is of this environment.
fn belongs(context: &str, environment: Environment) -> bool {
    let own = format!("maily-{environment}");
    context == own || context.starts_with(&format!("{own}-"))
}

/// Refuses a cluster that holds another environment, whatever the context is called.
pub(super) fn check_cluster(kubectl: &Kubectl, environment: Environment) -> Result<()> {
    let path = format!("jsonpath={{.metadata.labels.{}}}", LABEL.replace('.', "\\."));
    let found = kubectl.output(&["get", "namespace", NAMESPACE, "--ignore-not-found", "-o", &path])?;
    match found.trim() {
        "" => Ok(()),
        found if found == environment.to_string() => Ok(()),
        found => Err(format!("this cluster holds {found}, not {environment}: refused")),
    }
}

/// Whether our namespace is there.
pub(super) fn exists(kubectl: &Kubectl) -> Result<bool> {
    let found = kubectl.output(&["get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name"])?;
    Ok(!found.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_belongs_by_its_name() {
        assert!(belongs("maily-prod", Environment::Prod) && belongs("maily-prod-eu", Environment::Prod));
        for other in ["maily-dev", "maily-production", "maily", "prod", "kind-maily-prod", ""] {
            assert!(!belongs(other, Environment::Prod), "{other}");
        }
    }
}
