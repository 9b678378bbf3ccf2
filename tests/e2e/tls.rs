//! Every internal listener: who is served, and who is refused, seen by TLS implementations that are not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use maily_testkit::{Authority, Service, pause};
use maily_tests::{
    check_all,
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
fn internal_listeners() {
    let mut platform = Platform::start(|plan| plan);
    check_all(
        &mut platform,
        &[
            ("Go with X25519MLKEM768 only is served everywhere", served),
            ("an allowed service may call, another may not", rights),
            ("OpenSSL without ML-KEM is refused everywhere", classical),
            ("TLS 1.2 is refused everywhere", old),
            ("a client without a certificate is refused everywhere", nobody),
            ("a client of another authority is refused everywhere", stranger),
            ("a client's certificate is checked, not only asked for", edge_certificate),
        ],
    );
    drop(platform.stop());
}

fn identity(platform: &Platform, service: Service) -> Identity {
    Identity { ca: platform.plan().ca(), pair: Some(platform.plan().pair(service)) }
}

fn ask(
    platform: &Platform,
    identity: &Identity,
    to: Service,
    path: &str,
    grpc: bool,
) -> Result<Answer, String> {
    go(identity, &format!("{}.maily.internal", to.name()), &platform.plan().internal(to), path, grpc)
}

fn served(platform: &mut Platform) {
    for from in [Service::Orchestrator, Service::Storage] {
        for to in Service::ALL {
            let answer = healthy(platform, &identity(platform, from), to);
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
fn healthy(platform: &Platform, identity: &Identity, to: Service) -> Answer {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask(platform, identity, to, HEALTH, true).unwrap();
        if answer.body == r#""\x00\x00\x00\x00\x02\b\x01""# {
            return answer;
        }
        assert!(Instant::now() < end, "{} does not serve: {answer:?}", to.name());
        pause();
    }
}

fn rights(platform: &mut Platform) {
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
            let answer = ask(platform, &identity(platform, *from), to, path, grpc).unwrap();
            assert!(!refused(&answer, grpc), "{} to {}: {answer:?}", from.name(), to.name());
        }
        for from in may_not {
            let answer = ask(platform, &identity(platform, *from), to, path, grpc).unwrap();
            assert!(refused(&answer, grpc), "{} to {}: {answer:?}", from.name(), to.name());
        }
    }
    // Storage asks for a signature besides: what the orchestrator's certificate gets is S3's own refusal.
    let answer = ask(platform, &identity(platform, Orchestrator), Storage, "/", false).unwrap();
    assert!(answer.body.contains("<Code>AccessDenied</Code>"), "{answer:?}");
}

fn refused(answer: &Answer, grpc: bool) -> bool {
    match grpc {
        true => answer.grpc == Some(PERMISSION_DENIED),
        false => answer.status == 403 && answer.body.contains("this service may not make this call"),
    }
}

/// Runs OpenSSL with a certificate that would be good at every internal listener; each has to refuse it.
fn openssl_refused(platform: &Platform, arguments: &[&str]) {
    let identity = identity(platform, Service::Orchestrator);
    for to in Service::ALL {
        let name = format!("{}.maily.internal", to.name());
        let said =
            openssl(&identity, &name, &platform.plan().internal(to), arguments, "GET / HTTP/1.0\r\n\r\n");
        assert!(!said.ok() && handshake_refused(&said), "{}: {}", to.name(), said.all());
    }
}

fn handshake_refused(said: &Said) -> bool {
    let all = said.all();
    !all.contains("HTTP/1.")
        && (all.contains("alert handshake failure") || all.contains("alert protocol version"))
}

fn classical(platform: &mut Platform) {
    openssl_refused(platform, &["-tls1_3", "-groups", "X25519"]);
    openssl_refused(platform, &["-tls1_3", "-groups", "P-256:X25519:P-384:X448"]);
}

fn old(platform: &mut Platform) {
    openssl_refused(platform, &["-tls1_2"]);
}

fn all_refuse(platform: &Platform, identity: &Identity, alerts: &[&str]) {
    for to in Service::ALL {
        for (path, grpc) in [(HEALTH, true), ("/v1/models", false)] {
            let error = ask(platform, identity, to, path, grpc).expect_err("it was served");
            assert!(alerts.iter().any(|alert| error.contains(alert)), "{}: {error}", to.name());
        }
    }
}

fn nobody(platform: &mut Platform) {
    let nobody = Identity { ca: platform.plan().ca(), pair: None };
    all_refuse(platform, &nobody, &["certificate required"]);
}

fn stranger(platform: &mut Platform) {
    let authority = Authority::open(platform.path("another authority")).unwrap();
    let pair = authority.service("orchestrator").unwrap();
    let stranger = Identity { ca: platform.plan().ca(), pair: Some(pair.clone()) };
    // The other authority has the same name, so that only its signature tells it apart.
    all_refuse(
        platform,
        &stranger,
        &["bad certificate", "unknown certificate authority", "error decrypting message"],
    );
    let fooled = Identity { ca: authority.ca(), pair: Some(pair) };
    all_refuse(platform, &fooled, &["certificate signed by unknown authority"]);
}

/// The edge's certificate is of our authority, but names no service and is not for clients.
fn edge_certificate(platform: &mut Platform) {
    let tls = platform.plan().data().join("tls");
    let pair = Some((tls.join("edge.pem"), tls.join("edge.key")));
    let edge = Identity { ca: platform.plan().ca(), pair };
    all_refuse(platform, &edge, &["bad certificate", "unsupported certificate"]);
}
