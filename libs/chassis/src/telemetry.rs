//! Logs, traces and metrics: structured lines on standard error, Prometheus on `/metrics`, and all three over
//! OTLP when a collector is configured.
//!
//! Whatever level an operator asks for, other crates' records are kept to warnings: at `debug` and `trace`
//! HTTP and cloud libraries print headers and bodies, which hold keys, prompts and addresses.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use opentelemetry::{KeyValue, propagation::Extractor, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource, logs::SdkLoggerProvider, metrics::SdkMeterProvider, propagation::TraceContextPropagator,
    trace::SdkTracerProvider,
};
use prometheus::Registry;
use tracing::{Instrument as _, Level, Metadata};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{config::Telemetry, error::Error, start::About};

/// The running telemetry of a process.
pub(crate) struct Running {
    pub(crate) registry: Registry,
    metrics: SdkMeterProvider,
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
}

impl Running {
    /// Sends what is left, at most for as long as the exporters' own deadlines.
    pub(crate) async fn stop(self) {
        let flush = crate::blocking(move || {
            let _ = self.traces.map(|traces| traces.shutdown());
            let _ = self.logs.map(|logs| logs.shutdown());
            let _ = self.metrics.shutdown();
        });
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), flush).await;
    }
}

/// Starts telemetry for the process; call it inside the runtime.
pub(crate) fn start(about: About, config: &Telemetry) -> Result<Running, Error> {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = Resource::builder()
        .with_service_name(format!("maily-{}", about.name))
        .with_attribute(KeyValue::new("service.version", about.version))
        .build();
    let registry = Registry::new();
    let metrics = metrics(config, &registry, resource.clone())?;
    opentelemetry::global::set_meter_provider(metrics.clone());
    let (traces, logs) = match &config.otlp_endpoint {
        None => (None, None),
        Some(endpoint) => (Some(traces(endpoint, resource.clone())?), Some(logs(endpoint, resource)?)),
    };
    subscribe(config, traces.as_ref(), logs.as_ref())?;
    Ok(Running { registry, metrics, traces, logs })
}

fn subscribe(
    config: &Telemetry,
    traces: Option<&SdkTracerProvider>,
    logs: Option<&SdkLoggerProvider>,
) -> Result<(), Error> {
    let levels = EnvFilter::try_new(&config.log)
        .map_err(|error| Error::new(format!("configuration: telemetry.log: {error}")))?
        // The audit record is no matter of taste.
        .add_directive(format!("{AUDIT}=info").parse().map_err(Error::new)?);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    let traces = traces.map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("maily")));
    tracing_subscriber::registry()
        .with(levels)
        .with(lines.with_filter(filter_fn(ours)))
        .with(traces.with_filter(filter_fn(ours)))
        .with(logs.map(OpenTelemetryTracingBridge::new).with_filter(filter_fn(ours)))
        .try_init()
        .map_err(Error::new)
}

/// Whose errors quote what must not be in a log: signatures, and answers with keys in them.
const SILENT: [&str; 3] = ["s3s", "vaultrs", "rustify"];

/// The target of [`crate::Audit`].
const AUDIT: &str = "audit";

/// Our own records at any level, others' from warnings up; none of the [`SILENT`].
fn ours(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let silent = SILENT.iter().any(|name| target.starts_with(name));
    target.starts_with("maily_") || target == AUDIT || (*metadata.level() <= Level::WARN && !silent)
}

fn metrics(config: &Telemetry, registry: &Registry, resource: Resource) -> Result<SdkMeterProvider, Error> {
    let prometheus = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(Error::new)?;
    let builder = SdkMeterProvider::builder().with_resource(resource).with_reader(prometheus);
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(builder.build()) };
    let otlp = opentelemetry_otlp::MetricExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(unusable)?;
    Ok(builder.with_periodic_exporter(otlp).build())
}

fn traces(endpoint: &str, resource: Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(unusable)?;
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

fn logs(endpoint: &str, resource: Resource) -> Result<SdkLoggerProvider, Error> {
    let exporter = opentelemetry_otlp::LogExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .map_err(unusable)?;
    Ok(SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::new(format!("configuration: telemetry.otlp_endpoint: {error}"))
}

/// One span a request, child of the caller's (W3C trace context), named by the route and never by the path,
/// which may hold a token or a key.
pub(crate) async fn trace(State(service): State<&'static str>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let method = known(request.method());
    let span = tracing::info_span!("request", otel.kind = "server", service, method, %route);
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&Headers(request.headers()))
    });
    let _ = span.set_parent(parent);
    let begun = std::time::Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(target: "maily_chassis", method, %route, status, seconds, "request"));
    requests().record(
        seconds,
        &[
            KeyValue::new("method", method),
            KeyValue::new("route", route),
            KeyValue::new("status", i64::from(status)),
        ],
    );
    response
}

/// The method, or `_OTHER` as OpenTelemetry's conventions have it: callers may invent methods, and each would be a time
/// series of its own.
fn known(method: &http::Method) -> &'static str {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

fn requests() -> &'static opentelemetry::metrics::Histogram<f64> {
    static HISTOGRAM: std::sync::OnceLock<opentelemetry::metrics::Histogram<f64>> =
        std::sync::OnceLock::new();
    HISTOGRAM.get_or_init(|| {
        opentelemetry::global::meter("maily.chassis")
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_description("Time until the answer to a request began")
            .build()
    })
}

struct Headers<'a>(&'a http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_make_no_labels() {
        assert_eq!(known(&http::Method::PATCH), "PATCH");
        assert_eq!(known(&http::Method::from_bytes(b"get").unwrap()), "_OTHER");
        assert_eq!(known(&http::Method::from_bytes(b"A1B2").unwrap()), "_OTHER");
    }
}
