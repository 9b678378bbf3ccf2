//! What happens when there is too much to do, too little time, or nobody left to answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use maily_inference::{Config, Server, Worker};
use prometheus::{Registry, TextEncoder};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, MODEL, answer, ask, checkpoint, content, engine};

/// A request that takes the model minutes.
fn endless() -> serde_json::Value {
    ask("Write a very long story.", json!({ "max_tokens": 2000, "n": 8, "stream": true, "temperature": 1.5 }))
}

fn short() -> serde_json::Value {
    ask("Hi", json!({ "max_tokens": 2 }))
}

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    let client = Client::with(Config { queue: 1, ..Config::default() });
    // The first event says that the first request runs, so that the queue is empty again.
    let mut running = client.post(&endless()).await.into_body();
    running.frame().await.unwrap().unwrap();
    let (one, two) = (short(), short());
    let (mut one, mut two) = (Box::pin(client.chat(&one)), Box::pin(client.chat(&two)));
    // Of two more, one waits and the other is refused.
    let refused = tokio::select! { answer = &mut one => answer, answer = &mut two => answer };
    assert_eq!((refused.status.as_u16(), refused.retry_after.as_deref()), (429, Some("2")));
    assert_eq!(refused.body["error"]["code"], "rate_limit_exceeded");
    // Whoever waits is served once the one before has gone away.
    drop((one, two, running));
    assert_eq!(client.chat(&short()).await.status, 200);
}

#[tokio::test]
async fn a_request_ends_at_its_deadline() {
    let client = Client::with(Config { deadline_seconds: 1, ..Config::default() });
    let mut whole = endless();
    whole["stream"] = json!(false);
    let late = client.chat(&whole).await;
    assert_eq!((late.status.as_u16(), &late.body["error"]["code"]), (504, &json!("timeout")));
    let stream = client.post(&endless()).await.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&stream).unwrap();
    let last = text.trim_end().rsplit("data: ").next().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["error"]["code"], "timeout");
    // The model is free again. On a busy machine a second may be too short even for a short answer.
    for _ in 0..60 {
        match client.chat(&short()).await.status.as_u16() {
            200 => return,
            status => assert_eq!(status, 504),
        }
    }
    panic!("no request is served any more");
}

