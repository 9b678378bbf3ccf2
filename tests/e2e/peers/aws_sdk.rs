//! `aws-sdk-s3`, unchanged, at storage's edge listener: its own HTTPS client, only told to trust our authority.

use aws_sdk_s3::{
    Client,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{BucketLocationConstraint, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration},
};
use maily_testkit::Service;
use maily_tests::{guest::Guest, https::Https, s3, say};
use rand::{Rng as _, SeedableRng as _, rngs::ChaCha12Rng};

use crate::stack;

const MIB: usize = 1 << 20;
const BUCKET: &str = "aws-sdk";
const WRITERS: usize = 8;
const ROUNDS: usize = 25;

#[test]
fn works_unchanged() {
    let stack = stack();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = s3::client(stack.plan());
        let place =
            CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from("eu"));
        client
            .create_bucket()
            .bucket(BUCKET)
            .create_bucket_configuration(place.build())
            .send()
            .await
            .unwrap();
        let whole = multipart(&client).await;
        range(&client, &whole).await;
        let link = presign(&client).await;
        tokio::task::block_in_place(|| presigned(&stack, &link, &whole));
        races(&client).await;
    });
}

/// 16 MiB in 4 parts, the last one shorter: S3 has the others at least 5 MiB.
async fn multipart(client: &Client) -> Vec<u8> {
    let mut whole = vec![0; 16 * MIB];
    ChaCha12Rng::seed_from_u64(15).fill_bytes(&mut whole);
    let made = client.create_multipart_upload().bucket(BUCKET).key("large").send().await.unwrap();
    let id = made.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(whole.chunks(5 * MIB)) {
        let upload = client.upload_part().bucket(BUCKET).key("large").upload_id(id).part_number(number);
        let done = upload.body(ByteStream::from(part.to_vec())).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).build());
    }
    assert_eq!(parts.len(), 4);
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("large").upload_id(id);
    complete.multipart_upload(parts).send().await.unwrap();
    let back = client.get_object().bucket(BUCKET).key("large").send().await.unwrap();
    assert!(back.body.collect().await.unwrap().into_bytes() == whole, "the object is another");
    whole
}

async fn range(client: &Client, whole: &[u8]) {
    let (from, to) = (5 * MIB - 100, 5 * MIB + 99);
    let get = client.get_object().bucket(BUCKET).key("large").range(format!("bytes={from}-{to}"));
    let part = get.send().await.unwrap();
    assert_eq!(part.content_range(), Some(format!("bytes {from}-{to}/{}", whole.len()).as_str()));
    assert!(part.body.collect().await.unwrap().into_bytes() == whole[from..=to], "over a part's border");
}

async fn presign(client: &Client) -> String {
    let for_a_minute = PresigningConfig::expires_in(std::time::Duration::from_secs(60)).unwrap();
    let link = client.get_object().bucket(BUCKET).key("large").presigned(for_a_minute).await.unwrap();
    link.uri().to_owned()
}

/// The link works as it is, and not with another object, another time or another signature in it.
fn presigned(stack: &Guest, link: &str, whole: &[u8]) {
    let plan = stack.plan();
    let address = plan.edge(Service::Storage);
    let path = link.strip_prefix(&format!("https://{address}")).unwrap();
    let open = |path: &str| Https::new(&plan.ca(), &address).get(path).unwrap();
    let reply = open(path);
    assert_eq!(reply.status, 200, "{}", reply.head);
    assert!(reply.body == whole, "the link's object is another");
    let (rest, signature) = path.split_once("X-Amz-Signature=").unwrap();
    let turned = if signature.starts_with('0') { "1" } else { "0" };
    for tampered in [
        path.replace("/large?", "/other?"),
        path.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        format!("{rest}X-Amz-Signature={turned}{}", signature.split_at(1).1),
    ] {
        assert_ne!(tampered, path, "nothing was tampered with");
        let reply = open(&tampered);
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(reply.text().contains("<Code>SignatureDoesNotMatch</Code>"), "{}", reply.text());
    }
}

/// Of eight who write at once on a condition, one wins, each time.
async fn races(client: &Client) {
    let put = |key: String, body: String| {
        client.put_object().bucket(BUCKET).key(key).body(ByteStream::from(body.into_bytes()))
    };
    let mut etag = put("one".into(), "first".into()).send().await.unwrap().e_tag.unwrap();
    for round in 0..ROUNDS {
        let new: Vec<_> = (0..WRITERS)
            .map(|writer| put(format!("new {round}"), format!("{round} by {writer}")).if_none_match("*"))
            .collect();
        one_winner(new).await;
        let changed: Vec<_> = (0..WRITERS)
            .map(|writer| put("one".into(), format!("{round} by {writer}")).if_match(&etag))
            .collect();
        etag = one_winner(changed).await;
    }
    say(format_args!("{WRITERS} writers, {ROUNDS} rounds of If-None-Match and of If-Match: one winner each"));
}

/// Sends all at once; the entity tag of the only one that was not refused.
async fn one_winner(
    puts: Vec<aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder>,
) -> String {
    let sent: Vec<_> = puts.into_iter().map(|put| tokio::spawn(put.send())).collect();
    let mut won = Vec::new();
    for put in sent {
        match put.await.unwrap() {
            Ok(put) => won.push(put.e_tag.unwrap()),
            Err(error) => {
                let error = error.into_service_error();
                assert_eq!(error.meta().code(), Some("PreconditionFailed"), "{error:?}");
            }
        }
    }
    assert_eq!(won.len(), 1, "exactly one wins");
    won.remove(0)
}
