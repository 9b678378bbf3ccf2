//! The data plane of Key Vault, as far as keys and secrets are made, read and deleted. No key ever works.

use aws_lc_rs::{
    rand,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::http::{Method, StatusCode};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{cloud::Cloud, entra::DOMAIN, id::stable_uuid};

/// The host of a vault.
pub(crate) fn host(vault: &str) -> String {
    format!("{}.vault.{DOMAIN}", vault.to_ascii_lowercase())
}

/// What the ids of a vault's keys begin with, as they are kept.
pub(crate) fn address(vault: &str) -> String {
    format!("https://{}/", host(vault))
}

/// Answers a request to a vault's host.
pub(crate) fn answer(
    cloud: &Cloud,
    host: &str,
    method: &Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let ([kind @ ("keys" | "secrets"), name], rest) = segments.split_at(segments.len().min(2)) else {
        // What was deleted is gone: nothing waits to be purged.
        return missing(path);
    };
    let base = format!("https://{host}/{kind}/{name}");
    match (method.as_str(), *kind, rest) {
        ("POST", "keys", ["create"]) => (StatusCode::OK, create(cloud, &base, &body)),
        ("PUT", "secrets", []) => (StatusCode::OK, keep_secret(cloud, &base, body)),
        ("GET", _, ["rotationpolicy"]) => read(cloud, &format!("{base}/rotationpolicy")),
        ("PUT", _, ["rotationpolicy"]) => {
            (StatusCode::OK, keep(cloud, &format!("{base}/rotationpolicy"), body))
        }
        ("GET", _, [] | [_]) => read(cloud, &base),
        ("PATCH", _, [] | [_]) => patch(cloud, &base, &body),
        ("DELETE", _, []) => delete(cloud, &base),
        _ => missing(path),
    }
}

fn keep(cloud: &Cloud, key: &str, value: Value) -> Value {
    cloud.state().resources.insert(key.to_ascii_lowercase(), value.clone());
    value
}

fn read(cloud: &Cloud, key: &str) -> (StatusCode, Value) {
    match cloud.state().resources.get(&key.to_ascii_lowercase()) {
        Some(value) => (StatusCode::OK, value.clone()),
        None => missing(key),
    }
}

fn patch(cloud: &Cloud, base: &str, body: &Value) -> (StatusCode, Value) {
    let (StatusCode::OK, mut key) = read(cloud, base) else { return missing(base) };
    for (name, place) in [("key_ops", "/key/key_ops"), ("attributes", "/attributes"), ("tags", "/tags")] {
        if let (Some(value), Some(place)) = (body.get(name), key.pointer_mut(place)) {
            *place = value.clone();
        }
    }
    (StatusCode::OK, keep(cloud, base, key))
}

fn delete(cloud: &Cloud, base: &str) -> (StatusCode, Value) {
    let found = read(cloud, base);
    let (own, below) = (base.to_ascii_lowercase(), format!("{}/", base.to_ascii_lowercase()));
    cloud.state().resources.retain(|key, _| key != &own && !key.starts_with(&below));
    found
}

/// A secret, without its value: nothing here has to know it.
fn keep_secret(cloud: &Cloud, base: &str, mut body: Value) -> Value {
    body["id"] = version(base).into();
    body["value"] = "kept elsewhere".into();
    body["attributes"]["enabled"] = true.into();
    keep(cloud, base, body)
}

fn version(base: &str) -> String {
    format!("{base}/{}", stable_uuid(base).replace('-', ""))
}

fn create(cloud: &Cloud, base: &str, body: &Value) -> Value {
    let kind = body["kty"].as_str().unwrap_or("RSA");
    let mut key = json!({"kid": version(base), "kty": kind});
    key["key_ops"] = body["key_ops"].clone();
    match kind.starts_with("EC") {
        true => curve_point(&mut key, body["crv"].as_str().unwrap_or("P-256")),
        false => modulus(&mut key, body["key_size"].as_u64().unwrap_or(2048)),
    }
    let mut attributes = body["attributes"].clone();
    attributes["enabled"] = true.into();
    keep(cloud, base, json!({"key": key, "attributes": attributes, "tags": body["tags"]}))
}

/// A number of the right length; nobody factors it.
fn modulus(key: &mut Value, bits: u64) {
    let mut n = vec![0; usize::try_from(bits / 8).unwrap_or(256)];
    rand::fill(&mut n).unwrap();
    n[0] |= 0x80;
    key["n"] = BASE64_URL_SAFE_NO_PAD.encode(n).into();
    key["e"] = "AQAB".into();
}

/// A real point: the provider refuses one that is not on the curve.
fn curve_point(key: &mut Value, curve: &str) {
    let algorithm = match curve {
        "P-384" => &ECDSA_P384_SHA384_ASN1_SIGNING,
        _ => &ECDSA_P256_SHA256_ASN1_SIGNING,
    };
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    key["crv"] = curve.into();
    key["x"] = BASE64_URL_SAFE_NO_PAD.encode(x).into();
    key["y"] = BASE64_URL_SAFE_NO_PAD.encode(y).into();
}

fn missing(what: &str) -> (StatusCode, Value) {
    (
        StatusCode::NOT_FOUND,
        json!({"error": {"code": "KeyNotFound", "message": format!("{what} was not found")}}),
    )
}
