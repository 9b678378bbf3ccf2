//! Digests of values.

use aws_lc_rs::digest::{SHA256, digest as sha};
use serde::Serialize;

/// Hexadecimal digits that are kept of a SHA-256: enough to tell some hundred values apart, and short to read.
const DIGITS: usize = 20;

/// The first digits of the SHA-256 of a value's JSON.
pub(crate) fn digest(value: &impl Serialize) -> String {
    // A value of ours is always JSON.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut digits = hex::encode(sha(&SHA256, &json));
    digits.truncate(DIGITS);
    digits
}
