//! Every call of an officer is in the audit record, with the caller's name and nobody's address.

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use maily_chassis::EdgeCaller;
use maily_compliance::officer;
use maily_contracts::log::Log;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::common::{Service, good, import, list_of};

// On one thread, whose subscriber it is.
#[tokio::test]
async fn every_call_of_an_officer_has_a_line() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(log.writer()).finish();
    let _guard = tracing::subscriber::set_default(lines);
    let service = Service::start(100).await;
    import(&service.state, "spring", list_of(&[good("carol@example.com")])).await.unwrap();
    let carol = json!({ "address": "carol@example.com" });
    let reasoned = json!({ "address": "carol@example.com", "reason": "asked" });
    let lift =
        json!({ "addresses": ["carol@example.com"], "sender": "news@brand.example", "reason": "asked" });
    let undo = json!({ "campaign": "spring", "reason": "the wrong list" });
    let calls = [
        ("/v1/subjects/find", carol.clone(), ("find", "a person", "200")),
        ("/v1/subjects/export", carol, ("export", "a person", "200")),
        ("/v1/subjects/find", json!({ "who": "carol@example.com" }), ("find", "a person", "400")),
        ("/v1/subjects/suppress", reasoned.clone(), ("suppress", "a person", "200")),
        ("/v1/subjects/lift", lift, ("lift", "people", "200")),
        ("/v1/subjects/erase", reasoned, ("erase", "a person", "200")),
        ("/v1/ledger/verify", json!({}), ("verify", "every ledger", "200")),
        ("/v1/imports/list", json!({}), ("list", "every import", "200")),
        ("/v1/imports/undo", undo, ("undo", "an import", "200")),
        ("/v1/epochs/turn", json!({}), ("turn", "every epoch", "200")),
    ];
    let mut wanted = Vec::new();
    for (path, body, line) in calls {
        let router = officer::router(service.state.clone()).layer(Extension(EdgeCaller("olga".to_owned())));
        let request = Request::post(path).header("content-type", "application/json");
        router.oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        wanted.push(line);
    }
    let text = log.take();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let audit: Vec<_> = lines.filter(|line| line["target"] == "audit").collect();
    let said: Vec<_> = audit
        .iter()
        .map(|line| {
            assert_eq!(line["owner"], "olga");
            let word = |name: &str| line[name].as_str().unwrap();
            (word("action"), word("subject"), word("outcome"))
        })
        .collect();
    assert_eq!(said, wanted);
    assert!(!text.contains("carol"), "{text}");
}
