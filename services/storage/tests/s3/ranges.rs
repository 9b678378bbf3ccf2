//! Ranges.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use axum::Extension;
use maily_chassis::KeyRate;

use crate::support::{Served, client, code, fetch_with, key, serve_router, text};

#[tokio::test]
async fn what_is_not_one_range_is_the_whole() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "0123456789".into()).await.unwrap();
    let (get, head) = (
        || objects.sdk().get_object().bucket("things").key("a"),
        || objects.sdk().head_object().bucket("things").key("a"),
    );
    for range in ["bytes=0-1,4-5", "bytes=", "bytes=a-b", "bytes=5-2", "0-1", "lines=0-1"] {
        let got = get().range(range).send().await.unwrap();
        assert_eq!(got.content_range(), None, "{range}");
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), "0123456789", "{range}");
        assert_eq!(head().range(range).send().await.unwrap().content_length(), Some(10), "{range}");
    }
    // What else was asked for counts, and so does who asks.
    assert_eq!(code(get().range("bytes=0-1,4-5").if_match("\"other\"").send().await), "PreconditionFailed");
    assert_eq!(code(get().range("bytes=").version_id("1").send().await), "NoSuchVersion");
    let elsewhere = served.objects("us").sdk().get_object().bucket("things").key("a").range("bytes=");
    assert_eq!(code(elsewhere.send().await), "AccessDenied");
    let anonymous = fetch_with(served.address, "GET", "/things/a", &[("range", "bytes=")]).await;
    assert_eq!(anonymous.status(), 403);
    let link = get().presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let several = fetch_with(served.address, "GET", link.uri(), &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!((several.status().as_u16(), text(several).await.as_str()), (200, "0123456789"));
    let forged = link.uri().replace("/a?", "/b?");
    let forged = fetch_with(served.address, "GET", &forged, &[("range", "bytes=0-1,4-5")]).await;
    assert_eq!(forged.status(), 403);
}

#[tokio::test]
async fn a_range_of_what_has_changed_is_the_whole() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let etag = format!("\"{}\"", objects.put("things", "a", "0123456789".into()).await.unwrap());
    let config = || PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let get = objects.sdk().get_object().bucket("things").key("a").presigned(config()).await.unwrap();
    let head = objects.sdk().head_object().bucket("things").key("a").presigned(config()).await.unwrap();
    let asked = async |range: &str, condition: &str| {
        let headers = [("range", range), ("if-range", condition)];
        let head = fetch_with(served.address, "HEAD", head.uri(), &headers).await;
        let got = fetch_with(served.address, "GET", get.uri(), &headers).await;
        assert_eq!(head.status(), got.status(), "{range} {condition}");
        (got.status().as_u16(), text(got).await)
    };
    let modified = fetch_with(served.address, "HEAD", head.uri(), &[]).await;
    let modified = modified.headers()["last-modified"].to_str().unwrap().to_owned();
    let (part, whole) = ((206, "12".to_owned()), (200, "0123456789".to_owned()));
    for same in [&etag, &modified] {
        assert_eq!(asked("bytes=1-2", same).await, part, "{same}");
        assert_eq!(asked("bytes=10-", same).await.0, 416, "{same}");
    }
    let weak = format!("W/{etag}");
    for other in ["\"other\"", weak.as_str(), "Thu, 01 Jan 2026 00:00:00 GMT", "what"] {
        for range in ["bytes=1-2", "bytes=10-"] {
            assert_eq!(asked(range, other).await, whole, "{range} {other}");
        }
    }
}

#[tokio::test]
async fn what_is_not_one_range_counts_for_its_key() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "0123456789".into()).await.unwrap();
    let router = served.storage.router().layer(Extension(KeyRate::of(1)));
    let objects = client(serve_router(router).await, &key("both", &[]), "eu");
    for range in ["bytes=0-1", "bytes=0-1,4-5"] {
        let get = || objects.sdk().get_object().bucket("things").key("a").range(range).send();
        let mut answer = get().await;
        // One a second: of fifty, which take less than fifty seconds, not all pass.
        for _ in 0..50 {
            if answer.is_err() {
                break;
            }
            answer = get().await;
        }
        assert_eq!(code(answer), "SlowDown", "{range}");
    }
}

#[tokio::test]
async fn an_empty_object_has_no_range() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "empty", "".into()).await.unwrap();
    for range in ["bytes=-5", "bytes=0-", "bytes=0-0", "bytes=-0"] {
        let get = objects.sdk().get_object().bucket("things").key("empty").range(range);
        assert_eq!(code(get.send().await), "InvalidRange", "{range}");
    }
    let part = objects.sdk().get_object().bucket("things").key("empty").part_number(1).send().await.unwrap();
    assert_eq!(part.content_length(), Some(0));
    let second = objects.sdk().get_object().bucket("things").key("empty").part_number(2).send().await;
    assert_eq!(code(second), "InvalidPart");
}
