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
pub(super) const CLIENT: &str = "edge-client";
const IDENTITY: &str = "restate-identity";
/// Redis' side of its one user, and the services' side.
const REDIS: [&str; 2] = ["redis-secrets", "redis-client"];

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
    let missing = |names: &[String]| {
        names.iter().any(|name| !found.lines().any(|line| line == format!("secret/{name}")))
    };
    // Each of the two belongs together: all of it is made again, also where only one was missing.
    let mut items = Vec::new();
    if missing(&identity_names()) {
        items.extend(identities()?);
    }
    if missing(&REDIS.map(ToOwned::to_owned)) {
        items.extend(redis()?);
    }
    match (items.len(), dry) {
        (0, _) => say("  all are there"),
        (count, true) => say(&format!("  would make {count} Secrets")),
        (count, false) => {
            items.insert(0, namespace());
            kubectl.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())?;
            say(&format!("  made {count} Secrets"));
        }
    }
    Ok(())
}

fn identity_names() -> Vec<String> {
    let services = Service::ALL.iter().map(|service| format!("{}-secrets", service.name()));
    services.chain([CLIENT.to_owned(), IDENTITY.to_owned()]).collect()
}

fn namespace() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": NAMESPACE, "labels": { "maily.io/environment": "dev" } },
    })
}

/// A user who may use what begins with our prefix, and nothing that administers the server. Redis is given the
/// password's hash only.
fn redis() -> Result<[Value; 2]> {
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| "this machine gives no random numbers".to_owned())?;
    let password = hex::encode(random);
    let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, password.as_bytes()));
    let users =
        format!("user default off\nuser maily on #{hash} ~maily* &maily* +@all -@admin -@dangerous\n");
    let [server, client] = REDIS;
    Ok([object(server, json!({ "users.acl": users })), object(client, json!({ "password": password }))])
}

/// What `cargo xtask up` makes in a folder.
fn identities() -> Result<Vec<Value>> {
    let folder = tempfile::Builder::new().prefix("maily-").tempdir().map_err(|error| error.to_string())?;
    maily_testkit::write_identities(folder.path(), None).map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    for service in Service::ALL {
        items.push(secret(&format!("{}-secrets", service.name()), &folder.path().join(service.name()))?);
    }
    items.push(secret(CLIENT, &folder.path().join("client"))?);
    items.push(secret(IDENTITY, &folder.path().join("restate"))?);
    Ok(items)
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
    Ok(object(name, data.into()))
}

fn object(name: &str, data: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "stringData": data,
    })
}
