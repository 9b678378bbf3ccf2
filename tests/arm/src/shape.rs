//! What Azure adds to a resource: states, principals, addresses and host names.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    TENANT,
    entra::DOMAIN,
    id::{Id, stable_uuid},
};

/// What an update leaves out and Azure keeps, for it can't be changed: a cluster's private zone.
pub(crate) fn retain(id: &Id, before: &Value, resource: &mut Value) {
    const PROFILE: &str = "/properties/apiServerAccessProfile";
    let zone = before.pointer(PROFILE).map(|profile| profile["privateDNSZone"].clone());
    let cluster = id.kind().eq_ignore_ascii_case("Microsoft.ContainerService/managedClusters");
    if let (true, Some(zone), Some(profile)) = (cluster, zone, resource.pointer_mut(PROFILE))
        && profile.get("privateDNSZone").is_none()
    {
        profile["privateDNSZone"] = zone;
    }
}

/// Completes a resource as it is kept. The same resource always gets the same additions.
pub(crate) fn shape(id: &Id, resource: &mut Value, port: u16) {
    let kind = id.kind().to_ascii_lowercase();
    if !resource["properties"].is_object() {
        resource["properties"] = json!({});
    }
    identity(id, resource);
    let location = resource["location"].clone();
    let properties = &mut resource["properties"];
    if kind != "microsoft.consumption/budgets" {
        properties["provisioningState"] = "Succeeded".into();
    }
    let name = id.name();
    match kind.as_str() {
        "microsoft.managedidentity/userassignedidentities" => {
            fill(
                properties,
                &[
                    ("clientId", client(&id.key)),
                    ("principalId", principal(&id.key)),
                    ("tenantId", TENANT.into()),
                ],
            );
        }
        "microsoft.containerservice/managedclusters" => cluster(name, properties, port),
        "microsoft.storage/storageaccounts" => storage(name, properties, &location),
        "microsoft.keyvault/vaults" => {
            fill(properties, &[("vaultUri", format!("https://{}/", crate::vault::host(name)).into())]);
        }
        "microsoft.cache/redisenterprise" => {
            fill(
                properties,
                &[("hostName", format!("{name}.redis.{DOMAIN}").into()), ("resourceState", "Running".into())],
            );
        }
        "microsoft.cache/redisenterprise/databases" => {
            fill(properties, &[("resourceState", "Running".into())])
        }
        "microsoft.containerregistry/registries" => {
            fill(properties, &[("loginServer", format!("{name}.azurecr.{DOMAIN}").into())]);
        }
        "microsoft.network/publicipaddresses" => fill(properties, &[("ipAddress", address(&id.key).into())]),
        "microsoft.network/azurefirewalls" => firewall(id, properties),
        "microsoft.network/privateendpoints" => endpoint(id, properties),
        "microsoft.operationalinsights/workspaces" => {
            fill(properties, &[("customerId", stable_uuid(&id.key).into())])
        }
        "microsoft.dataprotection/backupvaults/backupinstances" => {
            fill(properties, &[("protectionStatus", json!({"status": "ProtectionConfigured"}))]);
        }
        "microsoft.authorization/roleassignments" => fill(properties, &[("scope", id.scope().into())]),
        _ => {}
    }
}

/// Sets what Azure decides.
fn fill(properties: &mut Value, values: &[(&str, Value)]) {
    for (name, value) in values {
        properties[*name] = value.clone();
    }
}

/// Sets what Azure decides unless the client did.
fn default(properties: &mut Value, name: &str, value: Value) {
    if properties[name].is_null() {
        properties[name] = value;
    }
}

fn principal(of: &str) -> Value {
    stable_uuid(&format!("principal {of}")).into()
}

fn client(of: &str) -> Value {
    stable_uuid(&format!("client {of}")).into()
}

