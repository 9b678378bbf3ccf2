//! Conditional writes: of all who race, exactly one wins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use axum::body::Body;
use futures::future::join_all;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use maily_objects::{Error, Exchange, Objects};
use tower::ServiceExt;

use crate::support::{Served, code, fetch_with, key, plain};

const WRITERS: usize = 8;
const ROUNDS: usize = 25;

/// The body, and the entity tag, of the one writer that won; the others must have been told that they lost.
async fn race(objects: &Objects, key: &str, expected: Option<&str>) -> (String, String) {
    let writing = (0..WRITERS).map(|writer| {
        let (objects, key, expected) = (objects.clone(), key.to_owned(), expected.map(str::to_owned));
        tokio::spawn(async move {
            let body = format!("{key} by {writer}");
            let put = objects.sdk().put_object().bucket("things").key(key);
            let put = put.body(ByteStream::from(body.clone().into_bytes()));
            let put = match expected {
                Some(etag) => put.if_match(etag),
                None => put.if_none_match("*"),
            };
            match put.send().await {
                Ok(put) => Ok((body, put.e_tag().unwrap().to_owned())),
                refused => Err(code(refused)),
            }
        })
    });
    let ends = join_all(writing).await.into_iter().map(Result::unwrap);
    let (won, lost): (Vec<_>, Vec<_>) = ends.partition(Result::is_ok);
    assert_eq!(won.len(), 1, "exactly one wins");
    assert!(lost.into_iter().all(|lost| lost.unwrap_err() == "PreconditionFailed"));
    won.into_iter().next().unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_eight_wins_each_round() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    for round in 0..ROUNDS {
        let (body, _) = race(&objects, &format!("new {round}"), None).await;
        assert_eq!(objects.get("things", &format!("new {round}")).await.unwrap(), body);
    }
    let mut etag = format!("\"{}\"", objects.put("things", "one", "first".into()).await.unwrap());
    for _ in 0..ROUNDS {
        let body;
        let before = etag.clone();
        // Bodies differ by writer only, so a winner may write what is there: start each round from another.
        (body, etag) = race(&objects, "one", Some(&before)).await;
        assert_eq!(objects.get("things", "one").await.unwrap(), body);
        etag = format!("\"{}\"", objects.put("things", "one", format!("after {etag}").into()).await.unwrap());
    }
}

#[tokio::test]
async fn completing_an_upload_is_conditional_too() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let made = sdk.create_multipart_upload().bucket("things").key("a").send().await.unwrap();
    let id = made.upload_id().unwrap();
    let part = sdk.upload_part().bucket("things").key("a").upload_id(id).part_number(1);
    let part = part.body(ByteStream::from_static(b"one")).send().await.unwrap();
    objects.put("things", "a", "was first".into()).await.unwrap();
    let parts = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let parts = CompletedMultipartUpload::builder().parts(parts).build();
    let complete =
        sdk.complete_multipart_upload().bucket("things").key("a").upload_id(id).multipart_upload(parts);
    assert_eq!(code(complete.clone().if_none_match("*").send().await), "PreconditionFailed");
    assert_eq!(objects.get("things", "a").await.unwrap(), "was first");
    complete.send().await.unwrap();
    assert_eq!(objects.get("things", "a").await.unwrap(), "one");
}

