//! Signatures.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;

use crate::support::{Served, client, fetch, key, text};

#[tokio::test]
async fn presigned_links_work_until_they_are_touched() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "hello".into()).await.unwrap();
    objects.put("things", "b", "other".into()).await.unwrap();
    let get = objects.sdk().get_object().bucket("things").key("a");
    let link =
        get.clone().presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let good = fetch(served.address, "GET", link.uri()).await;
    assert_eq!((good.status().as_u16(), text(good).await.as_str()), (200, "hello"));
    let longer = link.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=6000");
    for tampered in [link.uri().replace("/a?", "/b?"), longer] {
        assert_ne!(tampered, link.uri());
        let refused = fetch(served.address, "GET", &tampered).await;
        assert_eq!(refused.status(), 403);
        assert!(text(refused).await.contains("<Code>SignatureDoesNotMatch</Code>"));
    }
    assert_eq!(fetch(served.address, "PUT", link.uri()).await.status(), 403);
    let endless = fetch(served.address, "GET", &link.uri().replace("Expires=60", "Expires=604801")).await;
    assert_eq!(endless.status(), 400);
    assert!(text(endless).await.contains("<Code>AuthorizationQueryParametersError</Code>"));
    let old = PresigningConfig::builder().start_time(SystemTime::now() - Duration::from_secs(120));
    let old = old.expires_in(Duration::from_secs(60)).build().unwrap();
    let expired = fetch(served.address, "GET", get.presigned(old).await.unwrap().uri()).await;
    assert!(text(expired).await.contains("Request has expired"));
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_served() {
    let served = Served::new().await;
    served.objects("eu").ensure_bucket("things").await.unwrap();
    let anonymous = fetch(served.address, "GET", "/things").await;
    assert_eq!(anonymous.status(), 403);
    assert!(text(anonymous).await.contains("<Code>AccessDenied</Code>"));
    let mut wrong = key("both", &[]);
    wrong.secret = "not the secret of that key".to_owned().into();
    // An unknown key and a wrong secret look alike, and take the same way.
    for bad in [wrong, key("nobody-knows", &[])] {
        let refused = client(served.address, &bad, "eu").list("things", "").await.unwrap_err();
        assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));
    }
    let v2 =
        fetch(served.address, "GET", "/things/a?AWSAccessKeyId=both&Signature=x&Expires=99999999999").await;
    assert!(text(v2).await.contains("AWS4-HMAC-SHA256"));
}
