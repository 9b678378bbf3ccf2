//! With how much memory, and (printed only) how fast.

use std::time::Instant;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::child::Process;
use crate::support::{client, key, noise};

const MIB: usize = 1 << 20;

/// A body of `pieces` MiB that is never whole in memory.
fn synthetic(pieces: usize) -> ByteStream {
    let piece = Bytes::from(noise(3, MIB));
    let frames = stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(Frame::data(piece.clone()))));
    ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(frames)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_larger_than_memory_passes_through() {
    const PIECES: usize = 600;
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path());
    let objects = client(process.address, &key("both", &[]), "eu");
    objects.ensure_bucket("things").await.unwrap();
    let start = Instant::now();
    let put = objects.sdk().put_object().bucket("things").key("big").body(synthetic(PIECES));
    let put = put.content_length((PIECES * MIB) as i64);
    let patient = aws_sdk_s3::config::timeout::TimeoutConfig::builder();
    let patient = patient.operation_attempt_timeout(std::time::Duration::from_secs(300)).build();
    let put = put.customize().config_override(aws_sdk_s3::Config::builder().timeout_config(patient));
    put.send().await.unwrap();
    let written = start.elapsed();
    let start = Instant::now();
    let expected = noise(3, MIB);
    let mut read = 0;
    let mut body = Box::pin(objects.get_stream("things", "big").await.unwrap());
    while let Some(bytes) = body.next().await {
        let bytes = bytes.unwrap();
        let (at, length) = (read % MIB, bytes.len().min(MIB - read % MIB));
        assert!(bytes[..length] == expected[at..at + length], "at {read}");
        read += bytes.len();
    }
    assert_eq!(read, PIECES * MIB);
    let peak = process.peak();
    println!("600 MiB through a process of {peak} MiB: in {written:?}, out {:?}", start.elapsed());
    assert!(peak < 300, "{peak} MiB");
}

/// Segments of a campaign: 3 MB each, a few at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_go_in_and_out_whole() {
    const SEGMENTS: usize = 100;
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path());
    let objects = client(process.address, &key("both", &[]), "eu");
    objects.ensure_bucket("things").await.unwrap();
    let segment = Bytes::from(noise(4, 3_000_000));
    let rate = |start: Instant| (SEGMENTS * segment.len()) as f64 / 1e6 / start.elapsed().as_secs_f64();

    let start = Instant::now();
    let puts = (0..SEGMENTS).map(|n| {
        let (objects, segment) = (objects.clone(), segment.clone());
        async move { objects.put("things", &format!("{n:03}"), segment).await }
    });
    stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(4).try_collect::<Vec<_>>().await.unwrap();
    let put = rate(start);
    let start = Instant::now();
    let gets = (0..SEGMENTS).map(|n| {
        let objects = objects.clone();
        async move { objects.get("things", &format!("{n:03}")).await }
    });
    let got: Vec<Bytes> =
        stream::iter(gets.collect::<Vec<_>>()).buffer_unordered(4).try_collect().await.unwrap();
    let get = rate(start);
    assert!(got.iter().all(|bytes| *bytes == segment));
    println!("segments of 3 MB: put {put:.0} MB/s, get {get:.0} MB/s, peak {} MiB", process.peak());
    assert!(process.peak() < 300, "{} MiB", process.peak());
}
