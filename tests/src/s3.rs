//! `aws-sdk-s3` at storage's edge listener, with the key of people's clients: its own HTTPS client, only told to trust our
//! authority.

use std::fs;

use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use maily_testkit::{Plan, Service};

/// A client of a stack's storage.
///
/// # Panics
/// The key or the authority can't be read.
#[must_use]
pub fn client(plan: &Plan) -> Client {
    let trust = TrustStore::empty().with_pem_certificate(fs::read(plan.ca()).unwrap());
    let tls = TlsContext::builder().with_trust_store(trust).build().unwrap();
    let https =
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https();
    let credentials =
        Credentials::new(credential(plan, "id"), credential(plan, "secret"), None, None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(format!("https://{}", plan.edge(Service::Storage)))
        .force_path_style(true)
        .region(Region::new("eu"))
        .credentials_provider(credentials)
        .http_client(https);
    Client::from_conf(config.build())
}

/// A part of the S3 key for people's clients: the last key in the file.
///
/// # Panics
/// There is no such key.
#[must_use]
pub fn credential(plan: &Plan, part: &str) -> String {
    let credentials = fs::read_to_string(plan.s3_credentials()).unwrap();
    let own = credentials.rsplit("[[key]]").next().unwrap();
    assert!(own.contains("name = \"local\""));
    let line = own.lines().find(|line| line.starts_with(part)).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}
