//! A storage of the test's own, and clients for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use maily_keys::{AccessAction, AccessKey, AccessRule, LocalKeyring};
use maily_objects::{Exchange, Objects};
use maily_storage::{Storage, folders};
use tempfile::TempDir;

/// The longest object the test storages take.
pub(crate) const LIMIT: u64 = 2 << 30;

/// A key that may do everything in `regions`, but in the orchestrator's buckets.
pub(crate) fn key(id: &str, regions: &[&str]) -> AccessKey {
    AccessKey {
        id: id.into(),
        secret: format!("secret of {id}, long enough").into(),
        name: id.into(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        allow: Some(vec![AccessRule {
            bucket: "*".into(),
            prefix: String::new(),
            actions: vec![AccessAction::Read, AccessAction::Write, AccessAction::Delete, AccessAction::List],
        }]),
    }
}

/// The orchestrator's key, as it is without rules.
pub(crate) fn orchestrator(regions: &[&str]) -> AccessKey {
    AccessKey { allow: None, ..key("orchestrator", regions) }
}

/// A key that may do these in eu: bucket, prefix and actions.
pub(crate) fn told(id: &str, rules: &[(&str, &str, &[AccessAction])]) -> AccessKey {
    let rule = |(bucket, prefix, actions): &(&str, &str, &[AccessAction])| AccessRule {
        bucket: (*bucket).to_owned(),
        prefix: (*prefix).to_owned(),
        actions: actions.to_vec(),
    };
    AccessKey { allow: Some(rules.iter().map(rule).collect()), ..key(id, &["eu"]) }
}

/// `both` may be used in eu and us, `us-only` in us.
fn keys() -> Vec<AccessKey> {
    vec![key("both", &["eu", "us"]), key("us-only", &["us"])]
}

pub(crate) async fn open(dir: &Path) -> Storage {
    let roots = Arc::new(LocalKeyring::open(dir.join("keyring.json")).unwrap());
    Storage::open(folders(&dir.join("objects")).unwrap(), "acme", roots, keys(), LIMIT).await.unwrap()
}

/// Serves `storage` on a port of 127.0.0.1, until the runtime ends.
pub(crate) async fn serve(storage: &Storage) -> SocketAddr {
    serve_router(storage.router()).await
}

pub(crate) async fn serve_router(router: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A storage in a folder of its own, served.
pub(crate) struct Served {
    pub(crate) dir: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) storage: Storage,
}

impl Served {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let storage = open(dir.path()).await;
        let address = serve(&storage).await;
        Self { dir, address, storage }
    }

    /// A client of the region with a key that may be used there.
    pub(crate) fn objects(&self, region: &str) -> Objects {
        client(self.address, &key("both", &[]), region)
    }

    /// Every file below the storage's folder whose path has `part` in it.
    pub(crate) fn files(&self, part: &str) -> Vec<PathBuf> {
        files(self.dir.path(), part)
    }
}

pub(crate) fn files(dir: &Path, part: &str) -> Vec<PathBuf> {
    let (mut left, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(path) = left.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => left.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) if path.to_string_lossy().contains(part) => found.push(path),
            Err(_) => {}
        }
    }
    found
}

pub(crate) fn client(address: SocketAddr, key: &AccessKey, region: &str) -> Objects {
    Objects::over(plain(address), key, region).with_deadline(Duration::from_secs(20))
}

/// Sends every request to `address`, in the clear.
pub(crate) fn plain(address: SocketAddr) -> impl Exchange {
    moving(Arc::new(Mutex::new(address)))
}

/// Sends every request to what `address` is by then.
pub(crate) fn moving(address: Arc<Mutex<SocketAddr>>) -> impl Exchange {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    tower::service_fn(move |mut request: Request<Body>| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let address = *address.lock().unwrap();
        *request.uri_mut() = format!("http://{address}{path}").parse().unwrap();
        client.request(request)
    })
}

/// One request as it is, such as a presigned URL; the host it names is kept as its header.
pub(crate) async fn fetch(address: SocketAddr, method: &str, url: &str) -> Response<Incoming> {
    fetch_with(address, method, url, &[]).await
}

/// The same with these headers.
pub(crate) async fn fetch_with(
    address: SocketAddr,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> Response<Incoming> {
    let uri: Uri = url.parse().unwrap();
    let host = uri.authority().map_or_else(|| address.to_string(), ToString::to_string);
    let mut request = Request::builder().method(method).uri(uri).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tower::ServiceExt::oneshot(plain(address), request.body(Body::empty()).unwrap()).await.unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    use http_body_util::BodyExt;
    String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned()
}

/// Bytes that do not repeat, and are the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    use rand::{RngExt, SeedableRng};
    let mut bytes = vec![0; length];
    rand::rngs::StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}

/// S3's name of the error that a call of the SDK failed with.
pub(crate) fn code<T, E, R>(result: Result<T, aws_sdk_s3::error::SdkError<E, R>>) -> String
where
    E: aws_sdk_s3::error::ProvideErrorMetadata,
{
    use aws_sdk_s3::error::ProvideErrorMetadata;
    let error = result.err().expect("the call should have been refused");
    let status = "no code".to_owned();
    error.code().map_or(status, str::to_owned)
}
