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

/// The cluster of an environment, and whether it is the one on this machine.
pub(super) fn reach(environment: Environment, context: Option<&str>) -> Result<(Kubectl, bool)> {
    let layout = Layout::new();
    if context.is_none() && environment == Environment::Dev && layout.kubeconfig().exists() {
        return Ok((Kubectl::cluster(&layout), true));
    }
    let name = context.map_or_else(|| format!("maily-{environment}"), ToOwned::to_owned);
    if !belongs(&name, environment) {
        return Err(format!(
            "the context {name} does not belong to {environment}: its name has to be maily-{environment} or begin with maily-{environment}-"
        ));
    }
    let known = Kubectl::any().output(&["config", "get-contexts", "--output=name"])?;
    match known.lines().any(|known| known == name) {
        true => Ok((Kubectl::context(&name), false)),
        false => Err(format!(
            "your kubeconfig has no context {name}; `cargo xtask cluster up` starts a cluster for dev"
        )),
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
