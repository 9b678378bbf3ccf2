//! The clients of the three clouds' stores, and of what speaks S3.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};

use crate::credentials::{self, Environment};
use crate::store_url::Provider;
use crate::{Endpoint, StoreError, StoreSettings};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one request may take, with its body and its answer's: the longest is a part of an upload.
const REQUEST: Duration = Duration::from_secs(30);
/// How long after its first attempt a request is sent again; with [`REQUEST`] this is when a call fails at the latest.
const RETRYING: Duration = Duration::from_secs(10);
const RETRIES: usize = 4;
const PAUSES: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(100),
    max_backoff: Duration::from_secs(2),
    base: 2.0,
};

pub(crate) fn open(
    settings: &StoreSettings,
    provider: Provider,
    bucket: &str,
    prefix: &Path,
    environment: Environment<'_>,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    match provider {
        Provider::S3 => Ok(below(s3(settings, bucket, environment)?.build()?, prefix)),
        Provider::Azure => Ok(below(azure(settings, bucket, environment)?.build()?, prefix)),
        Provider::Google => Ok(below(google(settings, bucket, environment)?.build()?, prefix)),
    }
}

fn below(store: impl ObjectStore, prefix: &Path) -> Arc<dyn ObjectStore> {
    if prefix.is_root() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix.clone())) }
}

fn s3(
    settings: &StoreSettings,
    bucket: &str,
    environment: Environment<'_>,
) -> Result<AmazonS3Builder, StoreError> {
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region(settings, environment)?)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(client(settings)?)
        .with_retry(retries());
    let in_path = settings.path_style.unwrap_or(settings.endpoint.is_some());
    let builder = builder.with_virtual_hosted_style_request(!in_path);
    let builder = match &settings.endpoint {
        Some(endpoint) if in_path => builder.with_endpoint(endpoint.address()),
        Some(endpoint) => builder.with_endpoint(endpoint.of_bucket(bucket)?),
        None => builder,
    };
    credentials::s3(builder, settings.credentials.as_deref(), environment)
}

/// The region that requests are signed for. A pod of EKS is told its own.
fn region(settings: &StoreSettings, environment: Environment<'_>) -> Result<String, StoreError> {
    let own = || ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(environment);
    // What most makers of other stores expect where no region was given.
    let theirs = || settings.endpoint.as_ref().map(|_| "us-east-1".to_owned());
    let region = settings.region.clone().or_else(theirs).or_else(own);
    region.ok_or_else(|| StoreError::setting("region is missing: the one in which the bucket is"))
}

fn azure(
    settings: &StoreSettings,
    container: &str,
    environment: Environment<'_>,
) -> Result<MicrosoftAzureBuilder, StoreError> {
    let account = settings.account.as_deref();
    let account = account.ok_or_else(|| StoreError::setting("account is missing: the storage account"))?;
    let builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_client_options(client(settings)?)
        .with_retry(retries());
    let builder = match &settings.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.address().to_owned()),
        None => builder,
    };
    credentials::azure(builder, settings.credentials.as_deref(), environment)
}

fn google(
    settings: &StoreSettings,
    bucket: &str,
    environment: Environment<'_>,
) -> Result<GoogleCloudStorageBuilder, StoreError> {
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(client(settings)?)
        .with_retry(retries());
    let builder = match &settings.endpoint {
        Some(endpoint) => builder.with_base_url(endpoint.address()),
        None => builder,
    };
    credentials::google(builder, settings.credentials.as_deref(), environment)
}

fn retries() -> RetryConfig {
    RetryConfig { backoff: PAUSES, max_retries: RETRIES, retry_timeout: RETRYING }
}

fn client(settings: &StoreSettings) -> Result<ClientOptions, StoreError> {
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST)
        .with_allow_http(settings.endpoint.as_ref().is_some_and(Endpoint::is_plain));
    let Some(file) = &settings.ca else { return Ok(options) };
    let pem = std::fs::read(file).map_err(|source| StoreError::file(file, source))?;
    let unreadable = || StoreError::setting(format!("{} holds no certificates in PEM", file.display()));
    let trusted = Certificate::from_pem_bundle(&pem).map_err(|_| unreadable())?;
    if trusted.is_empty() {
        return Err(unreadable());
    }
    Ok(trusted.into_iter().fold(options, ClientOptions::with_root_certificate))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use object_store::aws::AmazonS3ConfigKey;

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn settings(text: &str) -> StoreSettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_bucket_of_another_maker_is_in_the_path() {
        let value = |text: &str, key| s3(&settings(text), "bucket", &nothing).unwrap().get_config_value(&key);
        let own = "url = 's3://bucket'\nendpoint = 'https://s3.example.org'\n";
        let key = AmazonS3ConfigKey::VirtualHostedStyleRequest;
        assert_eq!(value(own, key).as_deref(), Some("false"));
        assert_eq!(value(own, AmazonS3ConfigKey::Region).as_deref(), Some("us-east-1"));
        let named = format!("{own}path_style = false\n");
        let endpoint = value(&named, AmazonS3ConfigKey::Endpoint);
        assert_eq!(endpoint.as_deref(), Some("https://bucket.s3.example.org"));
        let amazon = "url = 's3://bucket'\nregion = 'eu-central-1'\n";
        assert_eq!(value(amazon, key).as_deref(), Some("true"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let region = region(&settings("url = 's3://bucket'"), &nothing).unwrap_err();
        assert!(region.to_string().contains("region is missing"), "{region}");
        let pods = |name: &str| (name == "AWS_REGION").then(|| "eu-west-1".to_owned());
        assert_eq!(super::region(&settings("url = 's3://bucket'"), &pods).unwrap(), "eu-west-1");
        let account = azure(&settings("url = 'az://container'"), "container", &nothing).unwrap_err();
        assert!(account.to_string().contains("account is missing"), "{account}");
    }

    #[test]
    fn certificates_are_read_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ca = |path: PathBuf| {
            let text = format!("url = 's3://bucket'\nca = '{}'", path.display());
            client(&settings(&text)).map(drop).map_err(|error| error.to_string())
        };
        let file = dir.path().join("ca.pem");
        assert!(ca(file.clone()).unwrap_err().contains("ca.pem"), "it is missing");
        std::fs::write(&file, "no certificate").unwrap();
        assert!(ca(file).unwrap_err().contains("holds no certificates"));
        let authority = maily_testkit::Authority::open(dir.path().join("tls")).unwrap();
        ca(authority.ca()).unwrap();
    }

    #[test]
    fn a_call_fails_within_a_minute() {
        assert!(RETRYING + REQUEST < Duration::from_secs(60));
    }
}
