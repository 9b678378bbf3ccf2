//! S3 over HTTP/2: an error to `HEAD`, and uploads that wait for `100 Continue`, which hyper does not send there.

use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::Served;

/// More than any answer here takes.
const SOON: Duration = Duration::from_secs(20);

async fn connect(address: SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (send, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

async fn answered(
    answer: impl Future<Output = hyper::Result<http::Response<Incoming>>>,
) -> (u16, bool, String) {
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    let (status, ended) = (answer.status().as_u16(), answer.body().is_end_stream());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, ended, String::from_utf8_lossy(&body).into_owned())
}

fn for_a_minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

#[tokio::test]
async fn an_error_to_a_head_has_no_body() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let head = objects.sdk().head_object().bucket("things").key("none");
    let link = head.presigned(for_a_minute()).await.unwrap();
    let mut send = connect(served.address).await;
    let mut ask = |method: Method, uri: &str| {
        let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
        send.send_request(request)
    };
    assert_eq!(answered(ask(Method::HEAD, link.uri())).await, (404, true, String::new()));
    let unsigned = format!("http://{}/things/none", served.address);
    assert_eq!(answered(ask(Method::HEAD, &unsigned)).await, (403, true, String::new()));
    let (status, ended, said) = answered(ask(Method::GET, &unsigned)).await;
    assert!(status == 403 && !ended && said.contains("<Code>AccessDenied</Code>"), "{said}");
}

/// An upload of five bytes that waits for a word, and what they are sent by.
fn expecting(link: &PresignedRequest, uri: &str) -> (mpsc::Sender<Bytes>, Request<Body>) {
    let (pieces, sent) = mpsc::channel::<Bytes>(1);
    let sent = futures::stream::unfold(sent, async |mut sent: mpsc::Receiver<Bytes>| {
        let piece = sent.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), sent))
    });
    let mut request = Request::put(uri).header("expect", "100-continue").header("content-length", "5");
    for (name, value) in link.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
        request = request.header(name, value);
    }
    (pieces, request.body(Body::from_stream(sent)).unwrap())
}

#[tokio::test]
async fn an_upload_that_waits_for_continue_is_answered() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let put = objects.sdk().put_object().bucket("things").key("a").content_length(5);
    let link = put.presigned(for_a_minute()).await.unwrap();
    let mut send = connect(served.address).await;

    let tampered = link.uri().replace("/a?", "/b?");
    assert_ne!(tampered, link.uri());
    let (_never_sent, request) = expecting(&link, &tampered);
    let (status, _, said) = answered(send.send_request(request)).await;
    assert!(status == 403 && said.contains("<Code>SignatureDoesNotMatch</Code>"), "before the body: {said}");

    let (pieces, request) = expecting(&link, link.uri());
    let mut answer = std::pin::pin!(send.send_request(request));
    let waited = timeout(Duration::from_millis(200), answer.as_mut()).await;
    assert!(waited.is_err(), "nothing comes, and the body is waited for");
    pieces.send("hello".into()).await.unwrap();
    drop(pieces);
    let (status, _, said) = answered(answer).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(objects.get("things", "a").await.unwrap(), "hello");
}
