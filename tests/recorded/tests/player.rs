//! Recordings are made and played; on the tiny checkpoint of `libs/model`, which writes nonsense.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use maily_inference::Answers as _;
use maily_model::{Completion, Engine, EngineError, Event, FinishReason, Generate, LoadOptions, Schema};
use maily_recorded::{Absent, Player, Recorded, key};
use maily_testkit::workspace;
use tempfile::TempDir;

maily_template::worker_of_tests!();

type Load = fn(&Path, &LoadOptions) -> Result<Engine, maily_model::LoadError>;

fn player(folder: &TempDir, load: Load, change: impl FnOnce(&mut Recorded)) -> Player {
    let answers = Some(folder.path().to_owned());
    let mut settings = Recorded { workspace: workspace(), answers, ..Recorded::default() };
    change(&mut settings);
    let tiny = workspace().join("libs/model/tests/data/tiny");
    Player::new(settings, Arc::new(load(&tiny, &LoadOptions::default()).unwrap())).unwrap()
}

fn request() -> Generate {
    Generate { prompt: vec![70, 71, 72], n: 3, max_tokens: 30, stop: vec!["a".into()], ..Generate::default() }
}

/// The candidates, and the text and the end of each as it was told.
fn ask(player: &Player, request: &Generate) -> (Vec<Completion>, Vec<(String, Option<FinishReason>)>) {
    let mut told = vec![(String::new(), None); request.n];
    let said = player.generate(request, &mut |event| {
        match event {
            Event::Read { .. } => {}
            Event::Text { index, text } => told[index].0 += &text,
            Event::Finished { index, reason } => told[index].1 = Some(reason),
        }
        ControlFlow::Continue(())
    });
    (said.unwrap(), told)
}

#[test]
fn what_was_recorded_is_played_without_weights() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = ask(&player(&folder, Engine::load, |settings| settings.record = true), &request());
    assert!(recorded.0.iter().any(|candidate| !candidate.text.is_empty()));
    let player = player(&folder, Engine::load_without_weights, |_| {});
    assert_eq!(ask(&player, &request()), recorded);
    // The deadline alone decides nothing.
    let soon = Some(Instant::now() + Duration::from_secs(60));
    assert_eq!(ask(&player, &Generate { deadline: soon, ..request() }), recorded);
}

#[test]
fn every_part_of_a_request_is_in_its_key() {
    let others = [
        Generate { prompt: vec![70, 71], ..request() },
        Generate { n: 2, ..request() },
        Generate { max_tokens: 31, ..request() },
        Generate { temperature: 0.9, ..request() },
        Generate { top_p: 0.9, ..request() },
        Generate { seed: 1, ..request() },
        Generate { stop: vec!["b".into()], ..request() },
        Generate { thinking: true, ..request() },
        Generate { schema: Some(Schema::new(&serde_json::json!({})).unwrap()), ..request() },
    ];
    let mut keys: Vec<String> = others.iter().map(key).chain([key(&request())]).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), others.len() + 1);
}

#[test]
fn what_is_not_recorded_or_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let player = player(&folder, Engine::load_without_weights, |_| {});
    assert!(matches!(player.find(&request()), Err(Absent::Missing { .. })));
    let refused = player.generate(&request(), &mut |_| ControlFlow::Continue(()));
    assert!(refused.unwrap_err().is_permanent());
    fs::write(folder.path().join(format!("{}.json", key(&request()))), "{").unwrap();
    assert!(matches!(player.find(&request()), Err(Absent::Broken { .. })));
}

/// Without a recording, and without a word in the log that asks for one.
#[test]
fn a_schema_that_the_engine_refuses_is_refused_as_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let player = player(&folder, Engine::load_without_weights, |_| {});
    let ask = |schema: serde_json::Value| {
        let asked = Generate { schema: Some(Schema::new(&schema).unwrap()), ..request() };
        player.generate(&asked, &mut |_| ControlFlow::Continue(())).unwrap_err()
    };
    for schema in
        [serde_json::json!({ "type": "strin" }), serde_json::json!({ "type": "number", "multipleOf": 1e-9 })]
    {
        assert!(matches!(ask(schema), EngineError::Schema(_)));
    }
    let good = serde_json::json!({ "type": "number" });
    assert!(matches!(ask(good), EngineError::Invalid(_)), "a good one needs a recording");
}

#[test]
fn an_answer_that_is_held_back_ends_with_its_caller_or_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let hold = folder.path().join("hold");
    fs::write(&hold, "").unwrap();
    let player = player(&folder, Engine::load, |settings| {
        settings.record = true;
        settings.hold = Some(hold.clone());
    });
    let gone = player.generate(&request(), &mut |_| ControlFlow::Break(())).unwrap();
    let late = Generate { deadline: Some(Instant::now()), ..request() };
    for cancelled in gone.iter().chain(&ask(&player, &late).0) {
        assert_eq!(cancelled.reason, FinishReason::Cancelled);
    }
    assert!(matches!(player.find(&request()), Err(Absent::Missing { .. })), "nothing is recorded of that");
    fs::remove_file(hold).unwrap();
    assert_eq!(ask(&player, &request()).0.len(), 3);
    assert!(player.find(&request()).is_ok());
}
