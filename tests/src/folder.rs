//! Campaign folders: the sample, and copies of it with other subscribers or settings.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The columns of a list.
pub const HEADER: &str =
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed";

/// The cohorts of generated lists, with the countries of their people. All are of the sample, whose copy is
/// known to pass the rails.
pub const COHORTS: [(&str, &str, &[&str]); 3] = [
    ("en-GB", "loyal-customers", &["GB", "NO", "CH"]),
    ("en-IE", "loyal-customers", &["IE", "DE"]),
    ("en-CA", "new-subscribers", &["CA"]),
];

/// The sample campaign, with dates of today.
///
/// # Panics
/// It can't be written.
#[must_use]
pub fn sample() -> PathBuf {
    maily_testkit::sample().unwrap()
}

/// What is expected of the sample, by another implementation.
#[must_use]
pub fn expected() -> PathBuf {
    maily_testkit::workspace().join("services/orchestrator/samples/spring-sale/expected.json")
}

/// Copies the sample's folder to `to`, with this list.
///
/// # Panics
/// A file can't be copied.
pub fn copy(to: &Path, subscribers: impl AsRef<[u8]>) {
    let from = sample();
    fs::create_dir_all(to.join("guardrails")).unwrap();
    for name in ["campaign.yaml", "brand.md", "guardrails/config.yml", "guardrails/rails.co"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    fs::write(to.join("subscribers.csv"), subscribers).unwrap();
}

/// Changes campaign.yaml: `from` is replaced, once.
///
/// # Panics
/// It is not there.
pub fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("campaign.yaml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "campaign.yaml has no {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// A list of people who may all be written to, spread over the first `cohorts` of [`COHORTS`].
#[must_use]
pub fn list(rows: usize, cohorts: usize) -> String {
    let mut text = String::with_capacity(rows * 110);
    text.push_str(HEADER);
    text.push('\n');
    for n in 0..rows {
        let (locale, segment, countries) = COHORTS[n % cohorts];
        let country = countries[n / cohorts % countries.len()];
        let _ = writeln!(text, "{}", row(n, country, locale, segment));
    }
    text
}

/// One of them.
#[must_use]
pub fn row(n: usize, country: &str, locale: &str, segment: &str) -> String {
    let year = 1950 + n % 50;
    format!(
        "P{n:06},{},{},{country},{locale},{segment},{year},express,2025-02-03T10:00:00Z,signup form,false",
        address(n),
        name(n)
    )
}

/// The address of a generated person.
#[must_use]
pub fn address(n: usize) -> String {
    format!("person.{n:06}@post.example.org")
}

/// The first name of a generated person; one in twenty has none.
#[must_use]
pub fn name(n: usize) -> String {
    const NAMES: [&str; 8] =
        ["Quillaria", "Zephyrine", "Brunhildis", "Ottoline", "Xanthippe", "Wulfric", "Thaddeusz", "Ysolde"];
    if n % 20 == 19 { String::new() } else { NAMES[n % NAMES.len()].to_owned() }
}
