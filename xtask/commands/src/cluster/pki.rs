//! The cluster's certificates: one authority, one pair for each of its parts, made once per cluster.

use std::{fs, net::IpAddr, os::unix::fs::OpenOptionsExt as _};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Usage, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::layout::{API, Layout, NODE};
use crate::shell::Result;

/// Who gets a certificate: file, common name, organisation.
const PARTS: [(&str, &str, &str); 9] = [
    ("apiserver", "kube-apiserver", ""),
    ("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters"),
    // The API server, when it hands a request on to an extension of it.
    ("front-proxy", FRONT_PROXY, ""),
    ("etcd", "etcd", ""),
    ("admin", "admin", "system:masters"),
    ("controllers", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("proxy", "system:kube-proxy", ""),
    ("kubelet", "system:node:maily", "system:nodes"),
];
/// The one name whose word about a caller's name an extension of the API server takes.
pub(super) const FRONT_PROXY: &str = "front-proxy-client";
/// Who gets a kubeconfig.
const CALLERS: [&str; 5] = ["admin", "controllers", "scheduler", "proxy", "kubelet"];
/// First address of the Service range, which is the API server's.
const KUBERNETES: &str = "10.96.0.1";

/// Makes what is missing. The last file says that all others are there.
pub(super) fn prepare(layout: &Layout) -> Result<()> {
    if layout.kubeconfig().exists() {
        return Ok(());
    }
    let dir = layout.file("pki");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    make(layout).map_err(|error| format!("making a certificate failed: {error}"))?;
    for name in CALLERS.iter().rev() {
        write(layout, &format!("{name}.kubeconfig"), &layout.kubeconfig_of(name).to_string())?;
    }
    Ok(())
}

fn make(layout: &Layout) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let key = KeyPair::generate()?;
    let authority = authority()?;
    write(layout, "pki/ca.crt", &authority.self_signed(&key)?.pem())?;
    write(layout, "pki/ca.key", &key.serialize_pem())?;
    let issuer = Issuer::new(authority, key);
    for (file, name, organisation) in PARTS {
        let key = KeyPair::generate()?;
        let certificate = params(name, organisation)?.signed_by(&key, &issuer)?;
        write(layout, &format!("pki/{file}.key"), &key.serialize_pem())?;
        write(layout, &format!("pki/{file}.crt"), &certificate.pem())?;
    }
    // Signs the tokens of service accounts.
    let accounts = KeyPair::generate()?;
    write(layout, "pki/accounts.key", &accounts.serialize_pem())?;
    write(layout, "pki/accounts.pub", &accounts.public_key_pem())?;
    Ok(())
}

fn authority() -> std::result::Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Maily test cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn params(
    name: &str,
    organisation: &str,
) -> std::result::Result<CertificateParams, Box<dyn std::error::Error>> {
    let names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        NODE,
    ];
    let serves = matches!(name, "kube-apiserver" | "etcd") || organisation == "system:nodes";
    let names = if serves { names.map(str::to_owned).to_vec() } else { Vec::new() };
    let mut params = CertificateParams::new(names)?;
    if serves {
        for address in [API, "127.0.0.1", KUBERNETES] {
            params.subject_alt_names.push(SanType::IpAddress(address.parse::<IpAddr>()?));
        }
    }
    params.distinguished_name.push(DnType::CommonName, name);
    if !organisation.is_empty() {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![Usage::ClientAuth];
    if serves {
        params.extended_key_usages.push(Usage::ServerAuth);
    }
    Ok(params)
}

fn write(layout: &Layout, name: &str, text: &str) -> Result<()> {
    let path = layout.file(name);
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    let written = open.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