fn identity(id: &Id, resource: &mut Value) {
    let Some(identity) = resource.get_mut("identity").filter(|identity| identity.is_object()) else { return };
    if identity["type"].as_str().is_some_and(|kind| kind.starts_with("System")) {
        identity["principalId"] = principal(&id.key);
        identity["tenantId"] = TENANT.into();
    }
    if let Some(users) = identity["userAssignedIdentities"].as_object_mut() {
        for (user, value) in users.iter_mut() {
            let of = user.to_ascii_lowercase();
            *value = json!({"clientId": client(&of), "principalId": principal(&of)});
        }
    }
}

fn cluster(name: &str, properties: &mut Value, port: u16) {
    fill(
        properties,
        &[
            ("fqdn", format!("{name}.hcp.{DOMAIN}").into()),
            ("privateFQDN", format!("{name}.privatelink.{DOMAIN}").into()),
            ("powerState", json!({"code": "Running"})),
        ],
    );
    default(properties, "nodeResourceGroup", format!("MC_{name}").into());
    let version = properties["kubernetesVersion"].as_str().unwrap_or("1.34").to_owned();
    properties["currentKubernetesVersion"] = version.into();
    default(properties, "oidcIssuerProfile", json!({}));
    if properties["oidcIssuerProfile"]["enabled"] == true {
        properties["oidcIssuerProfile"]["issuerURL"] =
            format!("https://localhost:{port}/oidc/{name}/").into();
    }
    let kubelet = format!("kubelet {name}");
    let profile = json!({
        "resourceId": format!("/subscriptions/{}/resourceGroups/MC_{name}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}-agentpool", crate::SUBSCRIPTION),
        "clientId": client(&kubelet),
        "objectId": principal(&kubelet),
    });
    default(properties, "identityProfile", json!({"kubeletidentity": profile}));
}

fn storage(name: &str, properties: &mut Value, location: &Value) {
    let hosts = ["blob", "dfs", "file", "queue", "table", "web"];
    let hosts = hosts
        .map(|service| (service.to_owned(), Value::from(format!("https://{name}.{service}.core.{DOMAIN}/"))));
    fill(
        properties,
        &[
            ("primaryEndpoints", hosts.into_iter().collect::<Value>()),
            ("primaryLocation", location.clone()),
            ("statusOfPrimary", "available".into()),
        ],
    );
}

/// An address from the range that is reserved for documentation (RFC 5737).
fn address(of: &str) -> String {
    format!("203.0.113.{}", stable_uuid(of).bytes().map(u32::from).sum::<u32>() % 254 + 1)
}

fn firewall(id: &Id, properties: &mut Value) {
    let Some(configurations) = properties["ipConfigurations"].as_array_mut() else { return };
    for configuration in configurations {
        configuration["properties"]["privateIPAddress"] = "10.0.0.4".into();
        let name = configuration["name"].as_str().unwrap_or_default().to_owned();
        configuration["id"] = format!("{}/azureFirewallIpConfigurations/{name}", id.path).into();
    }
}

fn endpoint(id: &Id, properties: &mut Value) {
    let card = format!("{}.nic", id.path.replace("privateEndpoints", "networkInterfaces"));
    default(properties, "networkInterfaces", json!([{"id": card}]));
    for list in ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] {
        for connection in properties[list].as_array_mut().into_iter().flatten() {
            let name = connection["name"].as_str().unwrap_or_default().to_owned();
            connection["id"] = format!("{}/{list}/{name}", id.path).into();
            let state = json!({"status": "Approved", "description": "", "actionsRequired": "None"});
            connection["properties"]["privateLinkServiceConnectionState"] = state;
        }
    }
}

/// A kubeconfig that leads nowhere: the provider reads one with every cluster.
pub(crate) fn kubeconfig() -> Value {
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: none\n\
        clusters: [{name: none, cluster: {server: 'https://localhost', certificate-authority-data: ''}}]\n\
        users: [{name: none, user: {}}]\n\
        contexts: [{name: none, context: {cluster: none, user: none}}]\n";
    json!({"kubeconfigs": [{"name": "none", "value": BASE64_STANDARD.encode(text)}]})
}
