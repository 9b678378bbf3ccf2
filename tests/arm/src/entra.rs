//! Who is asked for tokens, and where everything is: Entra ID and the cloud's metadata.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{CLIENT, TENANT};

/// The domain of vaults and storage accounts: reserved for tests (RFC 6761), reached through the tunnel.
pub(crate) const DOMAIN: &str = "maily.test";
/// The object of the caller.
pub(crate) const PRINCIPAL: &str = "33333333-3333-3333-3333-333333333333";
const LIFETIME: Duration = Duration::from_hours(1);

/// The cloud's metadata: all its endpoints are here.
pub(crate) fn metadata(port: u16) -> Value {
    let here = format!("https://localhost:{port}");
    let mut metadata = Map::new();
    metadata.insert("name".into(), "MailyTest".into());
    metadata.insert(
        "authentication".into(),
        json!({"loginEndpoint": here, "audiences": [here], "tenant": "common", "identityProvider": "AAD"}),
    );
    for endpoint in [
        "activeDirectoryDataLake",
        "attestationResourceId",
        "batch",
        "gallery",
        "graph",
        "graphAudience",
        "logAnalyticsResourceId",
        "media",
        "microsoftGraphResourceId",
        "ossrDbmsResourceId",
        "portal",
        "resourceManager",
        "sqlManagement",
        "synapseAnalyticsResourceId",
        "vmImageAliasDoc",
    ] {
        metadata.insert(endpoint.into(), here.as_str().into());
    }
    metadata.insert("suffixes".into(), suffixes());
    Value::Object(metadata)
}

fn suffixes() -> Value {
    let names = [
        ("acrLoginServer", "azurecr"),
        ("attestationEndpoint", "attest"),
        ("azureDataLakeStoreFileSystem", "lake"),
        ("azureFrontDoorEndpointSuffix", "azurefd"),
        ("keyVaultDns", "vault"),
        ("mariadbServerEndpoint", "mariadb"),
        ("mhsmDns", "managedhsm"),
        ("mysqlServerEndpoint", "mysql"),
        ("postgresqlServerEndpoint", "postgres"),
        ("sqlServerHostname", "database"),
        ("storage", "core"),
        ("storageSyncEndpointSuffix", "afs"),
        ("synapseAnalytics", "synapse"),
    ];
    names.into_iter().map(|(key, label)| (key.to_owned(), Value::from(format!("{label}.{DOMAIN}")))).collect()
}

/// A token for whoever asks. It is unsigned: nobody here checks it, the provider only reads its claims.
pub(crate) fn token(port: u16) -> Value {
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + LIFETIME;
    let claims = json!({
        "aud": format!("https://localhost:{port}"),
        "appid": CLIENT,
        "exp": until.as_secs(),
        "idtyp": "app",
        "oid": PRINCIPAL,
        "tid": TENANT,
    });
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.none", part(json!({"alg": "none", "typ": "JWT"})), part(claims));
    json!({"token_type": "Bearer", "expires_in": LIFETIME.as_secs(), "access_token": token})
}

/// Microsoft Graph, as far as the provider asks: who is calling.
pub(crate) fn graph() -> Value {
    json!({"value": [{"id": PRINCIPAL, "appId": CLIENT}]})
}
