//! Who asks a store: keys from a file that nobody else may read, or whom the pod or the machine is.
//!
//! Of the environment only what names an identity is taken: files of tokens that somebody renews, and addresses. An access key in
//! it is not, for it would decide silently who reads whose mail.

use std::path::{Path, PathBuf};

use maily_chassis::read_secret_text;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Bytes of a file of credentials, or of a service account.
const LONGEST: u64 = 64 << 10;

/// What names a role of AWS: of EKS's IRSA (a token in a file) and of its Pod Identity (an address, and a token in a file).
const AWS_IDENTITY: [(&str, AmazonS3ConfigKey); 5] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
];

/// Where `gcloud auth application-default login` leaves a person's login, below the home folder; object_store reads it unasked.
const GOOGLE_LOGIN: &str = ".config/gcloud/application_default_credentials.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessKey {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountKey {
    account_key: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceAccount {
    service_account: PathBuf,
}

/// The process's environment, or a test's.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(crate) fn s3(
    builder: AmazonS3Builder,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<AmazonS3Builder, StoreError> {
    let Some(file) = file else {
        let given = AWS_IDENTITY.into_iter().filter_map(|(name, key)| Some((key, environment(name)?)));
        return Ok(given.fold(builder, |builder, (key, value)| builder.with_config(key, value)));
    };
    let keys: AccessKey =
        read(file, "access_key_id and secret_access_key, and session_token where there is one")?;
    let builder = builder
        .with_access_key_id(keys.access_key_id)
        .with_secret_access_key(keys.secret_access_key.expose_secret());
    Ok(match keys.session_token {
        Some(token) => builder.with_token(token.expose_secret()),
        None => builder,
    })
}

pub(crate) fn azure(
    builder: MicrosoftAzureBuilder,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<MicrosoftAzureBuilder, StoreError> {
    if let Some(file) = file {
        let key: AccountKey = read(file, "account_key")?;
        return Ok(builder.with_access_key(key.account_key.expose_secret()));
    }
    // As AKS's webhook writes them. Without a token the managed identity of the machine is asked for, which may have an id.
    let mut builder = builder;
    if let Some(client) = environment("AZURE_CLIENT_ID") {
        builder = builder.with_client_id(client);
    }
    if let Some(tenant) = environment("AZURE_TENANT_ID") {
        builder = builder.with_tenant_id(tenant);
    }
    if let Some(token) = environment("AZURE_FEDERATED_TOKEN_FILE") {
        builder = builder.with_federated_token_file(token);
    }
    if let Some(authority) = environment("AZURE_AUTHORITY_HOST") {
        builder = builder.with_authority_host(authority);
    }
    Ok(builder)
}

pub(crate) fn google(
    builder: GoogleCloudStorageBuilder,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<GoogleCloudStorageBuilder, StoreError> {
    if let Some(file) = file {
        let named: ServiceAccount = read(file, "service_account, the path of its JSON")?;
        let account = read_secret_text(&named.service_account, LONGEST)?;
        return Ok(builder.with_service_account_key(account.expose_secret()));
    }
    let login = environment("HOME").map(|home| Path::new(&home).join(GOOGLE_LOGIN));
    match login.filter(|login| login.exists()) {
        Some(login) => Err(StoreError::setting(format!(
            "{} is a person's login, and is not used: name a service account by `credentials`, or set another HOME",
            login.display()
        ))),
        None => Ok(builder),
    }
}

/// Reads a file of credentials; no error quotes it.
fn read<T: DeserializeOwned>(file: &Path, what: &str) -> Result<T, StoreError> {
    let text = read_secret_text(file, LONGEST)?;
    // The parser's own message would quote the line.
    toml::from_str(text.expose_secret())
        .map_err(|_| StoreError::setting(format!("{} is not a table of {what}", file.display())))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use object_store::azure::AzureConfigKey;

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn file(dir: &Path, text: &str, mode: u32) -> PathBuf {
        let path = dir.join("credentials.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn keys_come_from_a_file_that_nobody_else_reads() {
        let dir = tempfile::tempdir().unwrap();
        let text = "access_key_id = 'id'\nsecret_access_key = 'hidden'\n";
        let path = file(dir.path(), text, 0o600);
        let builder = s3(AmazonS3Builder::new(), Some(&path), &nothing).unwrap();
        assert_eq!(builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).as_deref(), Some("id"));
        assert_eq!(builder.get_config_value(&AmazonS3ConfigKey::SecretAccessKey).as_deref(), Some("hidden"));
        for (text, mode, why) in [
            (text, 0o644, "chmod 600"),
            ("access_key_id = 'id'\nsecret_access_key = hidden", 0o600, "is not a table of access_key_id"),
            ("access_key_id = 'id'\nsecret_access_key = 'hidden'\nother = 'x'", 0o600, "is not a table of"),
            ("account_key = 'hidden'", 0o600, "is not a table of"),
        ] {
            let path = file(dir.path(), text, mode);
            let refused = s3(AmazonS3Builder::new(), Some(&path), &nothing).unwrap_err();
            let said = refused.to_string();
            assert!(said.contains(why) && !said.contains("hidden") && refused.is_permanent(), "{said}");
        }
    }

    #[test]
    fn no_access_key_is_taken_from_the_environment() {
        let everything = |name: &str| Some(format!("value of {name}"));
        let builder = s3(AmazonS3Builder::new(), None, &everything).unwrap();
        let value = |key| builder.get_config_value(&key);
        assert_eq!(value(AmazonS3ConfigKey::RoleArn).as_deref(), Some("value of AWS_ROLE_ARN"));
        assert_eq!(value(AmazonS3ConfigKey::AccessKeyId), None);
        assert_eq!(value(AmazonS3ConfigKey::SecretAccessKey), None);
        let builder = azure(MicrosoftAzureBuilder::new(), None, &everything).unwrap();
        let value = |key| builder.get_config_value(&key);
        assert_eq!(value(AzureConfigKey::ClientId).as_deref(), Some("value of AZURE_CLIENT_ID"));
        assert_eq!(value(AzureConfigKey::AccessKey), None);
        assert_eq!(value(AzureConfigKey::ClientSecret), None);
    }

    #[test]
    fn a_persons_login_is_not_used_unasked() {
        let home = tempfile::tempdir().unwrap();
        let environment = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        google(GoogleCloudStorageBuilder::new(), None, &environment).unwrap();
        fs::create_dir_all(home.path().join(".config/gcloud")).unwrap();
        fs::write(home.path().join(GOOGLE_LOGIN), "{}").unwrap();
        let refused = google(GoogleCloudStorageBuilder::new(), None, &environment).unwrap_err();
        assert!(refused.to_string().contains("a person's login"), "{refused}");
    }
}
