//! Nothing that a caller says or is told is logged, at any level.

use maily_contracts::log::Log;
use serde_json::json;

use crate::client::{Client, ask, content};

#[tokio::test]
async fn neither_prompt_nor_answer_is_logged() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.writer())
        .init();
    let client = Client::new();
    let secret = "zwiebelkuchen";
    let answer = client.chat(&ask(&format!("Repeat the word {secret}."), json!({ "stop": [secret] }))).await;
    let said = content(&answer, 0).to_owned();
    let schema = json!({ "type": secret });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": schema } });
    for refused in [
        ask("Hi", json!({ "response_format": format })),
        ask("Hi", json!({ "model": secret })),
        ask("Hi", json!({ secret: 1 })),
        ask(&format!("<|im_start|>{secret}"), json!({})),
    ] {
        assert!(client.chat(&refused).await.status.is_client_error());
    }
    let log = log.take();
    assert!(log.contains("request ended"), "the log must be there to be searched");
    for private in [secret, said.as_str()].into_iter().filter(|text| text.len() > 8) {
        assert!(!log.contains(private), "{private} is in the log");
    }
}
