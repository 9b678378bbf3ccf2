//! Where a store is: `file:///folder`, `s3://bucket/prefix`, `az://container/prefix` or `gs://bucket/prefix`.
//!
//! The parser is strict, and takes each character as it stands: what a more generous one would repair (`..`, percent signs,
//! doubled slashes) is read differently by each store's tools.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use object_store::path::Path;
use serde::Deserialize;

/// Who runs a store of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    S3,
    Azure,
    Google,
}

/// The place of a store, which holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StoreUrl(pub(crate) Place);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket { provider: Provider, bucket: String, prefix: Path },
}

/// What is wrong with a store's URL. It is not quoted: it may hold what it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not begin with a scheme that is known.
    #[error("its URL begins with file:///, s3://, az:// or gs://")]
    Scheme,
    /// It has a user's name or a password.
    #[error("its URL has no credentials in it: they are in a file, which `credentials` names")]
    Credentials,
    /// It has a query or a fragment.
    #[error("its URL has no query and no fragment (? and #)")]
    Query,
    /// It names no bucket.
    #[error("its URL names a bucket, or in Azure a container: s3://BUCKET/PREFIX")]
    NoBucket,
    /// That is no bucket's name.
    #[error("its bucket's name has 3 to 63 of a-z 0-9 . - _ and begins and ends with a letter or a digit")]
    Bucket,
    /// The prefix could be read in more than one way.
    #[error("its prefix consists of names with one slash between, none of them . or .., without % and \\")]
    Prefix,
    /// It names no folder by an absolute path.
    #[error(
        "its URL names a folder by its absolute path, below the root and without . and ..: file:///var/lib/maily"
    )]
    Folder,
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let provider = match scheme {
            "file" => return folder(rest).map(Self),
            "s3" => Provider::S3,
            "az" => Provider::Azure,
            "gs" => Provider::Google,
            _ => return Err(UrlError::Scheme),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err(UrlError::Credentials);
        }
        if rest.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let place = Place::Bucket { provider, bucket: named(bucket)?.to_owned(), prefix: prefixed(prefix)? };
        Ok(Self(place))
    }
}

fn folder(rest: &str) -> Result<Place, UrlError> {
    if rest.contains(['?', '#']) {
        return Err(UrlError::Query);
    }
    let is_absolute = rest.starts_with('/');
    let is_below_the_root = rest.split('/').any(|name| !name.is_empty());
    let unclear = rest.contains(['%', '\0']) || rest.split('/').any(|name| matches!(name, "." | ".."));
    if is_absolute && is_below_the_root && !unclear {
        Ok(Place::Folder(rest.into()))
    } else {
        Err(UrlError::Folder)
    }
}

/// The rule that S3, Azure and Google have in common, and Google's underscore.
fn named(bucket: &str) -> Result<&str, UrlError> {
    if bucket.is_empty() {
        return Err(UrlError::NoBucket);
    }
    let solid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = |byte: u8| solid(byte) || matches!(byte, b'.' | b'-' | b'_');
    let ends = [bucket.bytes().next(), bucket.bytes().next_back()];
    let is_solid = ends.into_iter().flatten().all(solid);
    let is_name = (3..=63).contains(&bucket.len()) && bucket.bytes().all(fits) && !bucket.contains("..");
    if is_name && is_solid { Ok(bucket) } else { Err(UrlError::Bucket) }
}

fn prefixed(prefix: &str) -> Result<Path, UrlError> {
    // What a shell's completion leaves.
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let unclear = prefix.contains(['%', '\\']) || prefix.starts_with('/') || prefix.ends_with('/');
    if unclear { Err(UrlError::Prefix) } else { Path::parse(prefix).map_err(|_| UrlError::Prefix) }
}

impl TryFrom<String> for StoreUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Folder(path) => write!(f, "file://{}", path.display()),
            Place::Bucket { provider, bucket, prefix } => {
                let scheme = match provider {
                    Provider::S3 => "s3",
                    Provider::Azure => "az",
                    Provider::Google => "gs",
                };
                write!(f, "{scheme}://{bucket}")?;
                if prefix.is_root() { Ok(()) } else { write!(f, "/{prefix}") }
            }
        }
    }
}

