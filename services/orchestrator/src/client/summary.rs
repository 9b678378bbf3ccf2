//! What the client takes from the downloaded files to show and check.

use std::{
    fmt,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use maily_client::{Failure, IO};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use crate::report::Report;

/// Invalid rows that are shown.
const SHOWN: usize = 10;
/// The most bytes of the message that is shown.
const MESSAGE: usize = 256 << 10;

/// The report and one message.
pub(crate) struct Summary {
    pub(crate) report: Report,
    pub(crate) invalid: Invalid,
    /// The first message, as it stands in the mbox.
    pub(crate) message: Vec<u8>,
}

/// The first of the rows that could not be read, and how many there are: a list may have millions.
#[derive(Default)]
pub(crate) struct Invalid {
    pub(crate) first: Vec<InvalidRow>,
    pub(crate) count: usize,
}

/// One row that could not be read.
#[derive(Deserialize)]
pub(crate) struct InvalidRow {
    pub(crate) line: u64,
    pub(crate) field: String,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
struct File1 {
    #[serde(flatten)]
    report: Report,
}

#[derive(Deserialize)]
struct File2 {
    invalid: Invalid,
}

impl Summary {
    /// Reads report.json.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let open = || File::open(path).map(BufReader::new).map_err(|error| failure(path, &error));
        let report: File1 = serde_json::from_reader(open()?).map_err(|error| failure(path, &error))?;
        let invalid: File2 = serde_json::from_reader(open()?).map_err(|error| failure(path, &error))?;
        Ok(Self { report: report.report, invalid: invalid.invalid, message: Vec::new() })
    }
}

/// Counts the messages of an mbox, and keeps the very first of all in `message`.
pub(crate) fn read_mail(path: &Path, message: &mut Vec<u8>) -> Result<u64, Failure> {
    let mut mail = BufReader::new(File::open(path).map_err(|error| failure(path, &error))?);
    let (mut count, mut line, first) = (0, Vec::new(), message.is_empty());
    while mail.read_until(b'\n', &mut line).map_err(|error| failure(path, &error))? > 0 {
        match line.starts_with(b"From ") {
            true => count += 1,
            false if first && count == 1 && message.len() < MESSAGE => message.extend_from_slice(&line),
            false => {}
        }
        line.clear();
    }
    Ok(count)
}

fn failure(path: &Path, error: &dyn fmt::Display) -> Failure {
    Failure::new(IO, format_args!("{}: {error}", path.display()))
}

impl<'de> Deserialize<'de> for Invalid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Invalid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows that could not be read")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Invalid, A::Error> {
                let mut invalid = Invalid::default();
                while invalid.first.len() < SHOWN {
                    match rows.next_element()? {
                        Some(row) => invalid.first.push(row),
                        None => break,
                    }
                }
                invalid.count = invalid.first.len();
                while rows.next_element::<IgnoredAny>()?.is_some() {
                    invalid.count += 1;
                }
                Ok(invalid)
            }
        }
        deserializer.deserialize_seq(Few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_service_writes_and_keeps_few_rows() {
        let rows: Vec<String> =
            (2..40).map(|n| format!(r#"{{"line":{n},"field":"row","reason":"torn"}}"#)).collect();
        let text = format!(
            r#"{{"rows":38,"written":0,"excluded":{{"invalid":38}},"by_region":{{}},"cohorts":[],"invalid":[{}],
               "timings":{{"copy_seconds":0,"mail_seconds":0,"total_seconds":0}},"model":"m"}}"#,
            rows.join(",")
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let summary = Summary::read(file.path()).unwrap();
        assert!(summary.report.is_balanced());
        assert_eq!(
            (summary.invalid.first.len(), summary.invalid.count, summary.invalid.first[0].line),
            (10, 38, 2)
        );
        std::fs::write(file.path(), "From a\nX: 1\n\n>From b\n\nFrom a\nX: 2\n\nc\n\n").unwrap();
        let mut message = Vec::new();
        assert_eq!(read_mail(file.path(), &mut message).unwrap(), 2);
        assert_eq!(message, b"X: 1\n\n>From b\n\n");
    }
}