#[tokio::test]
async fn conditions_of_readers_and_absent_objects() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let absent = objects.sdk().put_object().bucket("things").key("a").if_match("\"x\"").send().await;
    assert_eq!(code(absent), "NoSuchKey");
    assert!(objects.put_if_absent("things", "a", "1".into()).await.unwrap());
    assert!(!objects.put_if_absent("things", "a", "2".into()).await.unwrap());
    let etag = objects.put("things", "a", "3".into()).await.unwrap();
    let get = || objects.sdk().get_object().bucket("things").key("a");
    let status =
        |result: Result<_, aws_sdk_s3::error::SdkError<_, aws_sdk_s3::config::http::HttpResponse>>| {
            result.map(|_: aws_sdk_s3::operation::get_object::GetObjectOutput| 200).unwrap_or_else(
                |error: aws_sdk_s3::error::SdkError<aws_sdk_s3::operation::get_object::GetObjectError, _>| {
                    error.raw_response().unwrap().status().as_u16()
                },
            )
        };
    assert_eq!(status(get().if_none_match(format!("\"{etag}\"")).send().await), 304);
    assert_eq!(status(get().if_match("\"other\"").send().await), 412);
    assert_eq!(status(get().if_match(format!("\"{etag}\"")).send().await), 200);
}

#[tokio::test]
async fn what_is_not_modified_is_kept_by_the_same_headers() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let put = objects.sdk().put_object().bucket("things").key("a").body(ByteStream::from_static(b"1"));
    let expires = aws_sdk_s3::primitives::DateTime::from_secs(1_900_000_000);
    put.cache_control("max-age=60").expires(expires).send().await.unwrap();
    let link = objects.sdk().get_object().bucket("things").key("a");
    let link = link.presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let whole = fetch_with(served.address, "GET", link.uri(), &[]).await;
    let kept = fetch_with(served.address, "GET", link.uri(), &[("if-none-match", "*")]).await;
    assert_eq!((whole.status().as_u16(), kept.status().as_u16()), (200, 304));
    for name in ["etag", "last-modified", "cache-control", "expires"] {
        assert_eq!(kept.headers()[name], whole.headers()[name], "{name}");
    }
}

#[tokio::test]
async fn a_condition_names_several_tags_or_is_refused() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let etag = format!("\"{}\"", objects.put("things", "a", "1".into()).await.unwrap());
    let list = format!("\"other\", {etag}");
    let put = || objects.sdk().put_object().bucket("things").key("a").body(ByteStream::from_static(b"1"));
    assert_eq!(code(put().if_none_match(&list).send().await), "PreconditionFailed");
    put().if_match(&list).send().await.unwrap();
    let copy = || objects.sdk().copy_object().bucket("things").key("b").copy_source("things/a");
    assert_eq!(code(copy().copy_source_if_none_match(&list).send().await), "PreconditionFailed");
    copy().copy_source_if_match(&list).send().await.unwrap();
    let link = objects.sdk().get_object().bucket("things").key("a");
    let link = link.presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let asked: [(&[(&str, &str)], u16); 7] = [
        (&[("if-none-match", list.as_str())], 304),
        (&[("if-none-match", "\"other\""), ("if-none-match", etag.as_str())], 304),
        (&[("if-none-match", "\"other\""), ("if-none-match", "\"another\"")], 200),
        (&[("if-match", "\"other\""), ("if-match", etag.as_str())], 200),
        (&[("if-match", "")], 400),
        (&[("if-match", "\"other\" \"another\"")], 400),
        (&[("if-match", "*"), ("if-match", etag.as_str())], 400),
    ];
    for (lines, status) in asked {
        let answer = fetch_with(served.address, "GET", link.uri(), lines).await;
        assert_eq!(answer.status(), status, "{lines:?}");
    }
}