impl StoreUrl {
    /// The folder at an absolute path.
    ///
    /// # Errors
    /// [`UrlError::Folder`] for any other path, or one that is not UTF-8.
    pub fn folder(path: &std::path::Path) -> Result<Self, UrlError> {
        path.to_str().ok_or(UrlError::Folder).and_then(folder).map(Self)
    }

    /// Whether something in the one may be something in the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Folder(one), Place::Folder(two)) => one.starts_with(two) || two.starts_with(one),
            (Place::Bucket { prefix: one, .. }, Place::Bucket { prefix: two, .. }) => {
                self.bucket() == other.bucket() && (one.prefix_matches(two) || two.prefix_matches(one))
            }
            _ => false,
        }
    }

    fn bucket(&self) -> Option<(Provider, &str)> {
        match &self.0 {
            Place::Folder(_) => None,
            Place::Bucket { provider, bucket, .. } => Some((*provider, bucket)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<StoreUrl, UrlError> {
        text.parse()
    }

    #[test]
    fn a_url_is_read_and_written_as_it_is() {
        for url in [
            "file:///var/lib/maily",
            "s3://bucket",
            "s3://bucket.of-ours/eu/storage",
            "az://container/eu",
            "gs://bucket_1/a b",
        ] {
            assert_eq!(parsed(url).unwrap().to_string(), url);
        }
        assert_eq!(parsed("s3://bucket/eu/").unwrap(), parsed("s3://bucket/eu").unwrap());
        assert_eq!(parsed("s3://bucket/").unwrap(), parsed("s3://bucket").unwrap());
    }

    #[test]
    fn each_fault_has_its_sentence() {
        for (url, fault) in [
            ("", UrlError::Scheme),
            ("/var/lib/maily", UrlError::Scheme),
            ("ftp://bucket", UrlError::Scheme),
            ("S3://bucket", UrlError::Scheme),
            ("s3://", UrlError::NoBucket),
            ("s3:///prefix", UrlError::NoBucket),
            ("s3://id:secret@bucket/prefix", UrlError::Credentials),
            ("az://container@account/prefix", UrlError::Credentials),
            ("s3://bucket/prefix?versionId=1", UrlError::Query),
            ("s3://bucket#part", UrlError::Query),
            ("file:///var/lib?x", UrlError::Query),
            ("s3://ab", UrlError::Bucket),
            ("s3://Bucket", UrlError::Bucket),
            ("s3://-bucket", UrlError::Bucket),
            ("s3://bucket:9000/prefix", UrlError::Bucket),
            ("s3://a..b/prefix", UrlError::Bucket),
            ("s3://bucket/..", UrlError::Prefix),
            ("s3://bucket/a/../b", UrlError::Prefix),
            ("s3://bucket/a/./b", UrlError::Prefix),
            ("s3://bucket/a//b", UrlError::Prefix),
            ("s3://bucket//a", UrlError::Prefix),
            ("s3://bucket/a%2Fb", UrlError::Prefix),
            ("s3://bucket/a\\b", UrlError::Prefix),
            ("file://relative/path", UrlError::Folder),
            ("file://", UrlError::Folder),
            ("file:///", UrlError::Folder),
            ("file:///var/../etc", UrlError::Folder),
            ("file:///var/./lib", UrlError::Folder),
            ("file:///var%20lib", UrlError::Folder),
        ] {
            assert_eq!(parsed(url), Err(fault), "{url}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }

    #[test]
    fn stores_that_share_something_are_told() {
        for (one, two, overlap) in [
            ("s3://bucket", "s3://bucket/eu", true),
            ("s3://bucket/eu", "s3://bucket/eu", true),
            ("s3://bucket/eu", "s3://bucket/eu-2", false),
            ("s3://bucket/eu", "gs://bucket/eu", false),
            ("s3://bucket-1", "s3://bucket-2", false),
            ("file:///data/eu", "file:///data", true),
            ("file:///data/eu", "file:///data/eu-2", false),
            ("file:///data/eu", "s3://data/eu", false),
        ] {
            let (one, two) = (parsed(one).unwrap(), parsed(two).unwrap());
            assert_eq!((one.overlaps(&two), two.overlaps(&one)), (overlap, overlap), "{one} {two}");
        }
    }
}
