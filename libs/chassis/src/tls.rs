//! TLS configurations: mutual TLS 1.3 with X25519MLKEM768 inside, TLS 1.3 preferring it at the edge.
//!
//! Each configuration carries its own provider. None becomes the process default: connections to clouds and
//! to people's clients have to go on offering classical groups.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::ExposeSecret as _;

use crate::{
    config::{Edge, Internal},
    error::Error,
    secret_file::read_secret,
};

/// Domain of the names in services' certificates; never looked up in DNS.
pub const DOMAIN: &str = "maily.internal";

/// The name that a service's certificate carries: `<service>.maily.internal`.
#[must_use]
pub fn server_name(service: &str) -> String {
    format!("{service}.{DOMAIN}")
}

/// The SPIFFE id that a service's certificate carries as a URI: `spiffe://maily.internal/<service>`.
#[must_use]
pub fn spiffe_id(service: &str) -> String {
    format!("spiffe://{DOMAIN}/{service}")
}

/// The provider of the internal listeners and their clients: X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) only.
#[must_use]
pub fn internal_provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
    Arc::new(provider)
}

/// The provider of the edge and of its clients: prefers X25519MLKEM768, accepts the classical groups.
#[must_use]
pub fn edge_provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Server side of the internal listener.
///
/// # Errors
/// A file that can't be read or holds no usable certificate or key, or a key's that others may use.
pub fn internal_server(config: &Internal) -> Result<Arc<ServerConfig>, Error> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(&config.ca)?), internal_provider())
            .build()
            .map_err(|error| unusable(&config.ca, error))?;
    let mut server = ServerConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::new)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(&config.certificate)?, key(&config.key)?)
        .map_err(|error| unusable(&config.certificate, error))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// Client side of calls to internal listeners, offering these ALPN protocols.
///
/// # Errors
/// A file that can't be read or holds no usable certificate or key, or a key's that others may use.
pub fn internal_client(config: &Internal, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
    let mut client = ClientConfig::builder_with_provider(internal_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::new)?
        .with_root_certificates(roots(&config.ca)?)
        .with_client_auth_cert(chain(&config.certificate)?, key(&config.key)?)
        .map_err(|error| unusable(&config.certificate, error))?;
    client.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(client))
}

/// Server side of the edge listener.
///
/// # Errors
/// A file that can't be read or holds no usable certificate or key, or a key's that others may use.
pub fn edge_server(config: &Edge) -> Result<Arc<ServerConfig>, Error> {
    let mut server = ServerConfig::builder_with_provider(edge_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::new)?
        .with_no_client_auth()
        .with_single_cert(chain(&config.certificate)?, key(&config.key)?)
        .map_err(|error| unusable(&config.certificate, error))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(server))
}

/// Client of an edge listener whose certificate this authority signed.
///
/// # Errors
/// A file that can't be read or holds no certificate.
pub fn edge_client(ca: &Path, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
    let mut client = ClientConfig::builder_with_provider(edge_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::new)?
        .with_root_certificates(roots(ca)?)
        .with_no_client_auth();
    client.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(client))
}

/// The service that a verified client certificate names by its SPIFFE id.
#[must_use]
pub fn service_of(certificate: &CertificateDer<'_>) -> Option<String> {
    use x509_parser::{extensions::GeneralName, prelude::FromDer};
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(certificate).ok()?;
    let names = &certificate.subject_alternative_name().ok()??.value.general_names;
    let prefix = spiffe_id("");
    names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(&prefix).map(ToOwned::to_owned),
        _ => None,
    })
}

fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| unusable(path, error))?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, error))?;
    if chain.is_empty() {
        return Err(unusable(path, "it holds no certificate"));
    }
    Ok(chain)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let pem = read_secret(path)?;
    // The parser's own words may quote a line.
    PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
        .map_err(|_| unusable(path, "it holds no private key in PEM"))
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(format!("cannot use {}: {why}", path.display()))
}
