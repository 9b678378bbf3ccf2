//! Reports, and what may differ between two of them.

use serde_json::Value;

/// A report without its timings: what has to be the same for the same campaign.
///
/// # Panics
/// It is not a report.
#[must_use]
pub fn timeless(report: &Value) -> Value {
    let mut report = report.clone();
    let timings = report.as_object_mut().unwrap().remove("timings");
    assert!(timings.is_some_and(|timings| timings["total_seconds"].is_number()), "no timings");
    report
}

/// A count of the report; one that is left out is 0.
#[must_use]
pub fn count(report: &Value, keys: &[&str]) -> u64 {
    keys.iter().fold(report, |value, key| &value[*key]).as_u64().unwrap_or(0)
}

/// Asserts that every row is accounted for, once.
///
/// # Panics
/// One is not.
pub fn assert_balanced(report: &Value) {
    let sum = |value: &Value| -> u64 { value.as_object().unwrap().values().filter_map(Value::as_u64).sum() };
    let cohorts = report["cohorts"].as_array().unwrap();
    let blocked: u64 =
        cohorts.iter().filter(|c| !c["blocked"].is_null()).filter_map(|c| c["recipients"].as_u64()).sum();
    let (rows, written) = (count(report, &["rows"]), count(report, &["written"]));
    assert_eq!(rows, written + sum(&report["excluded"]) + blocked, "rows are missing: {report}");
    assert_eq!(written, sum(&report["by_region"]), "the regions do not add up");
}

/// Asserts that no cohort was blocked.
///
/// # Panics
/// One was; the reason is in the message.
pub fn assert_nothing_blocked(report: &Value) {
    for cohort in report["cohorts"].as_array().unwrap() {
        assert!(cohort["blocked"].is_null(), "{} is blocked: {}", cohort["name"], cohort["blocked"]);
    }
}
