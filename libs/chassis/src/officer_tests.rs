//! The officer listener of a started service: off by default, with keys that open nothing else.

use std::path::Path;

use axum::{Extension, Router, routing::get};
use maily_testkit::{Authority, write_private};
use rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768;
use tokio_util::sync::CancellationToken;

use crate::{
    boot::{Boot, Fatal},
    config,
    edge::{EdgeAuth, EdgeCaller},
    error::{Error, USAGE},
    key_hashes::key_hash,
    listeners::Listeners,
    readiness::Readiness,
    serve_tests::{client, raw},
    start::bind_all,
};

/// A service with an edge, as it is before it serves. `more` is further configuration.
async fn boot(dir: &Path, more: &str) -> Boot<()> {
    let authority = Authority::open(dir.join("tls")).unwrap();
    let (certificate, key) = authority.service("storage").unwrap();
    authority.edge(&[]).unwrap();
    for (file, line) in [
        ("edge.hashes", key_hash("ann", "the edge's")),
        ("officer.hashes", key_hash("olga", "the officer's")),
        ("both.hashes", format!("{}\n{}", key_hash("olga", "the officer's"), key_hash("o", "the edge's"))),
    ] {
        write_private(&dir.join(file), line.as_bytes()).unwrap();
    }
    let text = format!(
        "[internal]\nlisten = \"127.0.0.1:0\"\nca = {:?}\ncertificate = {certificate:?}\nkey = {key:?}\n{}{more}",
        authority.ca(),
        section(dir, "edge", "keys = \"DIR/edge.hashes\""),
    );
    let file = dir.join("config.toml");
    std::fs::write(&file, text).unwrap();
    let config = config::load(Some(&file), &[]).unwrap();
    let sockets = bind_all(&config).await.unwrap();
    let shutdown = CancellationToken::new();
    let (fatal, readiness) = (Fatal::new(shutdown.clone()), Readiness::default());
    Boot { config, readiness, shutdown, name: "storage", sockets, redis: None, fatal }
}

/// The section of a listener for clients.
fn section(dir: &Path, name: &str, more: &str) -> String {
    format!(
        "[{name}]\nlisten = \"127.0.0.1:0\"\ncertificate = \"DIR/tls/edge.pem\"\nkey = \"DIR/tls/edge.key\"\n{more}\n"
    )
    .replace("DIR", &dir.display().to_string())
}

/// What answers with the name of the caller's key.
fn who() -> Router {
    Router::new().route("/who", get(|Extension(caller): Extension<EdgeCaller>| async { caller.0 }))
}

fn both() -> Listeners {
    Listeners::new().edge(who(), EdgeAuth::Bearer).officer(who())
}

async fn refused(dir: &Path, more: &str, listeners: Listeners) -> String {
    let error: Error = boot(dir, more).await.serve(listeners).await.unwrap_err();
    assert_eq!(error.code(), USAGE, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_key_opens_the_listener_that_it_is_for() {
    let dir = tempfile::tempdir().unwrap();
    let keys = section(dir.path(), "officer", "keys = \"DIR/officer.hashes\"\nrequests_per_second = 5");
    let boot = boot(dir.path(), &keys).await;
    let address =
        |socket: &Option<tokio::net::TcpListener>| socket.as_ref().unwrap().local_addr().unwrap().to_string();
    let (edge, officer) = (address(&boot.sockets.edge), address(&boot.sockets.officer));
    let stop = boot.shutdown.clone();
    let served = tokio::spawn(boot.serve(both()));
    let authority = Authority::open(dir.path().join("tls")).unwrap();
    let ask = async |address: &str, key: &str| {
        let request = format!(
            "GET /who HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        raw(address, "localhost", client(&authority, &[X25519MLKEM768], None), &request).await.unwrap()
    };
    for (address, key, status, ends) in [
        (&edge, "the edge's", "200", "ann"),
        (&officer, "the officer's", "200", "olga"),
        (&edge, "the officer's", "401", "}"),
        (&officer, "the edge's", "401", "}"),
        (&officer, "", "401", "}"),
    ] {
        let answer = ask(address, key).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.ends_with(ends), "{answer}");
    }
    let mut passed = 0;
    for _ in 0..50 {
        passed += usize::from(ask(&officer, "the officer's").await.starts_with("HTTP/1.1 200"));
        assert!(ask(&edge, "the edge's").await.starts_with("HTTP/1.1 200"), "its rate is not the officer's");
    }
    assert!(passed < 50, "the officer's key has its rate");
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_key_that_is_taken_out_of_its_file_is_refused_within_ten_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let boot = boot(dir.path(), "").await;
    let edge = boot.sockets.edge.as_ref().unwrap().local_addr().unwrap().to_string();
    let stop = boot.shutdown.clone();
    let served = tokio::spawn(boot.serve(Listeners::new().edge(who(), EdgeAuth::Bearer)));
    let authority = Authority::open(dir.path().join("tls")).unwrap();
    let status = async |key: &str| {
        let request = format!(
            "GET /who HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        let tls = client(&authority, &[X25519MLKEM768], None);
        raw(&edge, "localhost", tls, &request).await.unwrap().get(9..12).unwrap().to_owned()
    };
    let keys = dir.path().join("edge.hashes");
    let becomes = async |key: &str, wanted: &str| {
        let until = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        while status(key).await != wanted {
            assert!(tokio::time::Instant::now() < until, "{key} is not answered {wanted}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    becomes("the edge's", "200").await;
    write_private(&keys, key_hash("eve", "another").as_bytes()).unwrap();
    becomes("the edge's", "401").await;
    becomes("another", "200").await;
    write_private(&keys, b"no line of keys").unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    becomes("another", "200").await;
    assert_eq!(status("another").await, "200", "a bad file changes nothing");
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn it_is_off_unless_it_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let boot = boot(dir.path(), "").await;
    assert!(boot.sockets.officer.is_none());
    boot.shutdown.cancel();
    boot.serve(both()).await.unwrap();
}

#[tokio::test]
async fn without_keys_of_its_own_or_without_routes_nothing_starts() {
    let dir = tempfile::tempdir().unwrap();
    let officer = |more: &str| section(dir.path(), "officer", more);
    let without = refused(dir.path(), &officer(""), both()).await;
    assert_eq!(without, "configuration: officer.keys is missing: the file of accepted keys");
    let none = Listeners::new().edge(who(), EdgeAuth::Bearer);
    let without = refused(dir.path(), &officer("keys = \"DIR/officer.hashes\""), none).await;
    assert_eq!(without, "configuration: officer: this service has no officer API");
    let forwarded = officer("keys = \"DIR/officer.hashes\"\nforwarded_hop = 1");
    let nobody = refused(dir.path(), &forwarded, both()).await;
    assert!(nobody.starts_with("configuration: officer.trusted_proxies is missing"), "{nobody}");
    let little = refused(dir.path(), "[limits]\nbody_bytes = 1000\n", both()).await;
    assert_eq!(little, "configuration: limits.body_bytes is less than 33554432");
    for auth in [EdgeAuth::Bearer, EdgeAuth::Own] {
        let listeners = Listeners::new().edge(who(), auth).officer(who());
        let same = refused(dir.path(), &officer("keys = \"DIR/both.hashes\""), listeners).await;
        assert_eq!(same, "configuration: officer.keys: o is a key of the edge, too");
    }
}
