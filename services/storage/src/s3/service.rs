//! The operations by their S3 names, and the router that serves them. An operation that is not here answers
//! `NotImplemented`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use maily_chassis::BodyShare;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result};

use super::allowed::Allowed;
use super::needs::told;
use super::ranges::{WithoutRange, verified};
use super::{ANSWER, Gateway, answer, entries};
use crate::access;

/// The longest XML body: a list of 10,000 parts with checksums.
pub(super) const MAX_XML: usize = 4 << 20;

/// Passes each operation to the method that serves it, if the request's key may do that.
macro_rules! operations {
    ($($name:ident($input:ty) -> $output:ty = $method:ident;)*) => {
        #[async_trait]
        impl S3 for Gateway {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    entries::served(&request.extensions);
                    let request = verified(request);
                    let audit = self.audit(stringify!($name), &request);
                    let share = request.extensions.get::<BodyShare>().cloned();
                    let answer = match self.permit(&request) {
                        Ok(()) => self.$method(request).await,
                        Err(refused) => Err(refused),
                    };
                    told(audit, share, &answer);
                    answer
                }
            )*
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = create;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = remove;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = head_of_bucket;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = location;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets;
    list_objects(ListObjectsInput) -> ListObjectsOutput = list_v1;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list;
    put_object(PutObjectInput) -> PutObjectOutput = put;
    get_object(GetObjectInput) -> GetObjectOutput = get;
    head_object(HeadObjectInput) -> HeadObjectOutput = head;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = attributes;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete_many;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = create_upload;
    upload_part(UploadPartInput) -> UploadPartOutput = put_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy_part;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = abort;
    list_parts(ListPartsInput) -> ListPartsOutput = parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = uploads;
}

/// The S3 API as a router, for one listener.
pub(crate) fn router(gateway: &Gateway) -> Router {
    let gateway = gateway.for_listener();
    let mut builder = plain(&gateway);
    builder.set_route(WithoutRange { plain: plain(&gateway).build(), keys: gateway.keys.clone() });
    builder.set_access(Allowed(gateway.keys.clone()));
    builder.set_auth(gateway.keys);
    let service = builder.build();
    Router::new()
        .fallback_service(tower::service_fn(move |request| serve(service.clone(), request)))
        .layer(axum::middleware::from_fn(access::guard))
        .layer(axum::middleware::from_fn(answer::complete))
}

/// The service without anybody asking who calls.
fn plain(gateway: &Gateway) -> S3ServiceBuilder {
    let mut config = S3Config::default();
    config.xml_max_body_size = MAX_XML;
    // Forms are refused before s3s sees one; were one to get by, it would be gathered in memory.
    config.post_object_max_file_size = 0;
    let mut builder = S3ServiceBuilder::new(gateway.clone());
    builder.set_host(gateway.hosts.clone());
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder
}

/// An upload is passed on to the store as it comes; other bodies are gathered.
pub(crate) fn held(request: &Request) -> Option<usize> {
    (request.method() == Method::PUT).then_some(crate::write::HELD)
}

/// A `PUT` takes as long as its bytes do, sent or copied, at the least rate of [`crate::write`]: each wait of it has a deadline
/// of its own. Other answers have one as a whole.
async fn serve(service: S3Service, request: Request) -> Result<Response, Infallible> {
    let deadline = if request.method() == Method::PUT { Duration::MAX } else { ANSWER };
    let (request, passing) = entries::watched(request);
    let answer = service.call(request.map(s3s::Body::http_body_unsync));
    Ok(match tokio::time::timeout(deadline, answer).await {
        // To s3s it broke off.
        Ok(_) if passing.is_too_long() => answer::refuse(
            StatusCode::BAD_REQUEST,
            "MalformedXML",
            "The list has more than 10000 items, which are more than S3 takes.",
        ),
        Ok(Ok(response)) => {
            let unread = passing.unread().filter(|_| response.status() == StatusCode::INTERNAL_SERVER_ERROR);
            match unread {
                Some((code, message)) => answer::refuse(StatusCode::BAD_REQUEST, code, message),
                None => response.map(Body::new),
            }
        }
        Ok(Err(_)) => {
            let (status, code) = (StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
            answer::refuse(status, code, "The service failed; try again.")
        }
        Err(_) => answer::slow_down(),
    })
}
