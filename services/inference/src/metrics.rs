//! What is measured, under vLLM's names where it has one, so that its dashboards and autoscalers work here.
//!
//! Only counts and durations: no prompt, no answer, and no label that a caller chose.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

/// Upper bounds in seconds, from one token of a small model to the longest deadline.
const SECONDS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0];

/// How a request ended; the label `finished_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The model ended every answer.
    Stop,
    /// At least one answer ended at its limit of tokens.
    Length,
    /// The caller went away, or the deadline passed.
    Abort,
    /// The engine refused it or failed.
    Error,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Abort => "abort",
            Self::Error => "error",
        }
    }
}

/// The instruments of one served model.
pub(crate) struct Metrics {
    model: KeyValue,
    waiting: UpDownCounter<i64>,
    running: UpDownCounter<i64>,
    prompt_tokens: Counter<u64>,
    generation_tokens: Counter<u64>,
    finished: Counter<u64>,
    queue_time: Histogram<f64>,
    first_token: Histogram<f64>,
    latency: Histogram<f64>,
}

impl Metrics {
    pub(crate) fn new(model: &str) -> Self {
        let meter = opentelemetry::global::meter("maily.inference");
        let gauge = |name: &'static str| meter.i64_up_down_counter(name).build();
        let counter = |name: &'static str| meter.u64_counter(name).build();
        // Prometheus adds `_total` to the names of counters.
        let metrics = Self {
            model: KeyValue::new("model_name", model.to_owned()),
            waiting: gauge("vllm:num_requests_waiting"),
            running: gauge("vllm:num_requests_running"),
            prompt_tokens: counter("vllm:prompt_tokens"),
            generation_tokens: counter("vllm:generation_tokens"),
            finished: counter("vllm:request_success"),
            queue_time: seconds(&meter, "vllm:request_queue_time_seconds"),
            first_token: seconds(&meter, "vllm:time_to_first_token_seconds"),
            latency: seconds(&meter, "vllm:e2e_request_latency_seconds"),
        };
        // As vLLM does: to an autoscaler, a replica without this series is not idle but missing.
        metrics.waiting.add(0, metrics.labels());
        metrics.running.add(0, metrics.labels());
        metrics
    }

    fn labels(&self) -> &[KeyValue] {
        std::slice::from_ref(&self.model)
    }

    /// Requests joined (or left) the queue.
    pub(crate) fn waiting(&self, change: i64) {
        self.waiting.add(change, self.labels());
    }

    /// A request began to run, `waited` after its arrival.
    pub(crate) fn started(&self, waited: Duration) {
        self.running.add(1, self.labels());
        self.queue_time.record(waited.as_secs_f64(), self.labels());
    }

    /// The first token of a request came, this long after its arrival.
    pub(crate) fn first_token(&self, after: Duration) {
        self.first_token.record(after.as_secs_f64(), self.labels());
    }

    /// A request that ran has ended, this long after its arrival.
    pub(crate) fn ended(&self, outcome: Outcome, prompt: usize, generated: usize, after: Duration) {
        self.running.add(-1, self.labels());
        self.prompt_tokens.add(prompt as u64, self.labels());
        self.generation_tokens.add(generated as u64, self.labels());
        self.latency.record(after.as_secs_f64(), self.labels());
        self.left(outcome);
    }

    /// A request is over, whether or not it ran.
    pub(crate) fn left(&self, outcome: Outcome) {
        self.finished.add(1, &[self.model.clone(), KeyValue::new("finished_reason", outcome.name())]);
    }
}

fn seconds(meter: &Meter, name: &'static str) -> Histogram<f64> {
    meter.f64_histogram(name).with_boundaries(SECONDS.to_vec()).build()
}
