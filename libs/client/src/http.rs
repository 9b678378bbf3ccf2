//! Calls of a service's API, each repeated until it is answered, refused, or the deadline passes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::{
    fs::File,
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, rustls};
use tokio_util::io::ReaderStream;

use crate::{Failure, IO, NOPERM, UNAVAILABLE, USAGE, printable};

const CONNECT: Duration = Duration::from_secs(5);
/// A torn connection is seen at once; a service that is stuck only by this.
const HEAD: Duration = Duration::from_secs(330);
const STALL: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);
/// Torn downloads in a row, none longer than one before, after which the fault is in what is downloaded.
const IN_VAIN: u32 = 12;
/// Answers other than downloads are small, unless a call says otherwise.
const REPLY: usize = 4 << 20;

/// Refusals whose sentence speaks for itself: the HTTP status, and the exit code that the command ends with.
pub type Refusals = &'static [(u16, u8)];

/// One call, as often as needed.
pub struct Call {
    method: Method,
    path: String,
    body: Payload,
    longest: usize,
    refusals: Refusals,
}

enum Payload {
    None,
    Json(Vec<u8>),
    File(PathBuf),
}

impl Call {
    /// `GET`
    #[must_use]
    pub fn get(path: String) -> Self {
        Self::new(Method::GET, path, Payload::None)
    }

    /// `POST` of this JSON.
    #[must_use]
    pub fn post(path: String, json: Option<Vec<u8>>) -> Self {
        Self::new(Method::POST, path, json.map_or(Payload::None, Payload::Json))
    }

    /// `PUT` of a file, a list in CSV.
    #[must_use]
    pub fn upload(path: String, file: PathBuf) -> Self {
        Self::new(Method::PUT, path, Payload::File(file))
    }

    /// The longest answer that is read, in bytes; 4 MiB without this.
    #[must_use]
    pub fn answer(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    /// What refusals end with; without this only unusable input (422), with 64.
    #[must_use]
    pub fn refused(mut self, refusals: Refusals) -> Self {
        self.refusals = refusals;
        self
    }

    fn new(method: Method, path: String, body: Payload) -> Self {
        Self { method, path, body, longest: REPLY, refusals: &[(422, USAGE)] }
    }
}

/// Why a call has to be made again, or must not be.
enum Trouble {
    /// Nothing was decided: the service may be restarting.
    Again(String),
    /// The service said no, in one sentence.
    No(StatusCode, String),
    /// An answer broke off after this many bytes.
    Torn(u64, &'static str),
    /// Something here is broken.
    Here(Failure),
}

/// Where a service is, and who calls.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Its listener, an https address.
    pub url: &'a str,
    /// PEM file of the authority that signed the listener's certificate.
    pub ca: &'a Path,
    /// File with the bearer key.
    pub key_file: &'a Path,
    /// How long every call together may take.
    pub patience: Duration,
}

/// A client of one listener.
pub struct Client {
    address: String,
    /// As it was given, for what is said of a wrong one.
    ca: PathBuf,
    name: ServerName<'static>,
    tls: TlsConnector,
    authorization: SecretString,
    deadline: Instant,
}

impl Client {
    /// A client that connects when it is used.
    ///
    /// # Errors
    /// An address or a file that can't be used.
    pub fn new(access: &Access<'_>) -> Result<Self, Failure> {
        let bad = |what: String| Failure::new(USAGE, what);
        let url = url::Url::parse(access.url)
            .map_err(|_| bad(format!("--url {} is not an address", access.url)))?;
        let host = url.host_str().filter(|_| url.scheme() == "https");
        let host = host.ok_or_else(|| bad(format!("--url {} is not an https address", access.url)))?;
        let plain = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let key = maily_chassis::read_secret(access.key_file).map_err(|error| bad(error.to_string()))?;
        let tls =
            maily_chassis::tls::edge_client(access.ca, &[b"http/1.1"]).map_err(|e| bad(e.to_string()))?;
        Ok(Self {
            address: format!("{host}:{}", url.port_or_known_default().unwrap_or(443)),
            ca: access.ca.to_owned(),
            name: ServerName::try_from(plain)
                .map_err(|_| bad(format!("--url {} names no host", access.url)))?,
            tls: TlsConnector::from(tls),
            authorization: format!("Bearer {}", key.expose_secret()).into(),
            deadline: Instant::now() + access.patience,
        })
    }