#[tokio::test]
async fn deletes_are_conditional_too() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let etag = objects.put("things", "a", "one".into()).await.unwrap();
    let delete = || objects.sdk().delete_object().bucket("things").key("a");
    for wrong in [delete().if_match("\"other\""), delete().if_match_size(4)] {
        assert_eq!(code(wrong.send().await), "PreconditionFailed");
    }
    let long_ago = aws_sdk_s3::primitives::DateTime::from_secs(1);
    assert_eq!(code(delete().if_match_last_modified_time(long_ago).send().await), "PreconditionFailed");
    let many = async |entry: ObjectIdentifier| {
        let delete = Delete::builder().objects(entry).build().unwrap();
        let done = objects.sdk().delete_objects().bucket("things").delete(delete).send().await.unwrap();
        done.errors().first().map(|error| error.code().unwrap().to_owned())
    };
    let entry = || ObjectIdentifier::builder().key("a");
    let failed = Some("PreconditionFailed".to_owned());
    assert_eq!(many(entry().e_tag("\"other\"").build().unwrap()).await, failed);
    assert_eq!(many(entry().size(4).build().unwrap()).await, failed);
    assert_eq!(many(entry().last_modified_time(long_ago).build().unwrap()).await, failed);
    assert_eq!(objects.get("things", "a").await.unwrap(), "one");

    delete().if_match(format!("\"{etag}\"")).if_match_size(3).send().await.unwrap();
    assert!(matches!(objects.get("things", "a").await, Err(maily_objects::Error::NotFound)));
    delete().if_match("\"other\"").send().await.unwrap();
    objects.put("things", "a", "two".into()).await.unwrap();
    assert_eq!(many(entry().e_tag("*").size(3).build().unwrap()).await, None);
    assert!(matches!(objects.get("things", "a").await, Err(maily_objects::Error::NotFound)));
}

/// Storage over a network that loses the answer to the first `PUT`, and lets no `GET` through while `deaf`.
fn losing(address: SocketAddr, deaf: Arc<AtomicBool>) -> impl Exchange {
    let (storage, lost) = (plain(address), Arc::new(AtomicBool::new(false)));
    tower::service_fn(move |request: Request<Body>| {
        let (storage, lost, deaf) = (storage.clone(), Arc::clone(&lost), Arc::clone(&deaf));
        async move {
            let broken = || std::io::Error::other("no answer");
            if request.method() == Method::GET && deaf.load(Ordering::SeqCst) {
                return Err(broken());
            }
            let put = request.method() == Method::PUT;
            let answer = storage.oneshot(request).await.map_err(|_| broken())?;
            if put && !lost.swap(true, Ordering::SeqCst) {
                return Err(broken());
            }
            Ok(answer)
        }
    })
}

#[tokio::test]
async fn what_an_unheard_attempt_wrote_is_found_out_or_not_told() {
    let served = Served::new().await;
    served.objects("eu").ensure_bucket("things").await.unwrap();
    for (at, deaf) in [("heard", false), ("deaf", true)] {
        let silence = Arc::new(AtomicBool::new(deaf));
        let over = losing(served.address, Arc::clone(&silence));
        let objects = Objects::over(over, &key("both", &[]), "eu").with_deadline(Duration::from_secs(2));
        let put = objects.put_if_absent("things", at, "mine".into()).await;
        match deaf {
            false => assert!(put.unwrap(), "the first attempt wrote it"),
            true => assert!(put.is_err(), "neither yes nor no is known to be true"),
        }
        assert_eq!(served.objects("eu").get("things", at).await.unwrap(), "mine");
    }
    assert!(!served.objects("eu").put_if_absent("things", "heard", "other".into()).await.unwrap());
}

#[tokio::test]
async fn who_dies_of_a_call_and_stays_away_is_told_from_who_was_away() {
    use std::io::ErrorKind::{self, ConnectionRefused, ConnectionReset};
    async fn failing(kind: ErrorKind) -> Result<Response<Incoming>, std::io::Error> {
        Err(kind.into())
    }
    for (first, broke) in [(ConnectionReset, true), (ConnectionRefused, false)] {
        let asked = Arc::new(AtomicBool::new(false));
        let over = tower::service_fn(move |_: Request<Body>| {
            failing(if asked.swap(true, Ordering::SeqCst) { ConnectionRefused } else { first })
        });
        let objects = Objects::over(over, &key("both", &[]), "eu").with_deadline(Duration::from_secs(1));
        let error = objects.get("things", "a").await.unwrap_err();
        assert_eq!(matches!(error, Error::Broke), broke, "{error}");
    }
}
