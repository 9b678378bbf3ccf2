//! Every internal listener: who is served, and who is refused, seen by TLS implementations that are not ours.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use maily_testkit::{Authority, Service, pause};
use maily_tests::{
    guest::{self, Guest, STACK},
    peers::{Answer, Identity, Said, go, openssl},
    platform::Platform,
    say,
};

/// IANA's code point of X25519MLKEM768.
const X25519MLKEM768: u32 = 4588;
/// gRPC's code for a call that the caller may not make.
const PERMISSION_DENIED: u32 = 7;

const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_stack() {
    guest::keep_the_stack();
}

fn stack() -> Guest {
    Guest::of(STACK.lease())
}

fn identity(stack: &Guest, service: Service) -> Identity {
    Identity { ca: stack.plan().ca(), pair: Some(stack.plan().pair(service)) }
}

fn ask(stack: &Guest, identity: &Identity, to: Service, path: &str, grpc: bool) -> Result<Answer, String> {
    go(identity, &format!("{}.maily.internal", to.name()), &stack.plan().internal(to), path, grpc)
}

#[test]
fn go_with_mlkem_only_is_served_everywhere() {
    let stack = stack();
    for from in [Service::Orchestrator, Service::Storage] {
        for to in Service::ALL {
            let answer = healthy(&stack, &identity(&stack, from), to);
            assert_eq!(
                (answer.curve, answer.status, answer.grpc),
                (X25519MLKEM768, 200, Some(0)),
                "{}",
                to.name()
            );
        }
    }
    say(format_args!("{} listeners, curve {X25519MLKEM768}", Service::ALL.len()));
}

/// An empty request asks for the whole server; field 1 = 1 is SERVING, which gRPC health says a moment after `/readyz`.
fn healthy(stack: &Guest, identity: &Identity, to: Service) -> Answer {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask(stack, identity, to, HEALTH, true).unwrap();
        if answer.body == r#""\x00\x00\x00\x00\x02\b\x01""# {
            return answer;
        }
        assert!(Instant::now() < end, "{} does not serve: {answer:?}", to.name());
        pause();
    }
}

#[test]
fn an_allowed_service_may_call_and_another_may_not() {
    let stack = stack();
    use Service::{Compliance, Guardrails, Inference, Orchestrator, Storage};
    let summary = "/maily.compliance.v1.Compliance/Summary";
    let load = "/maily.guardrails.v1.Guardrails/LoadConfig";
    for (to, path, grpc, may, may_not) in [
        (Compliance, summary, true, &[Orchestrator][..], &[Storage, Guardrails, Inference, Compliance][..]),
        (Guardrails, load, true, &[Orchestrator], &[Storage, Compliance, Inference, Guardrails]),
        (Inference, "/v1/models", false, &[Orchestrator, Guardrails], &[Storage, Compliance, Inference]),
        (Storage, "/", false, &[], &[Compliance, Guardrails, Inference, Storage]),
        (Orchestrator, "/v1/campaigns/none", false, &[], &Service::ALL),
    ] {
        for from in may {
            let answer = ask(&stack, &identity(&stack, *from), to, path, grpc).unwrap();
            assert!(!refused(&answer, grpc), "{} to {}: {answer:?}", from.name(), to.name());
        }
        for from in may_not {
            let answer = ask(&stack, &identity(&stack, *from), to, path, grpc).unwrap();
            assert!(refused(&answer, grpc), "{} to {}: {answer:?}", from.name(), to.name());
        }
    }
    // Storage asks for a signature besides: what the orchestrator's certificate gets is S3's own refusal.
    let answer = ask(&stack, &identity(&stack, Orchestrator), Storage, "/", false).unwrap();
    assert!(answer.body.contains("<Code>AccessDenied</Code>"), "{answer:?}");
}

fn refused(answer: &Answer, grpc: bool) -> bool {
    match grpc {
        true => answer.grpc == Some(PERMISSION_DENIED),
        false => answer.status == 403 && answer.body.contains("this service may not make this call"),
    }
}

/// Runs OpenSSL with a certificate that would be good at every internal listener; each has to refuse it.
fn openssl_refused(stack: &Guest, arguments: &[&str]) {
    let identity = identity(stack, Service::Orchestrator);
    for to in Service::ALL {
        let name = format!("{}.maily.internal", to.name());
        let said = openssl(&identity, &name, &stack.plan().internal(to), arguments, "GET / HTTP/1.0\r\n\r\n");
        assert!(!said.ok() && handshake_refused(&said), "{}: {}", to.name(), said.all());
    }
}

fn handshake_refused(said: &Said) -> bool {
    let all = said.all();
    !all.contains("HTTP/1.")
        && (all.contains("alert handshake failure") || all.contains("alert protocol version"))
}

#[test]
fn openssl_without_mlkem_is_refused_everywhere() {
    let stack = stack();
    openssl_refused(&stack, &["-tls1_3", "-groups", "X25519"]);
    openssl_refused(&stack, &["-tls1_3", "-groups", "P-256:X25519:P-384:X448"]);
}

#[test]
fn tls_1_2_is_refused_everywhere() {
    let stack = stack();
    openssl_refused(&stack, &["-tls1_2"]);
}

fn all_refuse(stack: &Guest, identity: &Identity, alerts: &[&str]) {
    for to in Service::ALL {
        for (path, grpc) in [(HEALTH, true), ("/v1/models", false)] {
            let error = ask(stack, identity, to, path, grpc).expect_err("it was served");
            assert!(alerts.iter().any(|alert| error.contains(alert)), "{}: {error}", to.name());
        }
    }
}

#[test]
fn a_client_without_a_certificate_is_refused_everywhere() {
    let stack = stack();
    let nobody = Identity { ca: stack.plan().ca(), pair: None };
    all_refuse(&stack, &nobody, &["certificate required"]);
}

#[test]
fn a_client_of_another_authority_is_refused_everywhere() {
    let stack = stack();
    let authority = Authority::open(stack.path("another authority")).unwrap();
    let pair = authority.service("orchestrator").unwrap();
    let stranger = Identity { ca: stack.plan().ca(), pair: Some(pair.clone()) };
    // The other authority has the same name, so that only its signature tells it apart.
    all_refuse(
        &stack,
        &stranger,
        &["bad certificate", "unknown certificate authority", "error decrypting message"],
    );
    let fooled = Identity { ca: authority.ca(), pair: Some(pair) };
    all_refuse(&stack, &fooled, &["certificate signed by unknown authority"]);
}

/// The edge's certificate is of our authority, but names no service and is not for clients.
#[test]
fn a_clients_certificate_is_checked_and_not_only_asked_for() {
    let stack = stack();
    let tls = stack.plan().data().join("tls");
    let pair = Some((tls.join("edge.pem"), tls.join("edge.key")));
    let edge = Identity { ca: stack.plan().ca(), pair };
    all_refuse(&stack, &edge, &["bad certificate", "unsupported certificate"]);
}

/// A stack of this test's own: the others' must stay.
#[test]
fn a_stack_that_served_and_refused_ends_gracefully() {
    let platform = Platform::start(|plan| plan);
    for service in [Service::Inference, Service::Guardrails, Service::Orchestrator] {
        assert!(platform.https(service).get("/v1/none").unwrap().status >= 400);
    }
    let nobody = Identity { ca: platform.plan().ca(), pair: None };
    for to in Service::ALL {
        let name = format!("{}.maily.internal", to.name());
        let _ = go(&nobody, &name, &platform.plan().internal(to), HEALTH, true).unwrap_err();
    }
    drop(platform.stop());
}
