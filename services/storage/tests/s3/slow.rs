//! Clients that begin to send and do not go on.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Served;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_uploads_keep_nobody_out() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let valid = PresigningConfig::expires_in(Duration::from_secs(600)).unwrap();
    let mut unfinished = Vec::new();
    // More than are received at once.
    for n in 0..8 {
        let put = objects.sdk().put_object().bucket("things").key(format!("slow-{n}")).content_length(1000);
        let link = put.presigned(valid.clone()).await.unwrap();
        let uri: http::Uri = link.uri().parse().unwrap();
        let (path, host) = (uri.path_and_query().unwrap(), uri.authority().unwrap());
        let mut head = format!("PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n");
        for (name, value) in link.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("Expect: 100-continue\r\n\r\n");
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // It is told to go on when its body is read.
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(str::from_utf8(&answer), Ok("HTTP/1.1 100"));
        stream.write_all(&[b'x'; 500]).await.unwrap();
        unfinished.push(stream);
    }
    objects.put("things", "quick", "hello".into()).await.unwrap();
    assert_eq!(objects.get("things", "quick").await.unwrap(), "hello");
}
