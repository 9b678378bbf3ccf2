//! Buckets: each lies in one region for good, and its name is taken in all of them.

use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::{Gateway, headers, to_the_end};
use crate::error::Error;
use crate::rows;

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
        // Makers of one name in two regions at once come one after the other.
        let names = self.names.clone().lock_owned().await;
        let bucket = request.input.bucket;
        if self.elsewhere(&region, &bucket).await?.is_some() {
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

    /// The buckets of the request's region in which its key may do something.
    pub(super) async fn buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let region = self.region(&request)?;
        let prefix = request.input.prefix.clone().unwrap_or_default();
        let mut found = region.scan(rows::bucket(&prefix)..b"b0".to_vec()).await?;
        let mut buckets = Vec::new();
        while let Some(row) = found.next().await.map_err(Error::from)? {
            let name = str::from_utf8(row.key.get(2..).unwrap_or_default()).map_err(|_| Error::Row)?;
            if !name.starts_with(&prefix) {
                break;
            }
            if !self.keys.sees(request.credentials.as_ref(), name) {
                continue;
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
            prefix,
            ..ListBucketsOutput::default()
        }))
    }
}