#[tokio::test]
async fn who_hangs_up_is_no_longer_worked_for() {
    let metrics = Metrics::install();
    let client = Client::with(Config { name: Some(NAME.into()), ..Config::default() });
    // An autoscaler counts on a replica that nobody has asked yet.
    assert_eq!(metrics.value("vllm:num_requests_running", ""), Some(0.0));
    assert_eq!(metrics.value("vllm:num_requests_waiting", ""), Some(0.0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, client.router.clone()).into_future());
    for (at, stream) in [true, false].into_iter().enumerate() {
        let mut request = endless();
        request["model"] = json!(NAME);
        request["stream"] = json!(stream);
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(http(&request).as_bytes()).await.unwrap();
        metrics.until("vllm:time_to_first_token_seconds_count", 2.0 * at as f64 + 1.0).await;
        drop(socket);
        // The next request has its turn long before the first could have been finished.
        let mut next = short();
        next["model"] = json!(NAME);
        let served = tokio::time::timeout(Duration::from_secs(60), client.chat(&next)).await.unwrap();
        assert_eq!(served.status, 200, "{:?}", served.body);
    }
    // The last request is counted right after it is answered.
    metrics.until("vllm:e2e_request_latency_seconds_count", 4.0).await;
    assert_eq!(metrics.value("vllm:request_success_total", r#"finished_reason="abort""#), Some(2.0));
    assert_eq!(metrics.value("vllm:num_requests_running", ""), Some(0.0));
    assert_eq!(metrics.value("vllm:num_requests_waiting", ""), Some(0.0));
    assert!(metrics.value("vllm:prompt_tokens_total", "").unwrap() > 4.0);
    assert!(metrics.value("vllm:generation_tokens_total", "").unwrap() < 2000.0);
}

/// The served name of the one test that looks at metrics, so that no other is counted.
const NAME: &str = "hang-up";

fn http(request: &serde_json::Value) -> String {
    let body = request.to_string();
    let length = body.len();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {length}\r\n\r\n{body}")
}

/// What a scraper sees.
struct Metrics(Registry);

impl Metrics {
    fn install() -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().unwrap();
        let provider = opentelemetry_sdk::metrics::SdkMeterProvider::builder().with_reader(exporter).build();
        opentelemetry::global::set_meter_provider(provider);
        Self(registry)
    }

    fn value(&self, name: &str, label: &str) -> Option<f64> {
        let text = TextEncoder::new().encode_to_string(&self.0.gather()).unwrap();
        let own = format!("model_name=\"{NAME}\"");
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && line.contains(&own) && line.contains(label))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Polls, as a scraper does, for at most a minute.
    async fn until(&self, name: &str, wanted: f64) {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        for _ in 0..6000 {
            if self.value(name, "") == Some(wanted) {
                return;
            }
            tick.tick().await;
        }
        panic!("{name} is {:?}, not {wanted}", self.value(name, ""));
    }
}

#[tokio::test]
async fn before_the_model_is_loaded_requests_are_told_to_wait() {
    let server = Server::new(Config { model: checkpoint(), name: Some(MODEL.into()), ..Config::default() });
    let router = server.router();
    let send = |request: Request<Body>| {
        let router = router.clone();
        async move { answer(tower::ServiceExt::oneshot(router, request).await.unwrap()).await }
    };
    let chat = || {
        let body = Body::from(short().to_string());
        Request::post("/v1/chat/completions").header(CONTENT_TYPE, "application/json").body(body).unwrap()
    };
    let early = send(chat()).await;
    assert_eq!((early.status.as_u16(), early.retry_after.as_deref()), (503, Some("2")));
    assert_eq!(send(Request::get("/v1/models").body(Body::empty()).unwrap()).await.status, 503);
    let (ready, loaded) = tokio::sync::oneshot::channel();
    let worker = Worker::spawn(server, |result| ready.send(result.is_ok()).unwrap()).unwrap();
    assert!(loaded.await.unwrap());
    let served = send(chat()).await;
    assert!(!content(&served, 0).is_empty());
    worker.stop().await;
    assert_eq!(send(chat()).await.status, 503);
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_loaded_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(checkpoint()).unwrap();
    let cases: [(&str, Option<&[u8]>); 3] =
        [("missing.gguf", None), ("truncated.gguf", Some(&bytes[..1 << 20])), ("text.gguf", Some(b"hello"))];
    for (name, content) in cases {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let server = Server::new(Config { model: path, ..Config::default() });
        let (failed, reason) = tokio::sync::oneshot::channel();
        let worker =
            Worker::spawn(server, |result| failed.send(result.err().map(|e| e.to_string())).unwrap())
                .unwrap();
        let sentence = reason.await.unwrap().expect("it does not load");
        assert!(sentence.contains(name) && !sentence.contains('\n'), "{sentence}");
        worker.stop().await;
    }
}

#[tokio::test]
async fn stopping_gives_up_what_runs_and_what_waits() {
    let server = Server::with_engine(Config { name: Some(MODEL.into()), ..Config::default() }, engine());
    let router = server.router();
    let worker = Worker::spawn(server, |loaded| loaded.unwrap()).unwrap();
    let client = Client { router };
    let mut running = client.post(&endless()).await.into_body();
    running.frame().await.unwrap().unwrap();
    let next = short();
    let mut waits = Box::pin(client.chat(&next));
    assert!(futures::poll!(&mut waits).is_pending());
    worker.stop().await;
    assert_eq!(waits.await.status, 503);
    let rest = running.collect().await.unwrap().to_bytes();
    assert!(std::str::from_utf8(&rest).unwrap().contains("The server is stopping"));
}
