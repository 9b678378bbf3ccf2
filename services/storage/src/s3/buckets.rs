//! Buckets: each lies in one region for good, and its name is taken in all of them.

use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::{Gateway, headers, list, soon, to_the_end};
use crate::error::Error;
use crate::rows;

/// Buckets of one page, at most and unless asked. *ListBuckets* (Amazon S3 API Reference), `max-buckets`: "Valid Range:
/// Minimum value of 1. Maximum value of 10000."
const PAGE: usize = 10_000;

/// Whether a host could be called so: each label of its name begins and ends with a letter or a digit (RFC 1123, 2.1). The
/// rest is s3s'.
fn is_host(bucket: &str) -> bool {
    !bucket.contains(".-") && !bucket.contains("-.")
}

fn page(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.map_or(Ok(PAGE), usize::try_from);
    let limit = asked.ok().filter(|limit| (1..=PAGE).contains(limit));
    limit.ok_or_else(|| s3_error!(InvalidArgument, "max-buckets must be between 1 and {PAGE}"))
}

impl Gateway {
    pub(super) async fn create(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let region = self.region(&request)?;
        let configuration = request.input.create_bucket_configuration.as_ref();
        let constraint = configuration.and_then(|configuration| configuration.location_constraint.as_ref());
        if let Some(wanted) = constraint.map(BucketLocationConstraint::as_str)
            && wanted != region.name
        {
            self.keys.may_use(&request, wanted)?;
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The location constraint {wanted} is not the region for which the request is signed, {}.",
                region.name
            ));
        }
        let bucket = request.input.bucket;
        if !is_host(&bucket) {
            return Err(S3ErrorCode::InvalidBucketName.into());
        }
        // Makers of one name in two regions at once come one after the other.
        let looked_up = soon(async {
            let names = self.names.clone().lock_owned().await;
            let other = self.elsewhere(&region, &bucket).await?;
            Ok::<_, S3Error>((names, other))
        });
        let (names, other) = looked_up.await?;
        if other.is_some() {
            return Err(S3ErrorCode::BucketAlreadyExists.into());
        }
        let name = bucket.clone();
        to_the_end(async move {
            region.create_bucket(&name).await?;
            drop(names);
            Ok(())
        })
        .await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{bucket}")) }))
    }

    pub(super) async fn remove(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = request.input.bucket.clone();
        let region = self.in_bucket(&request, &bucket).await?;
        to_the_end(async move { region.delete_bucket(&bucket).await }).await?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub(super) async fn head_of_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let output =
            HeadBucketOutput { bucket_region: Some(region.name.into()), ..HeadBucketOutput::default() };
        Ok(S3Response::new(output))
    }

    pub(super) async fn location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let location_constraint = Some(BucketLocationConstraint::from_static(region.name));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    /// The buckets of the request's region in which its key may do something, a page at a time.
    pub(super) async fn buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let region = self.region(&request)?;
        let input = &request.input;
        if let Some(asked) = input.bucket_region.as_deref().filter(|asked| *asked != region.name) {
            return Err(s3_error!(
                InvalidArgument,
                "The bucket region {asked} is not the region for which the request is signed, {}.",
                region.name
            ));
        }
        let limit = page(input.max_buckets)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let resumed = input.continuation_token.as_deref().filter(|token| !token.is_empty());
        let after = match resumed.map(list::token).transpose()? {
            Some(last) => [rows::bucket(&last), vec![0]].concat(),
            None => Vec::new(),
        };
        let mut found = region.scan(rows::bucket(&prefix).max(after)..b"b0".to_vec()).await?;
        let (mut buckets, mut next) = (Vec::<Bucket>::new(), None);
        while let Some(row) = found.next().await.map_err(Error::from)? {
            let name = str::from_utf8(row.key.get(2..).unwrap_or_default()).map_err(|_| Error::Row)?;
            if !name.starts_with(&prefix) {
                break;
            }
            if !self.keys.sees(request.credentials.as_ref(), name) {
                continue;
            }
            if buckets.len() == limit {
                next = buckets.last().and_then(|last| last.name.as_deref()).map(list::continuation);
                break;
            }
            let bucket: rows::Bucket = rows::decode(&row.value)?;
            buckets.push(Bucket {
                bucket_region: Some(region.name.into()),
                creation_date: Some(headers::timestamp(bucket.created_ms)),
                name: Some(name.into()),
            });
        }
        let prefix = request.input.prefix;
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token: next,
            prefix,
            ..ListBucketsOutput::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_could_be_a_host() {
        for good in ["things", "a.b-c.d", "a--b"] {
            assert!(is_host(good), "{good}");
        }
        // What ceph/s3-tests tries (test_bucket_create_naming_dns_dot_dash, …_dash_dot).
        for bad in ["foo.-bar", "foo-.bar"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_page_has_a_bucket_at_least() {
        assert_eq!(page(None).ok(), Some(PAGE));
        assert_eq!(page(Some(1)).ok(), Some(1));
        for bad in [0, -1, 10_001] {
            assert!(page(Some(bad)).is_err(), "{bad}");
        }
    }
}
