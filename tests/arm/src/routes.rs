//! Which request means what.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    SUBSCRIPTION, Shared, TENANT, entra,
    freeze::Verdict,
    id::{Id, stable_uuid},
    shape, vault,
};

/// No request of the provider is longer.
const LONGEST: usize = 4 << 20;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).layer(DefaultBodyLimit::max(LONGEST)).with_state(shared)
}

/// One request.
struct Call {
    method: Method,
    id: Id,
    host: String,
    query: String,
    body: Value,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let host = uri.host().or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let call = Call {
        id: Id::new(uri.path()),
        host: host.unwrap_or_default().split(':').next().unwrap_or_default().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        method,
    };
    match verdict(&shared, &call) {
        Verdict::Go => reply(&shared, &call),
        Verdict::Keep => {
            reply(&shared, &call);
            std::future::pending().await
        }
        Verdict::Drop => std::future::pending().await,
    }
}

/// Asking for a token or for a list of keys writes nothing.
fn verdict(shared: &Shared, call: &Call) -> Verdict {
    let creates = call.method == Method::POST && call.id.key.ends_with("/create");
    let writes = [Method::PUT, Method::PATCH, Method::DELETE].contains(&call.method);
    match writes || creates {
        true => shared.freezer.write(),
        false => Verdict::Go,
    }
}

fn reply(shared: &Shared, call: &Call) -> Response {
    let (status, body) = match call.host.contains(".vault.") {
        true => vault::answer(&shared.cloud, &call.host, &call.method, &call.id.path, call.body.clone()),
        false => manage(shared, call),
    };
    // The provider polls; a second is the least that it can be told.
    let headers = [(header::RETRY_AFTER, "1"), (header::CONTENT_TYPE, "application/json")];
    match status {
        StatusCode::NO_CONTENT => status.into_response(),
        _ => (status, headers, body.to_string()).into_response(),
    }
}

fn manage(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    let key = call.id.key.as_str();
    match call.method.as_str() {
        _ if key == "/metadata/endpoints" => (StatusCode::OK, entra::metadata(shared.port)),
        _ if key.ends_with("/token") && key.contains("/oauth2/") => {
            (StatusCode::OK, entra::token(shared.port))
        }
        _ if key.starts_with("/v1.0/") => (StatusCode::OK, entra::graph()),
        "PUT" => put(shared, call),
        "PATCH" => found(shared.cloud.patch(&call.id, &call.body, shared.port), &call.id),
        "GET" | "HEAD" => get(shared, call),
        "DELETE" => delete(shared, call),
        "POST" => post(shared, call),
        _ => unknown(shared, call),
    }
}

fn put(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    if call.id.kind().eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        && let Some(other) = same_assignment(shared, call)
    {
        let message =
            format!("The role assignment already exists. The ID of the existing role assignment is {other}.");
        return (
            StatusCode::CONFLICT,
            json!({"error": {"code": "RoleAssignmentExists", "message": message}}),
        );
    }
    let (resource, new) = shared.cloud.put(&call.id, call.body.clone(), shared.port);
    // The SDK takes 200 for what is new, wherever Azure says 200 or 201; from these it takes 201 only.
    let created = new && call.id.kind().to_ascii_lowercase().starts_with("microsoft.authorization/");
    (if created { StatusCode::CREATED } else { StatusCode::OK }, resource)
}

fn delete(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    let kind = call.id.kind().to_ascii_lowercase();
    // The SDK takes 204 wherever Azure may say 200, 202 or 204; from these it takes 200 only.
    let plain = kind == "microsoft.resources/resourcegroups"
        || kind.starts_with("microsoft.authorization/")
        || kind.starts_with("microsoft.consumption/")
        || kind.ends_with("/immutabilitypolicies");
    match shared.cloud.delete(&call.id) {
        Some(removed) if plain => (StatusCode::OK, removed),
        _ => (StatusCode::NO_CONTENT, Value::Null),
    }
}

/// Azure knows one assignment of a role to a principal at a scope, whatever its name.
fn same_assignment(shared: &Shared, call: &Call) -> Option<String> {
    let body = &call.body["properties"];
    let assignments = Id::new(call.id.path.rsplit_once('/')?.0);
    let same = |other: &Value| {
        ["principalId", "roleDefinitionId"].iter().all(|name| {
            let text = |value: &Value| value.as_str().map(str::to_ascii_lowercase);
            text(&other["properties"][*name]) == text(&body[*name])
        })
    };
    let other = shared.cloud.list(&assignments).into_iter().find(|other| same(other))?;
    let name = other["name"].as_str()?.to_owned();
    (!name.eq_ignore_ascii_case(call.id.name())).then_some(name)
}

