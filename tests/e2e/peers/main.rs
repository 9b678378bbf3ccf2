//! Peers' client libraries, unchanged, against our edge listeners.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod aws_sdk;

use std::process::Command;

use maily_testkit::Service;
use maily_tests::{
    guest::{self, Guest, STACK},
    https::Https,
    peers, s3, say,
};

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_stack() {
    guest::keep_the_stack();
}

fn stack() -> Guest {
    Guest::of(STACK.lease())
}

fn passes(mut script: Command) {
    let said = peers::run(&mut script, b"");
    assert!(said.ok(), "{}", said.all());
    say(said.out.trim());
}

#[test]
fn pypi_openai_works_unchanged() {
    let stack = stack();
    let plan = stack.plan();
    let mut script = peers::python("openai_client.py");
    script
        .env("MAILY_INFERENCE_URL", format!("https://{}", plan.edge(Service::Inference)))
        .env("MAILY_KEY", plan.edge_key().unwrap())
        .env("MAILY_CA", plan.ca());
    passes(script);
}

#[test]
fn pypi_boto3_works_unchanged() {
    let stack = stack();
    let plan = stack.plan();
    let mut script = peers::python("boto3_client.py");
    script
        .env("MAILY_S3_URL", format!("https://{}", plan.edge(Service::Storage)))
        .env("MAILY_S3_KEY_ID", s3::credential(plan, "id"))
        .env("MAILY_S3_SECRET", s3::credential(plan, "secret"))
        .env("MAILY_S3_REGION", "eu")
        .env("MAILY_CA", plan.ca());
    passes(script);
}

#[test]
fn no_failure_of_storage_is_excused_by_the_verdicts_on_cephs_suite() {
    passes(peers::python("s3_tests/verdicts_test.py"));
}

#[test]
fn the_bearer_listeners_refuse_a_missing_and_a_wrong_key() {
    let stack = stack();
    let plan = stack.plan();
    for (service, path) in [
        (Service::Inference, "/v1/models"),
        (Service::Guardrails, "/v1/rails/configs"),
        (Service::Orchestrator, "/v1/campaigns/none"),
    ] {
        let client = || Https::new(&plan.ca(), &plan.edge(service));
        for mut client in [client(), client().bearer("maily_wrong"), client().bearer("")] {
            let reply = client.get(path).unwrap();
            assert_eq!(reply.status, 401, "{}: {}", service.name(), reply.text());
            assert!(reply.head.contains("www-authenticate: bearer"), "{}", reply.head);
            if service == Service::Inference {
                assert!(
                    reply.text().contains(r#""code":"invalid_api_key""#),
                    "OpenAI's own words: {}",
                    reply.text()
                );
            }
        }
        let served = stack.https(service).get(path).unwrap();
        assert!(matches!(served.status, 200 | 404), "{}: {}", service.name(), served.text());
    }
}

#[test]
fn storage_refuses_an_unsigned_request() {
    let stack = stack();
    let plan = stack.plan();
    let mut client = Https::new(&plan.ca(), &plan.edge(Service::Storage));
    for path in ["/", "/any-bucket", "/any-bucket/key"] {
        let reply = client.get(path).unwrap();
        assert_eq!(reply.status, 403, "{path}: {}", reply.text());
        assert!(reply.text().contains("<Code>AccessDenied</Code>"), "{}", reply.text());
    }
    // A bearer key is no S3 credential.
    let reply = stack.https(Service::Storage).get("/").unwrap();
    assert!(matches!(reply.status, 400 | 403), "{}", reply.text());
}

#[test]
fn compliance_refuses_a_link_that_was_not_issued() {
    let stack = stack();
    let plan = stack.plan();
    let mut client = Https::new(&plan.ca(), &plan.edge(Service::Compliance));
    let token = "A".repeat(44);
    for path in [format!("/u/{token}"), "/u/x".to_owned(), "/u/".to_owned(), "/".to_owned()] {
        assert_eq!(client.get(&path).unwrap().status, 404, "{path}");
        let reply = client.post_form(&path, "List-Unsubscribe=One-Click").unwrap();
        assert!(matches!(reply.status, 404 | 405), "{path}: {}", reply.status);
    }
}

#[test]
fn a_client_without_mlkem_is_served_at_the_edge() {
    let stack = stack();
    let plan = stack.plan();
    let identity = peers::Identity { ca: plan.ca(), pair: None };
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        plan.edge_key().unwrap()
    );
    let arguments =
        ["-tls1_3", "-groups", "X25519", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"];
    let address = plan.edge(Service::Inference);
    let said = peers::openssl(&identity, "localhost", &address, &arguments, &request);
    assert!(said.out.starts_with("HTTP/1.1 200"), "{}", said.all());
    let old = peers::openssl(&identity, "localhost", &address, &["-tls1_2"], "");
    assert!(old.all().contains("alert"), "TLS 1.2 is served: {}", old.all());
}
