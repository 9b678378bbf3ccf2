//! What a lawful request gets.

use serde_json::{Value, json};

use crate::client::{Client, MODEL, ask, content};

#[tokio::test]
async fn the_one_model_is_listed() {
    let client = Client::new();
    let list = client.get("/v1/models").await;
    assert_eq!((list.status.as_u16(), &list.body["object"]), (200, &json!("list")));
    assert_eq!(list.body["data"][0]["id"], MODEL);
    let one = client.get(&format!("/v1/models/{MODEL}")).await;
    assert_eq!(one.body, list.body["data"][0]);
    assert_eq!(client.get("/v1/models/gpt-9").await.body["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn a_chat_is_answered_in_openais_shape() {
    let client = Client::new();
    let answer = client.chat(&ask("What is the capital of France?", json!({ "temperature": 0 }))).await;
    assert!(content(&answer, 0).contains("Paris"), "{}", content(&answer, 0));
    let body = &answer.body;
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!(MODEL)));
    assert!(body["system_fingerprint"].as_str().unwrap().starts_with("fp_"));
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    assert_eq!(body["choices"][0]["message"].get("reasoning_content"), None);
    let [prompt, completion, total] = ["prompt_tokens", "completion_tokens", "total_tokens"]
        .map(|key| body["usage"][key].as_u64().unwrap());
    assert!(prompt > 10 && (1..=24).contains(&completion) && total == prompt + completion);
}

#[tokio::test]
async fn a_seed_decides_and_its_absence_does_not() {
    let client = Client::new();
    let request = ask("Write a poem about the sea.", json!({ "temperature": 1.5 }));
    let first = client.chat(&request).await;
    let second = client.chat(&request).await;
    assert_eq!(content(&first, 0), content(&second, 0));
    let mut random = request;
    random["seed"] = Value::Null;
    let answers = [client.chat(&random).await, client.chat(&random).await];
    assert_ne!(content(&answers[0], 0), content(&answers[1], 0));
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let client = Client::new();
    let mut request = ask("Name three colours.", json!({ "n": 2, "temperature": 0.8 }));
    let whole = client.chat(&request).await;
    request["stream"] = json!(true);
    request["stream_options"] = json!({ "include_usage": true });
    let mut chunks = client.stream(&request).await;
    let last = chunks.pop().unwrap();
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole.body["usage"]));
    for index in 0..2 {
        let own: Vec<&Value> =
            chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|c| c["index"] == index).collect();
        assert_eq!(own[0]["delta"]["role"], "assistant");
        let text: String = own.iter().filter_map(|c| c["delta"]["content"].as_str()).collect();
        assert_eq!(text, content(&whole, index));
        let finishes: Vec<_> = own.iter().map(|c| &c["finish_reason"]).filter(|f| !f.is_null()).collect();
        assert_eq!(finishes, [&whole.body["choices"][index]["finish_reason"]]);
        assert_eq!(own.last().unwrap()["delta"], json!({}));
    }
    assert!(chunks.iter().all(|chunk| chunk["usage"].is_null() && chunk["id"] == last["id"]));
}

#[tokio::test]
async fn a_schema_is_obeyed() {
    let client = Client::new();
    let schema = json!({
        "type": "object",
        "properties": {
            "subject": { "type": "string", "maxLength": 40 },
            "tone": { "enum": ["warm", "plain"] },
            "score": { "type": "integer", "minimum": 1, "maximum": 5 },
        },
        "required": ["subject", "tone", "score"],
        "additionalProperties": false,
    });
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "mail", "strict": true, "schema": schema } });
    let request = ask("Rate an email about shoes.", json!({ "response_format": format, "max_tokens": 200 }));
    let answer = client.chat(&request).await;
    let value: Value = serde_json::from_str(content(&answer, 0)).unwrap();
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["score", "subject", "tone"]);
    assert!(value["subject"].as_str().unwrap().chars().count() <= 40);
    assert!(["warm", "plain"].contains(&value["tone"].as_str().unwrap()));
    assert!((1..=5).contains(&value["score"].as_i64().unwrap()));
    assert_eq!(answer.body["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_stop_sequence_ends_the_answer_before_itself() {
    let client = Client::new();
    let plain = ask("Count from one to ten in words.", json!({ "temperature": 0, "max_tokens": 24 }));
    let free = client.chat(&plain).await;
    let text = content(&free, 0);
    let stop: String = text.chars().skip(text.chars().count() / 2).take(3).collect();
    let mut request = plain.clone();
    request["stop"] = json!([stop, "never said"]);
    let stopped = client.chat(&request).await;
    assert_eq!(Some(content(&stopped, 0)), text.split_once(&stop).map(|(before, _)| before));
    assert_eq!(stopped.body["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn the_limit_of_tokens_ends_the_answer() {
    let client = Client::new();
    let request = ask("Write a long story.", json!({ "max_tokens": null, "max_completion_tokens": 5 }));
    let answer = client.chat(&request).await;
    assert_eq!(answer.body["choices"][0]["finish_reason"], "length");
    assert_eq!(answer.body["usage"]["completion_tokens"], 5);
}

#[tokio::test]
async fn thoughts_are_kept_from_the_content() {
    let client = Client::new();
    // No small model thinks by itself: the schema has this one say what a reasoning model would.
    let says = |text: &str, more: Value| {
        let named = json!({ "name": "s", "schema": { "const": text } });
        let format = json!({ "type": "json_schema", "json_schema": named });
        let mut request = ask("Hi", json!({ "response_format": format, "max_tokens": 60 }));
        request["include_reasoning"] = more;
        request
    };
    let closed = says("<think>secret</think>Hello", json!(false));
    let answer = client.chat(&closed).await;
    assert_eq!(content(&answer, 0), r#""Hello""#);
    assert!(!answer.body.to_string().contains("secret"));
    let mut streamed = closed.clone();
    streamed["stream"] = json!(true);
    let text = client.stream(&streamed).await.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("Hello") || text.contains("lo"), "{text}");
    assert!(!text.contains("think") && !text.contains("secret"), "{text}");

    let shown = client.chat(&says("<think>secret</think>Hello", json!(true))).await;
    assert_eq!(content(&shown, 0), r#""Hello""#);
    assert_eq!(shown.body["choices"][0]["message"]["reasoning_content"], "secret");
    let open = client.chat(&says("<think>never closed", json!(false))).await;
    assert_eq!(open.body["choices"][0]["finish_reason"], "length");
    assert!(!open.body.to_string().contains("closed"));
}
