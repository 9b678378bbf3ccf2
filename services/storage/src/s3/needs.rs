//! What an access key has to be allowed for each operation, and what of it is in the audit record.

use http::StatusCode;
use maily_chassis::{Audit, BodyShare};
use maily_keys::AccessAction::{self, Delete, List, Read, Write};
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::Gateway;

/// Something that the key has to be allowed.
pub(super) enum Need<'a> {
    /// To do something in the bucket.
    Sees(&'a str),
    /// To do this with the object, or with all whose names begin so.
    May(AccessAction, &'a str, &'a str),
}

/// What an operation's input asks for.
pub(super) trait Needs {
    /// Everything that has to be allowed.
    fn needs(&self) -> Vec<Need<'_>>;

    /// What it changes, if anything.
    fn changes(&self) -> Option<String> {
        None
    }
}

/// Operations on an object, which `changes` it or does not.
macro_rules! on_objects {
    ($($action:ident $input:ty, $changes:literal;)*) => {
        $(
            impl Needs for $input {
                fn needs(&self) -> Vec<Need<'_>> {
                    vec![Need::May($action, &self.bucket, &self.key)]
                }

                fn changes(&self) -> Option<String> {
                    $changes.then(|| format!("{}/{}", self.bucket, self.key))
                }
            }
        )*
    };
}

on_objects! {
    Read GetObjectInput, false;
    Read HeadObjectInput, false;
    Read GetObjectAttributesInput, false;
    Write PutObjectInput, true;
    Write CreateMultipartUploadInput, true;
    Write UploadPartInput, true;
    Write CompleteMultipartUploadInput, true;
    Write AbortMultipartUploadInput, true;
    Write ListPartsInput, false;
    Delete DeleteObjectInput, true;
}

/// Copies read one object and write another.
macro_rules! on_copies {
    ($($input:ty;)*) => {
        $(
            impl Needs for $input {
                fn needs(&self) -> Vec<Need<'_>> {
                    let mut needs = vec![Need::May(Write, &self.bucket, &self.key)];
                    // Another kind of source is refused later: there is none here.
                    if let CopySource::Bucket { bucket, key, .. } = &self.copy_source {
                        needs.push(Need::May(Read, bucket, key));
                    }
                    needs
                }

                fn changes(&self) -> Option<String> {
                    Some(format!("{}/{}", self.bucket, self.key))
                }
            }
        )*
    };
}

on_copies! {
    CopyObjectInput;
    UploadPartCopyInput;
}

macro_rules! on_listings {
    ($($input:ty),*) => {
        $(
            impl Needs for $input {
                fn needs(&self) -> Vec<Need<'_>> {
                    vec![Need::May(List, &self.bucket, self.prefix.as_deref().unwrap_or_default())]
                }
            }
        )*
    };
}

on_listings!(ListObjectsInput, ListObjectsV2Input, ListMultipartUploadsInput);

macro_rules! on_buckets {
    ($($action:ident $input:ty;)*) => {
        $(
            impl Needs for $input {
                fn needs(&self) -> Vec<Need<'_>> {
                    vec![Need::May($action, &self.bucket, "")]
                }

                fn changes(&self) -> Option<String> {
                    Some(self.bucket.clone())
                }
            }
        )*
    };
}

on_buckets! {
    Write CreateBucketInput;
    Delete DeleteBucketInput;
}

macro_rules! seeing {
    ($($input:ty),*) => {
        $(
            impl Needs for $input {
                fn needs(&self) -> Vec<Need<'_>> {
                    vec![Need::Sees(&self.bucket)]
                }
            }
        )*
    };
}

seeing!(HeadBucketInput, GetBucketLocationInput);

impl Needs for DeleteObjectsInput {
    /// Each object is asked for by itself, and refused by itself.
    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Sees(&self.bucket)]
    }

    /// How many of the bucket are meant: [`Gateway::delete_many`] tells of each, but only where the list as a whole is taken.
    fn changes(&self) -> Option<String> {
        Some(format!("{} ({})", self.bucket, self.delete.objects.len()))
    }
}

impl Needs for ListBucketsInput {
    /// It shows those that the key sees.
    fn needs(&self) -> Vec<Need<'_>> {
        Vec::new()
    }
}

impl Gateway {
    /// Refuses what the request's key may not do.
    pub(super) fn permit<T: Needs>(&self, request: &S3Request<T>) -> S3Result<()> {
        let credentials = request.credentials.as_ref();
        for need in request.input.needs() {
            match need {
                Need::May(action, bucket, name) => self.keys.may(credentials, action, bucket, name)?,
                Need::Sees(bucket) if self.keys.sees(credentials, bucket) => {}
                Need::Sees(_) => {
                    return Err(s3_error!(AccessDenied, "This access key may not use that bucket."));
                }
            }
        }
        Ok(())
    }

    /// The line of the audit record on what the request changes. Names of objects are nobody's: see the crate.
    pub(super) fn audit<T: Needs>(&self, action: &'static str, request: &S3Request<T>) -> Option<Audit> {
        let owner = || self.keys.owner(request.credentials.as_ref());
        request.input.changes().map(|subject| Audit::new(action, owner(), subject))
    }
}

/// Tells what became of it: where the listener has refused the body, what it answers ([`super::by_the_listener`]).
pub(super) fn told<T>(audit: Option<Audit>, share: Option<BodyShare>, answer: &S3Result<T>) {
    let Some(audit) = audit else { return };
    let refused = share.and_then(|share| share.refused());
    match (answer, refused) {
        (Ok(_), _) => audit.ended("done"),
        (Err(_), Some(StatusCode::REQUEST_TIMEOUT)) => audit.ended("RequestTimeout"),
        (Err(_), Some(_)) => audit.ended("SlowDown"),
        (Err(error), None) => audit.ended(error.code().as_str()),
    }
}
