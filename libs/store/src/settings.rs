//! How a store is reached, and by whom: a table of the configuration, or its URL alone.
//!
//! ```toml
//! store = "s3://maily-eu/storage"        # whom the pod or the machine is (workload identity), at Amazon's own address
//!
//! [service.store]                        # a store of another maker, with keys of its own
//! url = "s3://maily-eu/storage"
//! endpoint = "https://s3.example.org"    # http:// for 127.0.0.1 and the like only
//! region = "eu-central-1"                # that requests are signed for
//! path_style = true                      # the bucket in the path (what an endpoint of its own takes), or in the host's name
//! ca = "/etc/maily/s3-ca.pem"            # trusted besides the system's
//! credentials = "/etc/maily/s3.toml"     # mode 0600: access_key_id, secret_access_key
//!
//! [service.store]                        # Azure; the file would have account_key
//! url = "az://storage/eu"
//! account = "mailyeu"
//!
//! [service.store]                        # Google; the file would have service_account, the path of its JSON
//! url = "gs://maily-eu/storage"
//! ```

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use crate::store_url::{Place, Provider};
use crate::{StoreError, StoreUrl, UrlError};

/// A store: where it is, how it is reached, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Where.
    pub url: StoreUrl,
    /// The server, where that is not the provider's own.
    pub endpoint: Option<Endpoint>,
    /// S3's region; without it `us-east-1` at an endpoint, and else that of the pod (`AWS_REGION`).
    pub region: Option<String>,
    /// Azure's storage account.
    pub account: Option<String>,
    /// Whether S3's bucket is in the path: without it, at an endpoint and not at Amazon.
    pub path_style: Option<bool>,
    /// Certificates in PEM that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Who asks: a file of mode 0600. Without it, whom the pod or the machine is.
    pub credentials: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: StoreUrl,
    endpoint: Option<Endpoint>,
    region: Option<String>,
    account: Option<String>,
    path_style: Option<bool>,
    ca: Option<PathBuf>,
    credentials: Option<PathBuf>,
}

impl From<Table> for StoreSettings {
    fn from(table: Table) -> Self {
        let Table { url, endpoint, region, account, path_style, ca, credentials } = table;
        Self { url, endpoint, region, account, path_style, ca, credentials }
    }
}

impl From<StoreUrl> for StoreSettings {
    fn from(url: StoreUrl) -> Self {
        Self {
            url,
            endpoint: None,
            region: None,
            account: None,
            path_style: None,
            ca: None,
            credentials: None,
        }
    }
}

impl<'de> Deserialize<'de> for StoreSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UrlOrTable)
    }
}

struct UrlOrTable;

impl<'de> Visitor<'de> for UrlOrTable {
    type Value = StoreSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the URL of a store, or a table with `url`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StoreSettings, E> {
        let url: Result<StoreUrl, UrlError> = text.parse();
        url.map(StoreSettings::from).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StoreSettings, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(StoreSettings::from)
    }
}

/// A server's address: `https://`, or `http://` where that does not leave the machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint(Url);