    /// Makes a call until it is answered; the answer's JSON.
    ///
    /// # Errors
    /// The call is refused, or was not answered in time.
    pub async fn json(&self, call: Call) -> Result<Value, Failure> {
        self.persist(call.refusals, || async {
            let response = self.send(&call).await?;
            let body = http_body_util::Limited::new(response.into_body(), call.longest).collect();
            let bytes = timeout(STALL, body).await.map_err(|_| again("no answer"))?.map_err(|error| {
                match error.is::<LengthLimitError>() {
                    true => Trouble::Here(Failure::new(UNAVAILABLE, "the answer is too long")),
                    false => again("a torn answer"),
                }
            })?;
            let bytes = bytes.to_bytes();
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            serde_json::from_slice(&bytes).map_err(|_| again("an answer that is not JSON"))
        })
        .await
    }

    /// Downloads to a file, from the beginning again where the connection breaks.
    ///
    /// # Errors
    /// The call is refused or was not answered in time, or the file can't be written.
    pub async fn download(&self, path: &str, file: &Path) -> Result<(), Failure> {
        let call = Call::get(path.to_owned()).refused(&[(422, 1)]);
        self.persist(call.refusals, || async {
            let mut body = self.send(&call).await?.into_body();
            let mut out = create(file).map_err(|error| here(file, &error))?;
            let mut length = 0;
            while let Some(frame) =
                timeout(STALL, body.frame()).await.map_err(|_| Trouble::Torn(length, "a stalled download"))?
            {
                let frame = frame.map_err(|_| Trouble::Torn(length, "a torn download"))?;
                if let Ok(bytes) = frame.into_data() {
                    length += bytes.len() as u64;
                    out.write_all(&bytes).await.map_err(|error| here(file, &error))?;
                }
            }
            out.flush().await.map_err(|error| here(file, &error))?;
            out.sync_all().await.map_err(|error| here(file, &error))
        })
        .await
    }

