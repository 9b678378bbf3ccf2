//! An input as short as it still does the same.

use std::time::{Duration, Instant};

/// Leaves out pieces, large ones first, as long as `same` says that what is left does the same, and there is time.
///
/// # Errors
/// Of `same`.
pub fn minimise<E>(
    input: &[u8],
    time: Duration,
    mut same: impl FnMut(&[u8]) -> Result<bool, E>,
) -> Result<Vec<u8>, E> {
    let end = Instant::now() + time;
    let mut shortest = input.to_vec();
    let mut size = shortest.len().div_ceil(2);
    while size > 0 {
        let (before, mut at) = (shortest.len(), 0);
        while at < shortest.len() {
            if Instant::now() >= end {
                return Ok(shortest);
            }
            let mut shorter = shortest.clone();
            drop(shorter.drain(at..(at + size).min(shortest.len())));
            if same(&shorter)? {
                shortest = shorter;
            } else {
                at += size;
            }
        }
        // A byte that could not go may go now that others have gone.
        if size > 1 || shortest.len() == before {
            size /= 2;
        }
    }
    Ok(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortest(input: &[u8], same: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        minimise(input, Duration::from_secs(60), |bytes| Ok::<_, ()>(same(bytes))).unwrap()
    }

    #[test]
    fn only_what_matters_is_left() {
        let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        let input = b"a long text with boom in it and another bang at the end".as_slice();
        assert_eq!(shortest(input, |bytes| has(bytes, b"boom")), b"boom");
        let both = shortest(input, |bytes| has(bytes, b"boom") && has(bytes, b"bang"));
        assert!(both.starts_with(b"boom") && both.ends_with(b"bang") && both.len() == 8);
        assert_eq!(shortest(input, |_| true), b"");
        assert_eq!(shortest(input, |_| false), input);
        assert_eq!(minimise(input, Duration::ZERO, |_| Ok::<_, ()>(true)).unwrap(), input);
    }
}
