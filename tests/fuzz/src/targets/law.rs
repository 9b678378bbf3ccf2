//! Rows of a list, and addresses as people leave them.

use jiff::Timestamp;
use maily_law::{COLUMNS, Country, EmailAddress, FlagPlace, Known, Moment, Row, When, decide, objections};

use super::{Kind, Target, text};
use crate::corpus::sample;

const LIST: &str = "services/orchestrator/samples/spring-sale/subscribers.csv";
/// Rows of the sample that are seeds.
const ROWS: usize = 40;

/// One row, its fields between commas.
pub(super) const ROW: Kind = Kind {
    name: "row",
    what: "a row of a list: fields, verdict, objections (maily_law)",
    dictionary: &[
        "true",
        "yes",
        "withdrawn",
        "express",
        "implied",
        "none",
        "purchase",
        "GB",
        "Canada",
        "2025-01-01T00:00:00Z",
        ",",
        "@",
    ],
    longest: 4 << 10,
    runs: 30_000,
    seeds: || {
        let list = String::from_utf8_lossy(&sample(LIST)?).into_owned();
        Ok(list.lines().skip(1).take(ROWS).map(|row| row.as_bytes().to_vec()).collect())
    },
    make: || {
        let import: Timestamp = "2026-04-01T09:00:00Z".parse().map_err(|_| "no moment")?;
        Ok(Box::new(Rows { when: When::at(import) }))
    },
};

struct Rows {
    when: When,
}

impl Target for Rows {
    fn run(&mut self, input: &[u8]) -> String {
        let text = text(input);
        let fields: Vec<&str> = text.split(',').collect();
        let places =
            objections((fields.len() >= COLUMNS.len()).then_some(&fields[..]), &fields, FlagPlace::LAST)
                .len();
        match Row::parse(&fields, &self.when) {
            Err(fault) => format!("{fault}, objects {}", places > 0),
            Ok(row) => {
                let sender = Country::parse("CA").unwrap_or(row.country);
                let known = Known::default();
                let decision = decide(&row, &known, &self.when, sender);
                let kept = row.kept(&fields).len();
                format!("{:?} {:?} {kept}", decision.outcome, row.objection())
            }
        }
    }
}

/// What may be an address, or a moment.
pub(super) const ADDRESS: Kind = Kind {
    name: "address",
    what: "mail addresses as written and as found in a text, and moments (maily_law)",
    dictionary: &["mailto:", "<", ">", "@", ".", "xn--", "?", "\"", "example.com", "Z", "+05:00", ";"],
    longest: 1 << 10,
    runs: 30_000,
    seeds: || Ok(Vec::new()),
    make: || Ok(Box::new(Addresses)),
};

struct Addresses;

impl Target for Addresses {
    fn run(&mut self, input: &[u8]) -> String {
        let text = text(input);
        let found = EmailAddress::find_all(&text);
        let moment = Moment::parse(&text).is_ok();
        match EmailAddress::parse(&text) {
            Ok(address) => format!(
                "address {} {} {}",
                address.needs_smtputf8(),
                !address.formers().is_empty(),
                address.as_str().is_ascii()
            ),
            Err(error) => {
                format!("{error}, {} found, moment {moment}", if found.is_empty() { "none" } else { "some" })
            }
        }
    }
}
