//! Which headers each operation obeys. Any other `x-amz-` header, and any other condition of a change, is refused: to
//! pass over what a client asks for would be to promise it.
//!
//! The owner of a bucket is none that a client can name: "If the account ID that you provide does not match the actual
//! owner of the bucket, the request fails with the HTTP status code `403 Forbidden` (access denied)" (*DeleteObject*,
//! Amazon S3 API Reference, and alike elsewhere).

use async_trait::async_trait;
use http::{Extensions, HeaderMap, Method};
use maily_chassis::{Audit, BodyShare, KeyRate};
use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use crate::access::AccessKeys;
use crate::conditions;
use crate::sums::Algorithm;

type Names = &'static [&'static str];

/// What any request may have: how it is signed and sent, and whom it costs, which is nobody.
const ANY: Names = &[
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-trailer",
    "x-amz-user-agent",
];
const SUMS: Names = &[
    "x-amz-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];
/// What is kept with an object, or is so anyway. A name that ends with `-` begins names.
const STORED: Names = &["x-amz-acl", "x-amz-meta-", "x-amz-server-side-encryption", "x-amz-storage-class"];
const READ: Names = &[
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "x-amz-checksum-mode",
];
const WRITE_IF: Names = &["if-match", "if-none-match"];
const SOURCE: Names = &[
    "x-amz-copy-source",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
];

/// The headers that each operation obeys, by S3's name of it. No other operation is served.
const OBEYED: &[(&str, &[Names])] = &[
    ("CreateBucket", &[&["x-amz-acl", "x-amz-bucket-object-lock-enabled", "x-amz-object-ownership"]]),
    ("DeleteBucket", &[]),
    ("HeadBucket", &[]),
    ("GetBucketLocation", &[]),
    ("ListBuckets", &[]),
    ("ListObjects", &[]),
    ("ListObjectsV2", &[]),
    ("PutObject", &[SUMS, STORED, WRITE_IF]),
    ("GetObject", &[READ]),
    ("HeadObject", &[READ]),
    ("GetObjectAttributes", &[&["x-amz-max-parts", "x-amz-object-attributes", "x-amz-part-number-marker"]]),
    (
        "CopyObject",
        &[
            SOURCE,
            STORED,
            WRITE_IF,
            &["x-amz-checksum-algorithm", "x-amz-metadata-directive", "x-amz-tagging-directive"],
        ],
    ),
    ("DeleteObject", &[&["if-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"]]),
    ("DeleteObjects", &[SUMS]),
    ("CreateMultipartUpload", &[STORED, &["x-amz-checksum-algorithm", "x-amz-checksum-type"]]),
    ("UploadPart", &[SUMS]),
    ("UploadPartCopy", &[SOURCE, &["x-amz-copy-source-range"]]),
    ("CompleteMultipartUpload", &[SUMS, WRITE_IF, &["x-amz-checksum-type", "x-amz-mp-object-size"]]),
    ("AbortMultipartUpload", &[]),
    ("ListParts", &[]),
    ("ListMultipartUploads", &[]),
];

/// Headers of which only some values are what this service does.
const VALUES: [(&str, Names); 9] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-bucket-object-lock-enabled", &["false"]),
    ("x-amz-checksum-mode", &["ENABLED"]),
    ("x-amz-checksum-type", &["COMPOSITE", "FULL_OBJECT"]),
    ("x-amz-metadata-directive", &["COPY", "REPLACE"]),
    ("x-amz-object-ownership", &["BucketOwnerEnforced"]),
    ("x-amz-server-side-encryption", &["AES256"]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-tagging-directive", &["COPY"]),
];

/// Conditions, which RFC 9110 has a method that changes something obey.
const CONDITIONS: Names = &["if-match", "if-none-match", "if-unmodified-since"];

/// What a signed link has in its query, and what there asks for nothing.
const QUERY: Names = &[
    "x-amz-algorithm",
    "x-amz-checksum-mode",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
];

/// Lets requests through that are signed, and ask for nothing that is not done.
pub(super) struct Allowed(pub(super) AccessKeys);

#[async_trait]
impl S3Access for Allowed {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        let owner = self.0.owner(request.credentials());
        count(&owner, request.extensions_mut()).await?;
        let (operation, query) = (request.s3_op().name(), request.uri().query());
        let checked = check(operation, request.method(), request.headers(), query);
        if let Err(refused) = &checked
            && changes(request.method())
        {
            let audit = Audit::new(action(operation), owner, subject(request.s3_path()));
            audit.ended(refused.code().as_str());
        }
        checked
    }
}

