//! The storage service by its S3 API, called by aws-sdk-s3 over loopback: what clients see, what lies on the disk,
//! and what a kill leaves.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod access;
mod answers;
mod attributes;
mod audit;
mod child;
mod conditions;
mod contract;
mod disk;
mod headers;
mod hosts;
mod http2;
mod kills;
mod listing;
mod multipart;
mod objects;
mod ranges;
mod residency;
mod slow;
mod speed;
mod support;
