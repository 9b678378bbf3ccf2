//! Data stays in its region.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use crate::support::{Served, client, code, key};

#[tokio::test]
async fn nothing_crosses_regions() {
    let served = Served::new().await;
    let (eu, us) = (served.objects("eu"), served.objects("us"));
    eu.ensure_bucket("in-eu").await.unwrap();
    us.ensure_bucket("in-us").await.unwrap();
    eu.put("in-eu", "a", "stays".into()).await.unwrap();

    assert_eq!(us.get("in-eu", "a").await.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(us.put("in-eu", "b", "x".into()).await.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(us.list("in-eu", "").await.unwrap_err().code(), Some("AccessDenied"));
    for (client, to) in [(&us, "in-us"), (&eu, "in-us"), (&us, "in-eu")] {
        let copy = client.sdk().copy_object().bucket(to).key("b").copy_source("in-eu/a").send().await;
        assert_eq!(code(copy), "AccessDenied");
    }
    assert_eq!(us.ensure_bucket("in-eu").await.unwrap_err().code(), Some("BucketAlreadyExists"));
    let buckets = us.sdk().list_buckets().send().await.unwrap();
    assert_eq!(buckets.buckets().iter().filter_map(|bucket| bucket.name()).collect::<Vec<_>>(), ["in-us"]);
    let place = eu.sdk().get_bucket_location().bucket("in-eu").send().await.unwrap();
    assert_eq!(place.location_constraint().unwrap().as_str(), "eu");
    // The bytes lie below their region's folder and nowhere else.
    assert!(
        served.files("/blobs/").iter().all(|path| path.starts_with(served.dir.path().join("objects/eu")))
    );
}

#[tokio::test]
async fn a_key_is_for_its_regions() {
    let served = Served::new().await;
    let only_us = |region| client(served.address, &key("us-only", &[]), region);
    only_us("us").ensure_bucket("in-us").await.unwrap();
    let refused = only_us("eu").ensure_bucket("in-eu").await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
    assert!(refused.to_string().contains("region eu"), "{refused}");
    let eu = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from("eu"))
        .build();
    let there =
        only_us("us").sdk().create_bucket().bucket("in-eu").create_bucket_configuration(eu).send().await;
    assert_eq!(code(there), "AccessDenied");
    let nowhere = only_us("mars").ensure_bucket("on-mars").await.unwrap_err();
    assert_eq!(nowhere.code(), Some("AuthorizationHeaderMalformed"));
}