    async fn persist<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        refusals: Refusals,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failure> {
        let late = |why: &str| Failure::new(UNAVAILABLE, format_args!("{}: {why}", self.address));
        let (mut last, mut farthest, mut in_vain) = (None, 0, 0);
        loop {
            let attempted = timeout_at(self.deadline, attempt()).await;
            let why = match attempted {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Trouble::Here(failure))) => return Err(failure),
                Ok(Err(Trouble::No(status, sentence))) => return Err(refusal(status, &sentence, refusals)),
                Ok(Err(Trouble::Again(why))) => why,
                Ok(Err(Trouble::Torn(length, why))) => {
                    in_vain = if length > farthest { 0 } else { in_vain + 1 };
                    farthest = farthest.max(length);
                    if in_vain == IN_VAIN {
                        return Err(late(&format!("{why}, again and again at the same place")));
                    }
                    why.to_owned()
                }
                Err(_) => return Err(late(last.as_deref().unwrap_or("no answer in time"))),
            };
            if Instant::now() + PAUSE >= self.deadline {
                return Err(late(&why));
            }
            if last.replace(why.clone()).is_none() {
                eprintln!("waiting for {} (--url): {}", self.address, printable(&why));
            }
            sleep(PAUSE).await;
        }
    }

    async fn send(&self, call: &Call) -> Result<Response<Incoming>, Trouble> {
        let request = self.request(call).await?;
        let response = timeout(HEAD, self.exchange(request)).await.map_err(|_| again("no answer"))??;
        match response.status() {
            status if status.is_success() => Ok(response),
            status if may_pass(status) => {
                let said = detail(response).await;
                Err(again(format!("HTTP status {} {said}", status.as_u16()).trim_end()))
            }
            // A torn upload: ours, so it can be sent again.
            StatusCode::BAD_REQUEST if matches!(call.body, Payload::File(_)) => {
                Err(again("the upload broke off"))
            }
            status => Err(Trouble::No(status, detail(response).await)),
        }
    }

    async fn request(&self, call: &Call) -> Result<Request<Body>, Trouble> {
        let request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::HOST, &self.address)
            .header(header::AUTHORIZATION, self.authorization.expose_secret());
        let request = match &call.body {
            Payload::None => request.body(Body::empty()),
            Payload::Json(bytes) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(bytes.clone()))
            }
            Payload::File(path) => {
                let file = File::open(path).await.map_err(|error| here(path, &error))?;
                let length = file.metadata().await.map_err(|error| here(path, &error))?.len();
                request
                    .header(header::CONTENT_TYPE, "text/csv")
                    .header(header::CONTENT_LENGTH, length)
                    .body(Body::from_stream(ReaderStream::with_capacity(file, 256 << 10)))
            }
        };
        request.map_err(|_| Trouble::Here(Failure::new(USAGE, "the key is not one that a header can carry")))
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Response<Incoming>, Trouble> {
        let connect = async {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.tls.connect(self.name.clone(), stream).await
        };
        let connected = timeout(CONNECT, connect).await.map_err(|_| again("no connection"))?;
        let stream = connected.map_err(|error| self.unconnected(&error))?;
        let torn = |error: hyper::Error| again(&error.to_string());
        let (mut send, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(torn)?;
        tokio::spawn(connection);
        send.send_request(request).await.map_err(torn)
    }

    /// No wait makes another authority's certificate ours. One that is not valid yet, or no more, may be renewed.
    fn unconnected(&self, error: &std::io::Error) -> Trouble {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(
                rustls::CertificateError::UnknownIssuer | rustls::CertificateError::BadSignature,
            )) => Trouble::Here(Failure::new(
                UNAVAILABLE,
                format_args!("{}: --ca {} doesn't sign this listener", self.address, self.ca.display()),
            )),
            _ => again(&error.to_string()),
        }
    }
}

/// Whether the same call may be answered otherwise soon: by a service that starts, or has less to do.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 502..=504)
}

fn again(why: &str) -> Trouble {
    Trouble::Again(why.to_owned())
}

fn here(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::Here(Failure::new(IO, format_args!("{}: {error}", path.display())))
}

fn create(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(File::from_std(file))
}

/// The problem's sentence (RFC 9457).
async fn detail(response: Response<Incoming>) -> String {
    let body = http_body_util::Limited::new(response.into_body(), 64 << 10).collect();
    let bytes = match timeout(STALL, body).await {
        Ok(Ok(bytes)) => bytes.to_bytes(),
        _ => return String::new(),
    };
    let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let sentence = ["detail", "title"].iter().find_map(|field| problem.get(field)?.as_str());
    sentence.unwrap_or_default().to_owned()
}

fn refusal(status: StatusCode, sentence: &str, refusals: Refusals) -> Failure {
    let code = refusals.iter().find(|(refused, _)| *refused == status.as_u16()).map(|(_, code)| *code);
    match (status, code) {
        (_, Some(code)) if !sentence.is_empty() => Failure::new(code, sentence),
        (StatusCode::UNAUTHORIZED, _) => {
            Failure::new(NOPERM, format_args!("the service does not accept the key: {sentence}"))
        }
        (StatusCode::FORBIDDEN, _) => {
            Failure::new(NOPERM, format_args!("the key may not do this: {sentence}"))
        }
        (StatusCode::INSUFFICIENT_STORAGE, _) => Failure::new(IO, sentence),
        // Our services have a sentence for what they don't find.
        (StatusCode::NOT_FOUND, _) if sentence.is_empty() => {
            Failure::new(1, "HTTP status 404: this listener does not serve what was asked of it; see --url")
        }
        // Not of our services: a status alone says nothing of what was asked.
        (_, _) if sentence.is_empty() => Failure::new(1, format_args!("HTTP status {}", status.as_u16())),
        _ => Failure::new(1, format_args!("HTTP status {}: {sentence}", status.as_u16())),
    }
}
