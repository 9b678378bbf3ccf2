//! What a request may say, and how what it may not say is refused.

use std::fmt::Write as _;

use axum::response::IntoResponse as _;
use expect_test::expect;
use maily_model::Schema;
use serde_json::{Value, json};

use super::{Answer, ChatRequest, Choice, Refusal, Stamp, Usage};

/// A request with these keys set (or, with `null`, as good as absent).
fn with(changes: Value) -> Value {
    let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

fn parse(request: &Value) -> Result<ChatRequest, Refusal> {
    ChatRequest::parse(request.to_string().as_bytes())
}

fn refused(request: &Value) -> Refusal {
    parse(request).err().unwrap_or_else(|| panic!("accepted: {request}"))
}

/// One line for each refusal: its parameter, code and message.
fn table(requests: impl IntoIterator<Item = Value>) -> String {
    let mut table = String::new();
    for request in requests {
        let refusal = refused(&request);
        let body = refusal.body();
        let error = &body["error"];
        assert_eq!(error["type"], "invalid_request_error");
        let text = |key: &str| error[key].as_str().unwrap_or("-").to_owned();
        writeln!(table, "{} | {} | {}", text("param"), text("code"), text("message")).unwrap();
    }
    table
}

#[test]
fn defaults_are_openais() {
    let request = parse(&with(json!({}))).ok().unwrap();
    assert_eq!((request.model.as_str(), request.n, request.messages.len()), ("m", 1, 1));
    assert_eq!((request.temperature, request.top_p), (1.0, 1.0));
    assert!(request.seed.is_none() && request.max_tokens.is_none() && request.schema.is_none());
    assert!(!request.stream && !request.include_usage && !request.include_reasoning);
}

#[test]
fn everything_served_is_read() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let request = parse(&json!({
        "model": "m",
        "messages": [
            { "role": "developer", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
            { "role": "assistant", "content": "c", "refusal": null, "tool_calls": [], "annotations": [] },
        ],
        "n": 3, "temperature": 0.25, "top_p": 0, "seed": -1, "stop": ["x", "yy"],
        "max_tokens": 7, "max_completion_tokens": 7, "include_reasoning": true,
        "stream": true, "stream_options": { "include_usage": true, "include_obfuscation": false },
        "response_format": {
            "type": "json_schema", "json_schema": { "name": "n-1", "strict": true, "schema": schema }
        },
    }))
    .ok()
    .unwrap();
    let messages: Vec<_> = request.messages.iter().map(|m| (m.role, m.text.as_str())).collect();
    assert_eq!(messages, [("system", "Be brief."), ("user", "a\nb"), ("assistant", "c")]);
    assert_eq!((request.n, request.temperature, request.seed), (3, 0.25, Some(u64::MAX)));
    assert!(request.top_p > 0.0 && request.top_p < 1e-6);
    assert_eq!((request.stop.as_slice(), request.max_tokens), (&["x".to_owned(), "yy".into()][..], Some(7)));
    assert_eq!(request.schema, Some(Schema::new(&schema).unwrap()));
    assert!(request.stream && request.include_usage && request.include_reasoning);
}

#[test]
fn what_changes_nothing_is_accepted() {
    let neutral = json!({
        "audio": null, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "logprobs": false,
        "modalities": ["text"], "service_tier": "auto", "store": false, "tool_choice": "none", "tools": [],
        "parallel_tool_calls": null, "user": "u-1", "metadata": { "a": "b" }, "prompt_cache_key": "k",
        "response_format": { "type": "text" }, "stop": null, "stream": false, "stream_options": null,
    });
    assert!(parse(&with(neutral)).is_ok());
    let format = with(json!({ "response_format": { "type": "json_object" } }));
    let object = Schema::new(&json!({ "type": "object" })).unwrap();
    assert_eq!(parse(&format).ok().unwrap().schema, Some(object));
}

#[test]
fn what_was_answered_can_be_sent_back() {
    let stamp = Stamp { id: "i".into(), created: 0, model: "m".into(), fingerprint: "f".into() };
    for (thought, shown) in [("", false), ("", true), ("Somebody greets me.", true)] {
        let choice = Choice { content: "Hello".into(), reasoning: thought.into(), finish: Some("stop") };
        let (stamp, usage) = (stamp.clone(), Usage::new(1, 1));
        let answer = Answer { stamp, choices: vec![choice], usage }.body(shown);
        let request = with(json!({ "messages": [answer["choices"][0]["message"]] }));
        let request = parse(&request).unwrap_or_else(|refusal| panic!("{}", refusal.body()));
        assert_eq!((request.messages[0].role, request.messages[0].text.as_str()), ("assistant", "Hello"));
    }
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    let values = json!({
        "audio": {}, "frequency_penalty": 0.5, "function_call": "auto", "functions": [{}], "logit_bias": { "5": 1 },
        "logprobs": true, "modalities": ["audio"], "parallel_tool_calls": false, "prediction": {},
        "presence_penalty": -1, "reasoning_effort": "low", "service_tier": "flex", "store": true,
        "tool_choice": "auto", "tools": [{}], "top_logprobs": 3, "verbosity": "low", "web_search_options": {},
    });
    for (key, value) in values.as_object().unwrap() {
        let error = refused(&with(json!({ key: value }))).body()["error"].clone();
        assert_eq!((&error["param"], &error["code"]), (&json!(key), &json!("unsupported_parameter")));
    }
    let messages = ["name", "tool_calls", "reasoning_content", "refusal"].map(|key| {
        let mut message = json!({ "role": "assistant", "content": "x" });
        message[key] = json!(["y"]);
        with(json!({ "messages": [message] }))
    });
    let thinking = json!({ "role": "user", "content": "x", "reasoning_content": "y" });
    let messages = messages.into_iter().chain([with(json!({ "messages": [thinking] }))]);
    expect![[r#"
        messages[0].name | unsupported_parameter | Unsupported parameter: 'messages[0].name' is not supported with this model.
        messages[0].tool_calls | unsupported_parameter | Unsupported parameter: 'messages[0].tool_calls' is not supported with this model.
        messages[0].reasoning_content | invalid_type | Invalid type for 'messages[0].reasoning_content': expected a string, but got an array instead.
        messages[0].refusal | unsupported_parameter | Unsupported parameter: 'messages[0].refusal' is not supported with this model.
        messages[0].reasoning_content | unsupported_parameter | Unsupported parameter: 'messages[0].reasoning_content' is not supported with this model.
    "#]]
    .assert_eq(&table(messages));
}

#[test]
fn bad_values_are_refused_with_the_reason() {
    let cases = [
        json!({ "model": null }),
        json!({ "model": 3 }),
        json!({ "temprature": 1 }),
        json!({ "temperature": 2.5 }),
        json!({ "temperature": "warm" }),
        json!({ "top_p": -0.1 }),
        json!({ "seed": 1.5 }),
        json!({ "seed": u64::MAX }),
        json!({ "n": 0 }),
        json!({ "n": 17 }),
        json!({ "max_tokens": -1 }),
        json!({ "max_tokens": 5, "max_completion_tokens": 6 }),
        json!({ "stop": ["a", "b", "c", "d", "e"] }),
        json!({ "stop": "" }),
        json!({ "stop": [1] }),
        json!({ "stream": "yes" }),
        json!({ "stream_options": { "include_usage": true } }),
        json!({ "stream": true, "stream_options": { "usage": true } }),
        json!({ "response_format": { "type": "xml" } }),
        json!({ "response_format": { "type": "json_schema" } }),
        json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "a b", "schema": {} } } }),
        json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "a", "schema": [] } } }),
        json!({ "response_format": { "type": "json_object", "schema": {} } }),
        json!({ "include_reasoning": 1 }),
        json!({ "x".repeat(500): 1 }),
    ];
    expect![[r#"
        model | missing_required_parameter | Missing required parameter: 'model'.
        model | invalid_type | Invalid type for 'model': expected a string, but got a number instead.
        temprature | unknown_parameter | Unknown parameter: 'temprature'.
        temperature | decimal_above_max_value | Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.
        temperature | invalid_type | Invalid type for 'temperature': expected a decimal, but got a string instead.
        top_p | decimal_below_min_value | Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -0.1 instead.
        seed | invalid_type | Invalid type for 'seed': expected an integer, but got a number instead.
        seed | integer_above_max_value | Invalid 'seed': integer above maximum value. Expected a value <= 9223372036854775807, but got 18446744073709551615 instead.
        n | integer_below_min_value | Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.
        n | integer_above_max_value | Invalid 'n': integer above maximum value. Expected a value <= 16, but got 17 instead.
        max_tokens | integer_below_min_value | Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got -1 instead.
        max_tokens | invalid_value | 'max_tokens' and 'max_completion_tokens' contradict each other; send one.
        stop | array_above_max_length | Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.
        stop | invalid_value | Invalid 'stop': a stop sequence has 1 to 256 bytes.
        stop | invalid_type | Invalid type for 'stop': expected a string or an array of strings, but got a number instead.
        stream | invalid_type | Invalid type for 'stream': expected a boolean, but got a string instead.
        stream_options | invalid_value | The 'stream_options' parameter is only allowed when 'stream' is enabled.
        stream_options.usage | unknown_parameter | Unknown parameter: 'stream_options.usage'.
        response_format.type | invalid_value | Invalid value: 'xml'. Supported values are: 'text', 'json_object' and 'json_schema'.
        response_format.json_schema | missing_required_parameter | Missing required parameter: 'response_format.json_schema'.
        response_format.json_schema.name | invalid_value | Invalid 'response_format.json_schema.name': expected 1 to 64 of a-z, A-Z, 0-9, '_' and '-'.
        response_format.json_schema.schema | invalid_type | Invalid type for 'response_format.json_schema.schema': expected an object, but got an array instead.
        response_format.schema | unknown_parameter | Unknown parameter: 'response_format.schema'.
        include_reasoning | invalid_type | Invalid type for 'include_reasoning': expected a boolean, but got a number instead.
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… | unknown_parameter | Unknown parameter: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'.
    "#]]
    .assert_eq(&table(cases.map(with)));
}

#[test]
fn bad_messages_are_refused_with_their_place() {
    let user = json!({ "role": "user", "content": "x" });
    let cases = [
        json!(null),
        json!("Hi"),
        json!([]),
        json!(vec![user.clone(); 129]),
        json!(["Hi"]),
        json!([{ "content": "x" }]),
        json!([user, { "role": "tool", "content": "x" }]),
        json!([{ "role": "user" }]),
        json!([{ "role": "user", "content": 1 }]),
        json!([{ "role": "user", "content": "x", "extra": 1 }]),
        json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] }]),
        json!([{ "role": "user", "content": [{ "type": "text", "text": 1 }] }]),
        json!([{ "role": "user", "content": vec![json!({ "type": "text", "text": "" }); 129] }]),
    ];
    expect![[r#"
        messages | missing_required_parameter | Missing required parameter: 'messages'.
        messages | invalid_type | Invalid type for 'messages': expected an array, but got a string instead.
        messages | empty_array | Invalid 'messages': empty array. Expected an array with minimum length 1.
        messages | array_above_max_length | Invalid 'messages': array too long. Expected an array with maximum length 128, but got an array with length 129 instead.
        messages[0] | invalid_type | Invalid type for 'messages[0]': expected an object, but got a string instead.
        messages[0].role | missing_required_parameter | Missing required parameter: 'messages[0].role'.
        messages[1].role | invalid_value | Invalid value: 'tool'. Supported values are: 'system', 'developer', 'user' and 'assistant'.
        messages[0].content | missing_required_parameter | Missing required parameter: 'messages[0].content'.
        messages[0].content | invalid_type | Invalid type for 'messages[0].content': expected a string or an array of text parts, but got a number instead.
        messages[0].extra | unknown_parameter | Unknown parameter: 'messages[0].extra'.
        messages[0].content[0].type | invalid_value | Invalid value: 'image_url'. Supported values are: 'text'.
        messages[0].content[0].text | invalid_type | Invalid type for 'messages[0].content[0].text': expected a string, but got a number instead.
        messages[0].content | array_above_max_length | Invalid 'messages[0].content': array too long. Expected an array with maximum length 128, but got an array with length 129 instead.
    "#]]
    .assert_eq(&table(cases.map(|messages| with(json!({ "messages": messages })))));
}

/// Counted in the bytes that came, a request must not become many times as much, least of all while it waits for the model.
#[test]
fn what_would_grow_is_refused() {
    let of = |schema: Value| {
        let named = json!({ "name": "a", "schema": schema });
        with(json!({ "response_format": { "type": "json_schema", "json_schema": named } }))
    };
    let long = |bytes: usize| of(json!({ "title": "x".repeat(bytes - r#"{"title":""}"#.len()) }));
    assert!(parse(&long(64 << 10)).is_ok());
    let refused = [
        long((64 << 10) + 1),
        of(json!({ "enum": vec![0; 16_384] })),
        with(json!({ "logit_bias": vec![json!([]); 8_192] })),
        with(json!({ "metadata": vec![json!({}); 8_192] })),
    ];
    expect![[r#"
        response_format | invalid_json_schema | Invalid schema for response_format: it is longer than 65536 bytes
        - | - | The request has more than 16384 JSON values.
        - | - | The request has more than 16384 JSON values.
        - | - | The request has more than 16384 JSON values.
    "#]]
    .assert_eq(&table(refused));
}

#[test]
fn what_is_no_json_object_is_refused() {
    let deep = "[".repeat(10_000);
    let mut said = String::new();
    for body in ["", "{", "[]", "\"x\"", "{\"model\":\"m\"} trailing", &deep] {
        writeln!(said, "{}", ChatRequest::parse(body.as_bytes()).err().unwrap()).unwrap();
    }
    let invalid_utf8 = b"{\"model\":\"\xff\"}";
    writeln!(said, "{}", ChatRequest::parse(invalid_utf8).err().unwrap()).unwrap();
    expect![[r#"
        We could not parse the JSON body of your request. It must be one JSON object.
        We could not parse the JSON body of your request. It must be one JSON object.
        The body must be a JSON object, but is an array.
        The body must be a JSON object, but is a string.
        We could not parse the JSON body of your request. It must be one JSON object.
        We could not parse the JSON body of your request. It must be one JSON object.
        We could not parse the JSON body of your request. It must be one JSON object.
    "#]]
    .assert_eq(&said);
}

#[test]
fn statuses_and_headers_are_openais() {
    let mut said = String::new();
    for refusal in [
        Refusal::model_not_found("gpt-9"),
        Refusal::not_found("POST", "/v1/embeddings"),
        Refusal::method("DELETE"),
        Refusal::too_large(7),
        Refusal::media_type(),
        Refusal::queue_full(),
        Refusal::loading(),
        Refusal::stopping(),
        Refusal::deadline(),
        Refusal::internal(),
    ] {
        let body = refusal.body();
        let response = refusal.into_response();
        let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        writeln!(said, "{} {retry:?} {body}", response.status().as_u16()).unwrap();
    }
    expect![[r#"
        404 None {"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}
        404 None {"error":{"message":"Invalid URL (POST /v1/embeddings)","type":"invalid_request_error","param":null,"code":null}}
        405 None {"error":{"message":"Method DELETE is not allowed here.","type":"invalid_request_error","param":null,"code":null}}
        413 None {"error":{"message":"The request body is longer than 7 bytes.","type":"invalid_request_error","param":null,"code":null}}
        415 None {"error":{"message":"The request needs the header 'Content-Type: application/json'.","type":"invalid_request_error","param":null,"code":null}}
        429 Some("2") {"error":{"message":"Too many requests are waiting for the model. Try again later.","type":"requests","param":null,"code":"rate_limit_exceeded"}}
        503 Some("2") {"error":{"message":"The model is still being loaded. Try again in a moment.","type":"server_error","param":null,"code":"model_not_ready"}}
        503 Some("2") {"error":{"message":"The server is stopping. Try again in a moment.","type":"server_error","param":null,"code":"model_not_ready"}}
        504 None {"error":{"message":"The request took longer than this server allows.","type":"server_error","param":null,"code":"timeout"}}
        500 None {"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}
    "#]]
    .assert_eq(&said);
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_so_in_openais_words() {
    use axum::http::StatusCode;
    let problem = maily_chassis::Problem::new(StatusCode::FORBIDDEN, "this key may not do that");
    let response = Refusal::by_the_listener(&problem.detail("it lacks the scope infer"));
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
    let error = serde_json::from_slice::<Value>(&body).unwrap();
    assert_eq!(error["error"]["code"], "insufficient_permissions");
    assert_eq!(error["error"]["message"], "this key may not do that: it lacks the scope infer");
}
