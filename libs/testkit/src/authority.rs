//! The development authority: signs a certificate for each service and one for the edge.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::{
    error::Error,
    files::{private_dir, write_private},
};

const DOMAIN: &str = "maily.internal";

/// A certificate authority for one machine, in a folder: `ca.pem`, and for each name `NAME.pem`, `NAME.key`.
#[derive(Clone, Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Opens the authority in `dir`, or makes one.
    ///
    /// # Errors
    /// The folder can't be written, or its key can't be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let authority = Self { dir: dir.into() };
        private_dir(&authority.dir)?;
        if !authority.ca().exists() {
            let key = KeyPair::generate()?;
            let certificate = authority_params()?.self_signed(&key)?;
            write_private(&authority.dir.join("ca.key"), key.serialize_pem().as_bytes())?;
            write_private(&authority.ca(), certificate.pem().as_bytes())?;
        }
        Ok(authority)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Certificate and key files of a name.
    #[must_use]
    pub fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.dir.join(format!("{name}.pem")), self.dir.join(format!("{name}.key")))
    }

    /// Makes sure that `service` has a certificate: its DNS name and its SPIFFE id.
    ///
    /// # Errors
    /// A file can't be read or written.
    pub fn service(&self, service: &str) -> Result<(PathBuf, PathBuf), Error> {
        let mut params = CertificateParams::new(vec![format!("{service}.{DOMAIN}")])?;
        params.subject_alt_names.push(SanType::URI(format!("spiffe://{DOMAIN}/{service}").try_into()?));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(service, params)
    }

    /// Makes sure that there is a certificate for people's clients: `localhost`, 127.0.0.1 and `names`.
    ///
    /// # Errors
    /// A file can't be read or written.
    pub fn edge(&self, names: &[String]) -> Result<(PathBuf, PathBuf), Error> {
        let local = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new([&local, names].concat())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue("edge", params)
    }

    fn issue(&self, name: &str, mut params: CertificateParams) -> Result<(PathBuf, PathBuf), Error> {
        let (certificate_file, key_file) = self.pair(name);
        if certificate_file.exists() {
            return Ok((certificate_file, key_file));
        }
        params.distinguished_name.push(DnType::CommonName, format!("maily {name}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let read = |path: &Path| fs::read_to_string(path).map_err(Error::file(path));
        let authority_key = KeyPair::from_pem(&read(&self.dir.join("ca.key"))?)?;
        let issuer = Issuer::new(authority_params()?, authority_key);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        write_private(&key_file, key.serialize_pem().as_bytes())?;
        write_private(&certificate_file, certificate.pem().as_bytes())?;
        Ok((certificate_file, key_file))
    }
}

/// The same each time: name and key are what a certificate's issuer is matched by.
fn authority_params() -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Maily development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}
