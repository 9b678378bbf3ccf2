//! A TLS listener for the API, with an authority of its own.

use std::{path::Path, sync::Arc};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

pub(crate) const KEY: &str = "a key for tests";

/// Writes `ca.pem`, `edge.pem`, `edge.key` and the client's `key`.
pub(crate) fn make_authority(dir: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    for (name, text) in [
        ("ca.pem", ca.pem()),
        ("edge.pem", certificate.pem()),
        ("edge.key", key.serialize_pem()),
        ("key", KEY.to_owned()),
    ] {
        maily_testkit::write_private(&dir.join(name), text.as_bytes()).unwrap();
    }
}

/// Serves until its runtime ends.
pub(crate) async fn serve(listener: TcpListener, router: Router, dir: &Path) {
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(dir.join("edge.pem")).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("edge.key")).unwrap();
    let config = ServerConfig::builder_with_provider(maily_chassis::tls::edge_provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let connection = auto::Builder::new(TokioExecutor::new());
            let _ = connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
        });
    }
}
