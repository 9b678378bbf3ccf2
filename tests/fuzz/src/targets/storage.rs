//! S3 requests as they come from the network, unsigned or signed wrongly.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use maily_keys::{AccessAction, AccessKey, AccessRule, LocalKeyring};
use maily_storage::Storage;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::{Kind, Target, runtime, text};

/// The longest object that it would take.
const LONGEST: u64 = 1 << 20;

/// A request as HTTP/1.1 writes it.
pub(super) const S3: Kind = Kind {
    name: "s3",
    what: "S3 requests: paths, queries, signatures, headers (maily_storage)",
    dictionary: &[
        "GET",
        "PUT",
        "POST",
        "DELETE",
        "HEAD",
        "?list-type=2",
        "?uploads",
        "?uploadId=",
        "&partNumber=",
        "?delete",
        "?versioning",
        "?location",
        "%00",
        "%2F",
        "%25",
        "..",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=both/20260101/eu/s3/aws4_request",
        "X-Amz-Date=20260101T000000Z",
        "X-Amz-Expires=",
        "X-Amz-SignedHeaders=host",
        "X-Amz-Signature=",
        "authorization: AWS4-HMAC-SHA256 Credential=",
        "SignedHeaders=",
        "x-amz-content-sha256: UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-copy-source: ",
        "range: bytes=",
        "if-match: ",
        "content-md5: ",
        "x-amz-checksum-crc32: ",
        "host: ",
        "AWS both:",
        "content-length: ",
        "transfer-encoding: chunked",
    ],
    longest: 8 << 10,
    runs: 1_500,
    seeds: || Ok(Vec::new()),
    make: || {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let (runtime, folder) = (runtime()?, tempfile::tempdir().map_err(|error| said(&error))?);
        let roots = LocalKeyring::open(folder.path().join("keyring.json")).map_err(|error| said(&error))?;
        let key = AccessKey {
            id: "both".into(),
            secret: "a secret that is long enough, and known to nobody".to_owned().into(),
            name: "both".into(),
            regions: vec!["eu".into(), "us".into()],
            allow: Some(vec![AccessRule {
                bucket: "*".into(),
                prefix: String::new(),
                actions: vec![
                    AccessAction::Read,
                    AccessAction::Write,
                    AccessAction::Delete,
                    AccessAction::List,
                ],
            }]),
        };
        let objects = folder.path().join("objects");
        let stores = maily_storage::folders(&objects).map_err(|error| said(&error))?;
        let opened = Storage::open(stores, "acme", Arc::new(roots), vec![key], LONGEST);
        let storage = runtime.block_on(opened).map_err(|error| said(&error))?;
        Ok(Box::new(Requests { runtime, router: storage.router(), _storage: storage, _folder: folder }))
    },
};

struct Requests {
    runtime: Runtime,
    router: axum::Router,
    _storage: Storage,
    _folder: TempDir,
}

impl Target for Requests {
    fn run(&mut self, input: &[u8]) -> String {
        let Some(request) = request(input) else { return "no request".to_owned() };
        let router = self.router.clone();
        self.runtime.block_on(async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            let (head, body) = response.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            // S3's name of the error.
            let body = text(&body);
            let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split('<').next());
            format!("{:?} {}", head.status.canonical_reason(), code.unwrap_or_default())
        })
    }
}

/// What a server makes of the bytes: lines of the head up to an empty one, then the body.
fn request(input: &[u8]) -> Option<Request<Body>> {
    let end = input.windows(2).position(|two| two == b"\n\n").unwrap_or(input.len());
    let (head, body) = input.split_at(end);
    let head = text(head);
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    request.body(Body::from(body.get(2..).unwrap_or_default().to_vec())).ok()
}
