//! Generation on the real model: what callers rely on.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

mod common;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use maily_model::{
    ChatMessage, Completion, Engine, EngineError, Event, FinishReason, Generate, LoadOptions, Schema,
};
use serde_json::{Value, json};

fn prompt(user: &str) -> Vec<u32> {
    let chat = [ChatMessage { role: "user".into(), content: user.into() }];
    let engine = common::engine();
    engine.tokenizer().encode(&engine.render_chat(&chat).unwrap(), true)
}

fn run(engine: &Engine, request: &Generate) -> Vec<Completion> {
    engine.generate(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn texts(completions: &[Completion]) -> Vec<&str> {
    completions.iter().map(|c| c.text.as_str()).collect()
}

/// Long enough for the prefix cache to have something to keep.
fn long_prompt() -> Vec<u32> {
    prompt(&format!("{}Write one sentence about tulips.", "Roses are red and violets are blue. ".repeat(20)))
}

#[test]
fn the_text_depends_on_the_request_alone() {
    let request = Generate {
        prompt: long_prompt(),
        n: 3,
        max_tokens: 32,
        temperature: 1.1,
        top_p: 0.95,
        seed: 7,
        ..Generate::default()
    };
    let engine = common::engine();
    let first = run(engine, &request);
    let first = texts(&first);
    assert!(first.iter().all(|t| !t.is_empty()) && first[0] != first[1], "candidates are drawn apart");
    // A cache hit, after something else ran.
    run(engine, &Generate { prompt: prompt("Hello"), max_tokens: 5, ..Generate::default() });
    assert_eq!(texts(&run(engine, &request)), first);
    // No cache at all, and prompts that share only a part of the prefix before.
    let cold = LoadOptions { prefix_cache_bytes: 0, ..LoadOptions::default() };
    let cold = Engine::load(&common::model_path(), &cold).unwrap();
    assert_eq!(texts(&run(&cold, &request)), first);
    // Fewer siblings, one thread, and a stop string that ends the others early.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(texts(&alone.install(|| run(engine, &Generate { n: 2, ..request.clone() }))), first[..2]);
    let stopped =
        run(engine, &Generate { stop: vec![first[0].chars().take(2).collect()], ..request.clone() });
    for (stopped, first) in stopped.iter().zip(&first).filter(|(s, _)| s.reason != FinishReason::Stop) {
        assert_eq!(stopped.text, *first);
    }
    assert_eq!(stopped[0].text, "");
    assert_ne!(texts(&run(engine, &Generate { seed: 8, ..request })), first);
}

#[test]
fn greedy_answers_make_sense_and_match_the_logits() {
    let engine = common::engine();
    let request = Generate {
        prompt: prompt("What is the capital of France?"),
        max_tokens: 24,
        temperature: 0.0,
        ..Generate::default()
    };
    let done = run(engine, &request);
    assert!(done[0].text.contains("Paris"), "{}", done[0].text);
    // Every drawn token is the likeliest by a plain pass over the whole text.
    let answer = engine.tokenizer().encode(&done[0].text, true);
    let logits = engine.logits(&[request.prompt.clone(), answer.clone()].concat()).unwrap();
    for (row, &token) in logits[request.prompt.len() - 1..].iter().zip(&answer) {
        let likeliest = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        assert_eq!(likeliest as u32, token);
    }
}

#[test]
fn events_tell_the_completions() {
    let request = Generate {
        prompt: prompt("Count to five in words."),
        n: 3,
        max_tokens: 30,
        seed: 3,
        ..Generate::default()
    };
    let (mut told, mut ends) = (vec![String::new(); 3], vec![None; 3]);
    let done = common::engine().generate(&request, &mut |event| {
        match event {
            Event::Text { index, text } => {
                assert!(ends[index].is_none() && !text.is_empty());
                told[index].push_str(&text);
            }
            Event::Read { tokens } => panic!("the prompt is short, and {tokens} of it were read"),
            Event::Finished { index, reason } => assert!(ends[index].replace(reason).is_none()),
        }
        ControlFlow::Continue(())
    });
    let done = done.unwrap();
    assert_eq!(texts(&done), told);
    assert_eq!(done.iter().map(|c| Some(c.reason)).collect::<Vec<_>>(), ends);
    assert!(done.iter().all(|c| c.tokens <= 30 && (c.reason == FinishReason::Length) == (c.tokens == 30)));
}

#[test]
fn a_schema_is_obeyed_whatever_the_model_would_say() {
    let schema = json!({
        "type": "object",
        "properties": {
            "subject": { "type": "string", "maxLength": 40 },
            "discount": { "type": "integer", "minimum": 5, "maximum": 50 },
            "tone": { "enum": ["warm", "brisk"] },
            "lines": { "type": "array", "items": { "type": "string", "maxLength": 20 }, "minItems": 1, "maxItems": 2 },
        },
        "required": ["subject", "discount", "tone", "lines"],
        "additionalProperties": false,
    });
    let request = Generate {
        prompt: prompt("Tell me a story about a fox."),
        n: 4,
        max_tokens: 250,
        temperature: 1.5,
        seed: 11,
        schema: Some(Schema::new(&schema).unwrap()),
        ..Generate::default()
    };
    for done in run(common::engine(), &request) {
        assert_eq!(done.reason, FinishReason::Stop, "{}", done.text);
        let value: Value = serde_json::from_str(&done.text).unwrap_or_else(|e| panic!("{e}: {}", done.text));
        assert_eq!(value.as_object().unwrap().len(), 4);
        assert!(value["subject"].as_str().unwrap().chars().count() <= 40);
        assert!((5..=50).contains(&value["discount"].as_i64().unwrap()));
        assert!(["warm", "brisk"].contains(&value["tone"].as_str().unwrap()));
        assert!((1..=2).contains(&value["lines"].as_array().unwrap().len()));
    }
}

#[test]
fn a_schema_that_cannot_be_used_is_refused_without_quoting_it() {
    let schema = json!({ "type": "string", "pattern": "(?=secret)" });
    let schema = Some(Schema::new(&schema).unwrap());
    let request = Generate { prompt: vec![1], schema, ..Generate::default() };
    let error = common::engine().generate(&request, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, EngineError::Schema(_)) && error.is_permanent());
    assert!(!format!("{error} {error:?} {request:?} {:?}", request.schema).contains("secret"));
}

#[test]
fn the_caller_and_the_deadline_can_end_it() {
    let request =
        Generate { prompt: prompt("Write a long story."), n: 2, max_tokens: 4000, ..Generate::default() };
    let mut events = 0;
    let done = common::engine().generate(&request, &mut |_| {
        events += 1;
        if events == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(events, 5, "nobody is told after the break");
    assert!(done.unwrap().iter().all(|c| c.reason == FinishReason::Cancelled));
    let deadline = Some(Instant::now() + Duration::from_millis(300));
    let done = run(common::engine(), &Generate { deadline, temperature: 2.0, ..request.clone() });
    assert!(done.iter().all(|c| c.reason == FinishReason::Cancelled && c.tokens < 4000));
    let past = Some(Instant::now());
    let done = run(common::engine(), &Generate { deadline: past, ..request });
    assert!(done.iter().all(|c| c.reason == FinishReason::Cancelled && c.tokens == 0 && c.text.is_empty()));
}

#[test]
fn the_caller_can_end_the_reading_of_a_prompt() {
    let options = LoadOptions { prefix_cache_bytes: 0, ..LoadOptions::default() };
    let engine = Engine::load(&common::data("tiny"), &options).unwrap();
    let request = Generate { prompt: vec![5; 250], max_tokens: 4, ..Generate::default() };
    let mut told = Vec::new();
    let done = engine.generate(&request, &mut |event| {
        told.push(event);
        ControlFlow::Break(())
    });
    assert_eq!(told, [Event::Read { tokens: 128 }]);
    let done = done.unwrap();
    assert_eq!((done[0].reason, done[0].tokens), (FinishReason::Cancelled, 0));
}

#[test]
fn what_is_out_of_range_is_refused() {
    let sound = Generate { prompt: vec![1, 2, 3], ..Generate::default() };
    let wrong = [
        Generate { prompt: vec![], ..sound.clone() },
        Generate { prompt: vec![49152], ..sound.clone() },
        Generate { prompt: vec![5; 8192], ..sound.clone() },
        Generate { n: 0, ..sound.clone() },
        Generate { max_tokens: 0, ..sound.clone() },
        Generate { temperature: f32::NAN, ..sound.clone() },
        Generate { top_p: 0.0, ..sound.clone() },
        Generate { stop: vec![String::new()], ..sound },
    ];
    for request in wrong {
        let error = common::engine().generate(&request, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.is_permanent(), "{error}");
    }
}

/// Memory grows past its first block of positions, and ends with the context.
#[test]
fn an_answer_ends_with_the_context() {
    let options = LoadOptions { max_context: 150, ..LoadOptions::default() };
    let engine = Engine::load(&common::data("tiny"), &options).unwrap();
    let request = Generate {
        prompt: vec![5; 10],
        n: 2,
        max_tokens: 1000,
        temperature: 2.0,
        seed: 5,
        ..Generate::default()
    };
    let done = run(&engine, &request);
    assert!(done.iter().any(|c| c.tokens == 140 && c.reason == FinishReason::Length), "{done:?}");
}

#[test]
fn without_weights_it_reads_and_does_not_write() {
    let (engine, options) = (common::engine(), LoadOptions::default());
    let reader = Engine::load_without_weights(&common::model_path(), &options).unwrap();
    assert_eq!(reader.info(), engine.info());
    let chat = [ChatMessage { role: "user".into(), content: "Hello".into() }];
    assert_eq!(reader.render_chat(&chat).unwrap(), engine.render_chat(&chat).unwrap());
    let request = Generate { prompt: prompt("Hello"), ..Generate::default() };
    let refused = reader.generate(&request, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(EngineError::Invalid(_))), "{refused:?}");
    assert!(reader.logits(&request.prompt).is_err());
}
