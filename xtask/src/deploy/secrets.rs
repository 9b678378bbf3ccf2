//! Development keys and certificates, made once per cluster: what `cargo xtask up` makes in a folder, as Secrets.
//!
//! They are only ever in the cluster: whoever deploys next finds them there. Elsewhere Vault issues them.

use std::{fs, path::Path};

use maily_testkit::Service;
use serde_json::{Map, Value, json};

use super::environment::{self, Environment, NAMESPACE};
use crate::{
    kubectl::Kubectl,
    shell::{Result, say},
};

/// What the smoke test and people's clients on this machine use.
const CLIENT: &str = "edge-client";
const IDENTITY: &str = "restate-identity";

/// Makes them, unless they are there.
pub(super) fn ensure(kubectl: &Kubectl, environment: Environment, dry: bool) -> Result<()> {
    if environment != Environment::Dev {
        say("  issued by Vault");
        return Ok(());
    }
    let found = match environment::exists(kubectl)? {
        true => kubectl.output(&["-n", NAMESPACE, "get", "secrets", "-o", "name"])?,
        false => String::new(),
    };
    let missing = names().filter(|name| !found.lines().any(|line| line == format!("secret/{name}"))).count();
    match (missing, dry) {
        (0, _) => say("  all are there"),
        (_, true) => say(&format!("  would make {} Secrets", names().count())),
        _ => make(kubectl)?,
    }
    Ok(())
}

fn names() -> impl Iterator<Item = String> {
    let services = Service::ALL.iter().map(|service| format!("{}-secrets", service.name()));
    services.chain([CLIENT.to_owned(), IDENTITY.to_owned()])
}

/// All of them, also where only one was missing: they belong together.
fn make(kubectl: &Kubectl) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("maily-").tempdir().map_err(|error| error.to_string())?;
    maily_testkit::write_identities(folder.path(), None).map_err(|error| error.to_string())?;
    let mut items = vec![json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": NAMESPACE, "labels": { "maily.io/environment": "dev" } },
    })];
    for service in Service::ALL {
        items.push(secret(&format!("{}-secrets", service.name()), &folder.path().join(service.name()))?);
    }
    items.push(secret(CLIENT, &folder.path().join("client"))?);
    items.push(secret(IDENTITY, &folder.path().join("restate"))?);
    kubectl.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())?;
    say(&format!("  made {} Secrets", items.len() - 1));
    Ok(())
}

/// A Secret of the files in a folder.
fn secret(name: &str, folder: &Path) -> Result<Value> {
    let mut data = Map::new();
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let key = entry.file_name().to_string_lossy().into_owned();
        data.insert(key, fs::read_to_string(entry.path()).map_err(fault)?.into());
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "stringData": data,
    }))
}
