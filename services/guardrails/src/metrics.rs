//! What is counted: checks, and violations by rail.

use opentelemetry::{KeyValue, global, metrics::Counter};

use crate::rails::Violation;

/// The service's instruments.
#[derive(Clone)]
pub(crate) struct Metrics {
    checks: Counter<u64>,
    violations: Counter<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let meter = global::meter("maily.guardrails");
        Self {
            checks: meter.u64_counter("maily.guardrails.checks").with_description("Texts checked").build(),
            violations: meter
                .u64_counter("maily.guardrails.violations")
                .with_description("Violations by rail")
                .build(),
        }
    }

    /// Counts one check and what it found.
    pub(crate) fn checked(&self, violations: &[Violation]) {
        self.checks.add(1, &[KeyValue::new("passed", violations.is_empty())]);
        for violation in violations {
            self.violations
                .add(1, &[KeyValue::new("rail", violation.rail), KeyValue::new("field", violation.field)]);
        }
    }
}
