//! Which bucket a request's host names. *Virtual hosting of general purpose buckets* (Amazon S3 User Guide): "In a
//! virtual-hosted–style URI, the bucket name is part of the domain name in the URL."
//!
//! Only where a domain is configured can `BUCKET.DOMAIN` be told from a name of the service itself. So a host that is
//! neither is refused: taken for the service's, it would make the key's first segment the bucket.

use std::net::IpAddr;

use s3s::host::{S3Host, VirtualHost};
use s3s::{S3Result, s3_error};

use crate::error::Error;

/// What Maily's own clients call the service, wherever it is (`libs/objects`).
const INTERNAL: &str = "storage.maily.internal";

/// The names of the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    domain: Option<String>,
}

impl Hosts {
    /// Buckets are at `BUCKET.domain`, and everything is at `domain`.
    pub(crate) fn at(domain: &str) -> Result<Self, Error> {
        let domain = domain.to_ascii_lowercase();
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !domain.split('.').all(label) || domain.parse::<IpAddr>().is_ok() {
            return Err(Error::Config(format!("service.domain: {domain:?} is not the name of a domain")));
        }
        Ok(Self { domain: Some(domain) })
    }
}

impl S3Host for Hosts {
    /// s3s asks for names only: an address names no bucket.
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = name(host);
        if let Some(domain) = self.domain.as_deref()
            && let Some(before) = name.strip_suffix(domain)
        {
            if before.is_empty() {
                return Ok(VirtualHost::new(domain));
            }
            if let Some(bucket) = before.strip_suffix('.') {
                return Ok(VirtualHost::new(domain).with_bucket(bucket.to_owned()));
            }
        }
        if is_own(&name) {
            return Ok(VirtualHost::new(host));
        }
        Err(s3_error!(
            InvalidRequest,
            "This service does not go by the name of the request's host, and finds no bucket in it: that needs \
             service.domain in its configuration. An address, or a name without a dot, can be used with the bucket in \
             the path."
        ))
    }
}

/// The host without its port, as names compare.
fn name(host: &str) -> String {
    let port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, end)| port(end)).map_or(host, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether no bucket can be before it: one label, an IPv6 address, Maily's own name, or that of a Kubernetes service.
fn is_own(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    name == INTERNAL
        || name.starts_with('[')
        || matches!(labels[..], [_] | [_, _, "svc"] | [_, _, "svc", "cluster", "local"])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket that `host` names, or `None` where the host is refused.
    fn bucket(hosts: &Hosts, host: &str) -> Option<Option<String>> {
        hosts.parse_host_header(host).ok().map(|host| host.bucket().map(str::to_owned))
    }

    #[test]
    fn a_bucket_is_before_the_domain() {
        let hosts = Hosts::at("S3.example.com").unwrap();
        let things = Some(Some("things".to_owned()));
        assert_eq!(bucket(&hosts, "things.s3.example.com"), things);
        assert_eq!(bucket(&hosts, "Things.s3.example.com.:7421"), things);
        assert_eq!(bucket(&hosts, "a.b.s3.example.com"), Some(Some("a.b".to_owned())));
        assert_eq!(bucket(&hosts, "s3.example.com:443"), Some(None));
        assert_eq!(bucket(&hosts, "nots3.example.com"), None);
        assert_eq!(bucket(&hosts, "things.elsewhere.example.com"), None);
    }

    #[test]
    fn without_a_domain_no_host_names_a_bucket() {
        let hosts = Hosts::default();
        for own in
            ["localhost:7421", INTERNAL, "maily-storage", "[::1]", "storage.maily.svc.cluster.local:8443"]
        {
            assert_eq!(bucket(&hosts, own), Some(None), "{own}");
        }
        for other in
            ["things.storage.maily.internal", "things.localhost", "things.s3.example.com:1", "a.b.c.svc"]
        {
            assert_eq!(bucket(&hosts, other), None, "{other}");
        }
    }

    #[test]
    fn a_domain_is_a_name() {
        for bad in ["", ".example.com", "10.0.0.1", "s3.example.com:443", "https://example.com"] {
            assert!(Hosts::at(bad).is_err(), "{bad}");
        }
    }
}
