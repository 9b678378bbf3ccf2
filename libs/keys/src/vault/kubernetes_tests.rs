//! The login of a pod: Vault's own Kubernetes method, which asks a stand-in of the API server about the token.

use std::path::PathBuf;

use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use maily_chassis::{Vault as Config, VaultAuth};
use maily_testkit::{Vault, write_private};
use serde_json::{Value, json};

use super::*;

const POLICY: &str = include_str!("../../vault/storage.hcl");

/// A token as a pod gets it; the stand-in does not look at its signature.
fn token(account: &str) -> String {
    let claims = json!({
        "iss": "https://kubernetes.default.svc", "aud": ["vault"], "exp": 4_102_444_800_u64,
        "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "sub": format!("system:serviceaccount:maily:{account}"),
        "kubernetes.io": {"namespace": "maily", "serviceaccount": {"name": account, "uid": format!("uid-{account}")}},
    });
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({"alg": "RS256"})), part(&claims), BASE64.encode("signature"))
}

/// Stand-in of the API server's TokenReview: it knows the tokens of two accounts.
async fn api_server() -> String {
    let review = |Json(review): Json<Value>| async move {
        let known = ["storage", "stranger"].into_iter().find(|name| review["spec"]["token"] == token(name));
        let status = match known {
            Some(name) => json!({"authenticated": true, "audiences": ["vault"], "user": {
                "username": format!("system:serviceaccount:maily:{name}"), "uid": format!("uid-{name}"),
                "groups": ["system:serviceaccounts", "system:serviceaccounts:maily", "system:authenticated"],
            }}),
            None => json!({"authenticated": false, "error": "unknown"}),
        };
        Json(json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/apis/authentication.k8s.io/v1/tokenreviews", post(review));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn admit(vault: &Vault, api_server: &str) {
    vault.admit("storage", POLICY, "1h").unwrap();
    vault.operator("POST", "sys/auth/kubernetes", &json!({"type": "kubernetes"})).unwrap();
    let config = json!({"kubernetes_host": api_server, "disable_local_ca_jwt": true});
    vault.operator("POST", "auth/kubernetes/config", &config).unwrap();
    let role = json!({
        "bound_service_account_names": "storage", "bound_service_account_namespaces": "maily", "audience": "vault",
        "token_policies": ["maily-storage"], "token_no_default_policy": true, "token_ttl": "1h",
    });
    vault.operator("POST", "auth/kubernetes/role/maily-storage", &role).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_logs_in_with_its_account_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::start(dir.path()).unwrap();
    admit(&vault, &api_server().await);
    let credential: PathBuf = dir.path().join("token");
    let config = Config {
        address: vault.address().parse().unwrap(),
        ca: Some(vault.ca().to_owned()),
        namespace: None,
        mount: None,
        auth: VaultAuth::Kubernetes,
        auth_mount: None,
        role: "maily-storage".into(),
        credential: credential.clone(),
        grace_seconds: 60,
        check_seconds: 10,
    };
    write_private(&credential, token("storage").as_bytes()).unwrap();
    let roots = VaultRoots::connect(&config, "maily-storage").await.unwrap();
    let (scope, key) = (Scope::new("acme", "eu", "storage").unwrap(), DataKey::generate().unwrap());
    let wrapped = roots.wrap(&scope, &key).await.unwrap();
    assert_eq!(roots.unwrap(&scope, &wrapped).await.unwrap().expose(), key.expose());

    for wrong in [token("stranger"), token("unknown"), "no token".to_owned()] {
        write_private(&credential, wrong.as_bytes()).unwrap();
        let refused = VaultRoots::connect(&config, "maily-storage").await.unwrap_err();
        assert!(matches!(refused, Error::RootsRefused(_)), "{refused}");
    }
    write_private(&credential, token("storage").as_bytes()).unwrap();
    let other_role = Config { role: "maily-compliance".into(), ..config };
    let refused = VaultRoots::connect(&other_role, "maily-storage").await.unwrap_err();
    assert!(matches!(refused, Error::RootsRefused(_)), "{refused}");
}
