//! What the service counts; never about anybody.

use opentelemetry::metrics::{Counter, Gauge};
use opentelemetry::{KeyValue, global};

/// What the service counts and shows.
pub(crate) struct Metrics {
    rows: Counter<u64>,
    pub(crate) handed_off: Counter<u64>,
    pub(crate) opt_outs: Counter<u64>,
    pub(crate) hints_ignored: Counter<u64>,
    pub(crate) retention_held: Gauge<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = global::meter("maily.compliance");
        Self {
            rows: meter
                .u64_counter("maily_compliance_rows")
                .with_description("Rows imported, by outcome")
                .build(),
            handed_off: meter
                .u64_counter("maily_compliance_handed_off")
                .with_description("Messages handed off")
                .build(),
            opt_outs: meter
                .u64_counter("maily_compliance_opt_outs")
                .with_description("Opt-outs put on record")
                .build(),
            hints_ignored: meter
                .u64_counter("maily_compliance_hints_ignored")
                .with_description("Hints of opt-outs in Redis that no process of the tenant sent")
                .build(),
            retention_held: meter
                .u64_gauge("maily_compliance_retention_held")
                .with_description("1 while nothing old is removed, because the clock has leapt ahead")
                .build(),
        }
    }

    pub(crate) fn rows(&self, outcome: &str, count: u64) {
        self.rows.add(count, &[KeyValue::new("outcome", outcome.to_owned())]);
    }
}