/// Counts a signed request for the owner of its key, at the rate of that, and what it holds in that one's share. Up to here the
/// body, of which nothing is read yet, would have counted for the address.
pub(super) async fn count(owner: &str, extensions: &Extensions) -> S3Result<()> {
    if let Some(share) = extensions.get::<BodyShare>() {
        share.is_of_key(owner);
    }
    if let Some(rate) = extensions.get::<KeyRate>()
        && !rate.admits(owner).await
    {
        return Err(s3_error!(SlowDown, "Please reduce your request rate."));
    }
    Ok(())
}

fn changes(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

/// The operation as the audit record has it.
fn action(operation: &str) -> String {
    let mut action = String::with_capacity(operation.len() + 4);
    for letter in operation.chars() {
        if letter.is_ascii_uppercase() && !action.is_empty() {
            action.push('_');
        }
        action.push(letter.to_ascii_lowercase());
    }
    action
}

fn subject(path: &S3Path) -> String {
    match path {
        S3Path::Root => String::new(),
        S3Path::Bucket { bucket } => bucket.to_string(),
        S3Path::Object { bucket, key } => format!("{bucket}/{key}"),
    }
}

/// Refuses what `operation` would pass over.
pub(super) fn check(
    operation: &str,
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
) -> S3Result<()> {
    let Some((_, obeyed)) = OBEYED.iter().find(|(name, _)| *name == operation) else {
        // Before s3s reads a header or a body for it, of which it might say something else.
        return Err(s3_error!(NotImplemented, "{operation} is not implemented"));
    };
    for (name, value) in headers {
        let name = name.as_str();
        let asks = name.starts_with("x-amz-") || (changes(method) && CONDITIONS.contains(&name));
        if !asks {
            continue;
        }
        if is_read(operation) && seals(name) {
            return Err(s3_error!(InvalidArgument, "{name} is for requests that store an object"));
        }
        check_header(obeyed, name, value.to_str().unwrap_or_default())?;
    }
    for name in obeyed.iter().copied().flatten() {
        conditions::check(headers, name)?;
    }
    for (name, _) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") && !QUERY.contains(&name.as_str()) {
            check_owner(&name)?;
            return Err(s3_error!(
                NotImplemented,
                "{name} is not implemented in the query: send it as a header"
            ));
        }
    }
    Ok(())
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "GetObject" | "HeadObject")
}

/// Whether a header says how an object is to be sealed under keys that the service keeps. *GetObject* (Amazon S3 API Reference):
/// "If you include the header in your GetObject requests for the object that uses these types of keys, you'll get an HTTP 400 Bad
/// Request error."
fn seals(name: &str) -> bool {
    name.strip_prefix("x-amz-server-side-encryption").is_some_and(|of| !of.starts_with("-customer-"))
}

fn check_header(obeyed: &[Names], name: &str, value: &str) -> S3Result<()> {
    check_owner(name)?;
    let known = |known: &&str| *known == name || (known.ends_with('-') && name.starts_with(known));
    if !ANY.contains(&name) && !obeyed.iter().any(|names| names.iter().any(known)) {
        return Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented: {name}"
        ));
    }
    let values = VALUES.iter().find(|(of, _)| *of == name).map(|(_, values)| *values);
    let done = match values {
        Some(values) => values.iter().any(|done| done.eq_ignore_ascii_case(value)),
        None if name.ends_with("checksum-algorithm") => Algorithm::named(value).is_some(),
        None => true,
    };
    if !done {
        return Err(s3_error!(NotImplemented, "This value of {name} is not implemented"));
    }
    Ok(())
}

