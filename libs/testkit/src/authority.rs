//! The development authority: signs a certificate for each service and one for the edge.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use x509_parser::pem::parse_x509_pem;

use crate::{
    error::Error,
    files::{private_dir, write_private},
};

const DOMAIN: &str = "maily.internal";
const DAY: Duration = Duration::from_secs(86_400);
/// How long a certificate is good.
const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// What is left of it when there is another.
const LEAST: Duration = Duration::from_secs(30 * 86_400);

/// A certificate authority for one machine, in a folder: `ca.pem`, and for each name `NAME.pem`, `NAME.key`.
#[derive(Clone, Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Opens the authority in `dir`, or makes one. Its certificates are good for 90 days, and made anew 30 days before
    /// they end.
    ///
    /// # Errors
    /// The folder can't be written, or its key can't be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let authority = Self { dir: dir.into() };
        private_dir(&authority.dir)?;
        if is_old(&authority.ca()) {
            // Its key stays: what it has signed is still good then.
            let key_file = authority.dir.join("ca.key");
            let key = match fs::read_to_string(&key_file) {
                Ok(pem) => KeyPair::from_pem(&pem)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => KeyPair::generate()?,
                Err(error) => return Err(Error::file(&key_file)(error)),
            };
            let certificate = authority_params()?.self_signed(&key)?;
            write_private(&key_file, key.serialize_pem().as_bytes())?;
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
        if !is_old(&certificate_file) {
            return Ok((certificate_file, key_file));
        }
        params.distinguished_name.push(DnType::CommonName, format!("maily {name}"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        live(&mut params);
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
    live(&mut params);
    Ok(params)
}

/// From yesterday on, for a clock may go back a little.
fn live(params: &mut CertificateParams) {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
    (params.not_before, params.not_after) = (now - DAY, now + LIFE);
}

/// Whether a certificate is missing, can't be read, or so near its end that it is time for another.
fn is_old(certificate: &Path) -> bool {
    let Some(left) = fs::read(certificate).ok().and_then(|pem| left(&pem)) else { return true };
    left < LEAST
}

/// How long a certificate is still good.
fn left(pem: &[u8]) -> Option<Duration> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let left = pem.parse_x509().ok()?.validity().time_to_expiration()?;
    Duration::try_from(left).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_left(certificate: &Path) -> u64 {
        left(&fs::read(certificate).unwrap()).unwrap().as_secs() / 86_400
    }

    #[test]
    fn certificates_live_ninety_days_and_are_made_anew_before_they_end() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path()).unwrap();
        let (edge, _) = authority.edge(&[]).unwrap();
        let (service, _) = authority.service("storage").unwrap();
        for certificate in [&authority.ca(), &edge, &service] {
            assert!((89..=90).contains(&days_left(certificate)), "{}", certificate.display());
        }
        let read = |file: &Path| fs::read_to_string(file).unwrap();
        let (ca, key, first) = (read(&authority.ca()), read(&dir.path().join("ca.key")), read(&edge));
        Authority::open(dir.path()).unwrap().edge(&[]).unwrap();
        assert_eq!((read(&authority.ca()), read(&edge)), (ca.clone(), first.clone()), "they are young");
        // As they will be some day.
        let own = KeyPair::from_pem(&key).unwrap();
        let mut old = authority_params().unwrap();
        old.not_after = old.not_before + DAY + LEAST - DAY / 2;
        let old = old.self_signed(&own).unwrap().pem();
        [authority.ca(), edge.clone()].iter().for_each(|file| fs::write(file, &old).unwrap());
        Authority::open(dir.path()).unwrap().edge(&[]).unwrap();
        for certificate in [&authority.ca(), &edge] {
            assert!((89..=90).contains(&days_left(certificate)), "{}", certificate.display());
        }
        assert!(read(&authority.ca()) != ca && read(&edge) != first);
        assert_eq!(read(&dir.path().join("ca.key")), key, "what it signed before is still good");
    }
}