impl TryFrom<String> for Endpoint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let url =
            Url::parse(&text).map_err(|_| "an endpoint is the URL of a server: https://s3.example.org")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "an endpoint has no credentials in it: they are in a file, which `credentials` names",
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("an endpoint has no query and no fragment");
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => {
                Err("an endpoint is https:// unless it is on this machine (127.0.0.1, [::1], localhost)")
            }
            _ => Err("an endpoint is https://, or http:// on this machine"),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Endpoint {
    /// Whether it is spoken to in the clear, which it is on this machine only.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The address without a slash at its end.
    pub(crate) fn address(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The same with a bucket's name before the host's.
    pub(crate) fn of_bucket(&self, bucket: &str) -> Result<String, StoreError> {
        let Some(Host::Domain(name)) = self.0.host() else {
            return Err(StoreError::setting(
                "with path_style = false its endpoint is a host's name, and no address",
            ));
        };
        let mut url = self.0.clone();
        url.set_host(Some(&format!("{bucket}.{name}"))).map_err(|_| {
            StoreError::setting("its bucket can't be in its endpoint's name: path_style = true")
        })?;
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

impl StoreSettings {
    /// Whether something in the one store may be something in the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        (&self.endpoint, &self.account) == (&other.endpoint, &other.account) && self.url.overlaps(&other.url)
    }

    /// What has a meaning for such a store, and what it can't do without.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let (name, meant): (&str, &[&str]) = match &self.url.0 {
            Place::Folder(_) => ("a folder", &[]),
            Place::Bucket { provider: Provider::S3, .. } => {
                ("S3", &["endpoint", "region", "path_style", "ca", "credentials"])
            }
            Place::Bucket { provider: Provider::Azure, .. } => {
                ("Azure", &["endpoint", "account", "ca", "credentials"])
            }
            Place::Bucket { provider: Provider::Google, .. } => {
                ("Google", &["endpoint", "ca", "credentials"])
            }
        };
        let given = [
            ("endpoint", self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("account", self.account.is_some()),
            ("path_style", self.path_style.is_some()),
            ("ca", self.ca.is_some()),
            ("credentials", self.credentials.is_some()),
        ];
        match given.into_iter().find(|(setting, is_given)| *is_given && !meant.contains(setting)) {
            Some((setting, _)) => Err(StoreError::setting(format!("{setting} has no meaning for {name}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Section {
        store: StoreSettings,
    }

    fn read(text: &str) -> Result<StoreSettings, String> {
        toml::from_str(text).map(|section: Section| section.store).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_store_is_its_url_or_a_table() {
        let alone = read("store = 's3://bucket/eu'").unwrap();
        assert_eq!(alone, read("[store]\nurl = 's3://bucket/eu'").unwrap());
        let whole = "[store]\nurl = 's3://bucket/eu'\nendpoint = 'https://s3.example.org/'\nregion = 'r'\n\
                     path_style = true\nca = '/ca.pem'\ncredentials = '/keys.toml'";
        let settings = read(whole).unwrap();
        assert_eq!(settings.endpoint.as_ref().map(Endpoint::address), Some("https://s3.example.org"));
        settings.check().unwrap();
        assert!(read("store = 's3://'").unwrap_err().contains("names a bucket"));
        assert!(read("[store]\nurl = 's3://bucket'\nsecret = 'x'").unwrap_err().contains("unknown field"));
        assert!(read("[store]\nregion = 'r'").unwrap_err().contains("url"));
        assert!(read("store = 7").unwrap_err().contains("the URL of a store, or a table"));
    }

    #[test]
    fn an_endpoint_in_the_clear_is_on_this_machine() {
        let read = |text: &str| Endpoint::try_from(text.to_owned());
        for good in
            ["https://s3.example.org", "http://127.0.0.1:7070", "http://[::1]:1/account", "http://localhost"]
        {
            assert_eq!(read(good).unwrap().address(), good);
        }
        for (bad, why) in [
            ("http://s3.example.org", "unless it is on this machine"),
            ("http://10.0.0.1", "unless it is on this machine"),
            ("ftp://127.0.0.1", "https://, or http://"),
            ("s3.example.org", "the URL of a server"),
            ("https://id:secret@s3.example.org", "no credentials"),
            ("https://s3.example.org/?sig=secret", "no query"),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(why) && !said.contains("secret"), "{bad}: {said}");
        }
    }

    #[test]
    fn a_bucket_stands_before_a_name_and_not_before_an_address() {
        let at = |text: &str| Endpoint::try_from(text.to_owned()).unwrap().of_bucket("mail");
        assert_eq!(at("https://s3.example.org:8443").unwrap(), "https://mail.s3.example.org:8443");
        assert!(at("http://127.0.0.1:7070").unwrap_err().to_string().contains("path_style"));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let said = |text: &str| read(text).unwrap().check().unwrap_err().to_string();
        for (url, setting, name) in [
            ("file:///data", "credentials = '/a'", "credentials has no meaning for a folder"),
            ("s3://bucket", "account = 'a'", "account has no meaning for S3"),
            ("az://container", "region = 'a'", "region has no meaning for Azure"),
            ("gs://bucket", "path_style = true", "path_style has no meaning for Google"),
        ] {
            assert_eq!(said(&format!("[store]\nurl = '{url}'\n{setting}")), format!("store: {name}"));
        }
    }

    #[test]
    fn the_same_bucket_at_another_endpoint_is_another_store() {
        let at =
            |endpoint: &str| read(&format!("[store]\nurl = 's3://bucket'\nendpoint = '{endpoint}'")).unwrap();
        assert!(at("https://one.example").overlaps(&at("https://one.example")));
        assert!(!at("https://one.example").overlaps(&at("https://two.example")));
    }
}