/// Refuses what asks for an owner, or for credentials of a session: there are neither.
fn check_owner(name: &str) -> S3Result<()> {
    match name {
        "x-amz-expected-bucket-owner" | "x-amz-source-expected-bucket-owner" => Err(s3_error!(
            AccessDenied,
            "A bucket belongs to no account here, and so not to the expected one"
        )),
        "x-amz-security-token" => {
            Err(s3_error!(InvalidToken, "There are no sessions here: use an access key without a token"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code that a header, or a query, is refused with.
    fn refusal(operation: &str, headers: &[(&'static str, &str)], query: &str) -> Option<String> {
        let method = match operation {
            "GetObject" | "ListObjectsV2" => Method::GET,
            _ => Method::PUT,
        };
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), value.parse::<http::HeaderValue>().unwrap())
        });
        let checked = check(operation, &method, &headers.collect(), Some(query));
        checked.err().map(|error| error.code().as_str().to_owned())
    }

    fn of(operation: &str, name: &'static str, value: &str) -> Option<String> {
        refusal(operation, &[(name, value)], "")
    }

    #[test]
    fn the_record_has_operations_by_the_names_of_their_methods() {
        assert_eq!(action("AbortMultipartUpload"), "abort_multipart_upload");
        assert_eq!(action("ListObjectsV2"), "list_objects_v2");
    }

    #[test]
    fn an_operation_that_is_not_served_is_named() {
        let refused = check("PutBucketPolicy", &Method::PUT, &HeaderMap::new(), None).unwrap_err();
        assert_eq!(refused.code().as_str(), "NotImplemented");
        assert_eq!(refused.message(), Some("PutBucketPolicy is not implemented"));
    }

    #[test]
    fn a_header_is_obeyed_or_refused() {
        let refused = Some("NotImplemented".to_owned());
        assert_eq!(of("PutObject", "x-amz-acl", "private"), None);
        assert_eq!(of("PutObject", "x-amz-acl", "public-read"), refused);
        assert_eq!(of("PutObject", "x-amz-server-side-encryption", "AES256"), None);
        assert_eq!(of("PutObject", "x-amz-server-side-encryption", "aws:kms"), refused);
        assert_eq!(of("PutObject", "x-amz-server-side-encryption-customer-key", "a"), refused);
        assert_eq!(of("PutObject", "x-amz-meta-colour", "blue"), None);
        assert_eq!(of("GetObject", "x-amz-meta-colour", "blue"), refused);
        assert_eq!(of("PutObject", "x-amz-checksum-algorithm", "CRC32"), None);
        assert_eq!(of("PutObject", "x-amz-sdk-checksum-algorithm", "MD6"), refused);
        assert_eq!(of("PutObject", "x-amz-never-heard-of", "1"), refused);
        assert_eq!(of("DeleteObject", "x-amz-mfa", "1 2"), refused);
        assert_eq!(of("DeleteObject", "x-amz-if-match-size", "1"), None);
    }

    #[test]
    fn who_reads_an_object_does_not_say_how_it_is_sealed() {
        for name in ["x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"] {
            assert_eq!(of("GetObject", name, "AES256").as_deref(), Some("InvalidArgument"), "{name}");
        }
        let customer = "x-amz-server-side-encryption-customer-key";
        assert_eq!(of("GetObject", customer, "a").as_deref(), Some("NotImplemented"));
    }

    #[test]
    fn a_condition_of_a_change_is_obeyed_or_refused() {
        let refused = Some("NotImplemented".to_owned());
        assert_eq!(of("DeleteObject", "if-match", "\"a\""), None);
        assert_eq!(of("DeleteObject", "if-none-match", "*"), refused);
        assert_eq!(of("DeleteObject", "if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT"), refused);
        assert_eq!(of("DeleteObjects", "if-match", "\"a\""), refused);
        assert_eq!(of("CompleteMultipartUpload", "if-match", "\"a\""), None);
        assert_eq!(of("UploadPart", "if-match", "\"a\""), refused);
        // RFC 9110, 13.1.3: ignored in other methods than GET and HEAD.
        assert_eq!(of("PutObject", "if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT"), None);
        assert_eq!(of("ListObjectsV2", "if-match", "\"a\""), None);
    }

    #[test]
    fn a_condition_that_is_none_is_not_passed_over() {
        let refused = Some("InvalidArgument".to_owned());
        for (operation, name) in [
            ("PutObject", "if-match"),
            ("CopyObject", "x-amz-copy-source-if-none-match"),
            ("CompleteMultipartUpload", "if-none-match"),
            ("DeleteObject", "x-amz-if-match-size"),
            ("DeleteObject", "x-amz-if-match-last-modified-time"),
            ("GetObject", "if-match"),
        ] {
            assert_eq!(of(operation, name, ""), refused, "{operation} {name}");
        }
        assert_eq!(of("DeleteObject", "if-match", "\"a\" \"b\""), refused);
        assert_eq!(of("DeleteObject", "if-match", "\"a\", \"b\""), None);
    }

    #[test]
    fn no_account_owns_a_bucket() {
        for operation in ["GetObject", "DeleteObject", "DeleteObjects", "CompleteMultipartUpload"] {
            let refused = of(operation, "x-amz-expected-bucket-owner", "123456789012");
            assert_eq!(refused.as_deref(), Some("AccessDenied"), "{operation}");
        }
        assert_eq!(of("GetObject", "x-amz-security-token", "a").as_deref(), Some("InvalidToken"));
    }

    #[test]
    fn a_query_asks_as_a_header_does() {
        let asked = |query| refusal("PutObject", &[], query);
        assert_eq!(asked("X-Amz-Signature=0&x-id=PutObject&x-amz-sdk-checksum-algorithm=CRC32"), None);
        assert_eq!(asked("x-amz-acl=public-read").as_deref(), Some("NotImplemented"));
        assert_eq!(asked("x-amz-expected-bucket-owner=1").as_deref(), Some("AccessDenied"));
    }
}
