//! What the service counts. Labels are regions, names of steps and yes or no: never a person's or a campaign's.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};

static HANDED_OFF: LazyLock<Counter<u64>> =
    LazyLock::new(|| counter("maily.orchestrator.handed_off", "Messages handed off, by region"));
static SUPPRESSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    counter("maily.orchestrator.suppressed", "Opt-outs between import and hand-off, by region")
});
static FAILED: LazyLock<Counter<u64>> =
    LazyLock::new(|| counter("maily.orchestrator.steps_failed", "Steps that failed, for good or not"));
static MESSAGES_HELD: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    let held = "1 while no old message is removed, because the clock has leapt ahead";
    global::meter("maily.orchestrator")
        .u64_gauge("maily.orchestrator.messages_held")
        .with_description(held)
        .build()
});

fn counter(name: &'static str, what: &'static str) -> Counter<u64> {
    global::meter("maily.orchestrator").u64_counter(name).with_description(what).build()
}

/// Counts a batch. A step that is repeated after a crash counts again: the report is exact, this is a gauge of work.
pub(crate) fn handed_off(region: &str, sent: u64, suppressed: u64) {
    let region = [KeyValue::new("region", region.to_owned())];
    HANDED_OFF.add(sent, &region);
    SUPPRESSED.add(suppressed, &region);
}

/// Counts a failed step.
pub(crate) fn step_failed(step: &'static str, permanent: bool) {
    FAILED.add(1, &[KeyValue::new("step", step), KeyValue::new("permanent", permanent)]);
}

/// Whether old messages are kept because the clock is not believed.
pub(crate) fn messages_held(are_held: bool) {
    MESSAGES_HELD.record(u64::from(are_held), &[]);
}