fn get(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    let id = &call.id;
    let kind = id.kind().to_ascii_lowercase();
    if kind == "microsoft.authorization/roledefinitions" {
        return role(shared, call);
    }
    if let Some(scope) = id.key.strip_suffix("/resources") {
        let kind = filter(&call.query, "resourceType eq ");
        return (StatusCode::OK, json!({"value": shared.cloud.inside(scope, kind.as_deref())}));
    }
    if id.key == format!("/subscriptions/{SUBSCRIPTION}") {
        let subscription = json!({"id": id.path, "subscriptionId": SUBSCRIPTION, "displayName": "test", "state": "Enabled", "tenantId": TENANT});
        return (StatusCode::OK, subscription);
    }
    if let Some((cluster, "availableAgentPoolVersions")) = id.path.rsplit_once('/') {
        let cluster = shared.cloud.get(&Id::new(cluster)).unwrap_or_default();
        let version =
            json!({"default": true, "kubernetesVersion": cluster["properties"]["kubernetesVersion"]});
        return (StatusCode::OK, json!({"properties": {"agentPoolVersions": [version]}}));
    }
    if let Some(resource) = shared.cloud.get(id) {
        return (StatusCode::OK, resource);
    }
    match id.is_collection() {
        true => (StatusCode::OK, json!({"value": shared.cloud.list(id)})),
        false => found(None, id),
    }
}

/// The value that a `$filter` compares something with.
fn filter(query: &str, what: &str) -> Option<String> {
    let filter = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "$filter")?.1;
    let behind = filter.split_once(what)?.1;
    behind.split('\'').nth(1).map(ToOwned::to_owned)
}

/// Built-in roles: whoever asks for a name gets a role of that name, and may ask for its id later.
fn role(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    let show = |guid: &str, name: &str| {
        let id =
            format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}");
        json!({"id": id, "name": guid, "type": "Microsoft.Authorization/roleDefinitions", "properties": {"roleName": name, "type": "BuiltInRole"}})
    };
    if let Some(custom) = shared.cloud.get(&call.id) {
        return (StatusCode::OK, custom);
    }
    let mut state = shared.cloud.state();
    if !call.id.is_collection() {
        let name = state.roles.get(call.id.name()).cloned();
        return found(name.map(|name| show(call.id.name(), &name)), &call.id);
    }
    let Some(name) = filter(&call.query, "roleName eq ") else {
        return (StatusCode::OK, json!({"value": []}));
    };
    let guid = stable_uuid(&format!("role {name}"));
    state.roles.insert(guid.clone(), name.clone());
    (StatusCode::OK, json!({"value": [show(&guid, &name)]}))
}

fn post(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    match call.id.name().to_ascii_lowercase().as_str() {
        "listclusterusercredential" | "listclusteradmincredential" => (StatusCode::OK, shape::kubeconfig()),
        "lock" => lock(shared, call),
        "listcredentials" => (StatusCode::OK, json!({"username": "", "passwords": []})),
        "listkeys" => (StatusCode::OK, json!({"keys": []})),
        "checknameavailability" => (StatusCode::OK, json!({"nameAvailable": true})),
        "sharedkeys" => (StatusCode::OK, json!({"primarySharedKey": "", "secondarySharedKey": ""})),
        _ => unknown(shared, call),
    }
}

/// Locks an immutability policy.
fn lock(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    let policy = Id::new(call.id.path.rsplit_once('/').map_or("", |(policy, _)| policy));
    found(shared.cloud.patch(&policy, &json!({"properties": {"state": "Locked"}}), shared.port), &policy)
}

fn found(resource: Option<Value>, id: &Id) -> (StatusCode, Value) {
    match resource {
        Some(resource) => (StatusCode::OK, resource),
        None => (
            StatusCode::NOT_FOUND,
            json!({"error": {"code": "ResourceNotFound", "message": format!("{} was not found", id.path)}}),
        ),
    }
}

fn unknown(shared: &Shared, call: &Call) -> (StatusCode, Value) {
    shared.cloud.note(format!("{} {}", call.method, call.id.path));
    (
        StatusCode::NOT_IMPLEMENTED,
        json!({"error": {"code": "NotImplemented", "message": "the stand-in has no such request"}}),
    )
}
