//! Configurations that name a model of the platform's own: whether it is served is asked when they are loaded.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{Request, StatusCode};
use tonic::Code;
use tower::{BoxError, util::BoxCloneSyncService};

use super::{
    input, load,
    model::{inference, scripted},
    self_checks,
};
use crate::{
    config::{File, Judges},
    failure::JudgeError,
    grpc::Api,
    guard::Guard,
    judge::{Inference, Judge},
    store::Store,
};

/// What a judge may take, which a listing may not.
const TIMEOUT: Duration = Duration::from_secs(20);

fn ours(model: &str) -> Vec<File> {
    let yaml = format!(
        "models:\n  - type: main\n    engine: maily\n    model: {model}\n\
         rails:\n  input:\n    flows: [self check input]\n\
         prompts:\n  - task: self_check_input\n    content: 'Block {{{{ user_input }}}}?'\n"
    );
    vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
}

fn judge(inference: Inference) -> Judge {
    Judge::new(Some(inference), TIMEOUT).expect("has roots")
}

fn api(inference: Inference, judges: Judges) -> Api {
    Api(Guard::new(Store::new(BTreeMap::new(), 2), judge(inference), judges))
}

/// Answers every request like this.
fn answering(answer: fn() -> Result<Response, BoxError>) -> Inference {
    BoxCloneSyncService::new(tower::service_fn(move |_: Request<Body>| async move { answer() }))
}

#[tokio::test]
async fn a_model_that_is_not_served_is_refused_at_load() {
    let api = api(inference(&["smol-1", "smol-2"]), Judges::default());
    let id = load(&api, ours("smol-2")).await.expect("loads");
    assert!(input(&api, &id, "a plain brief").await.expect("answers").passed);
    for (model, expected) in [
        ("any", "which serves `smol-1`, `smol-2`"),
        ("smol-3", "which serves `smol-1`, `smol-2` (did you mean smol-1?)"),
    ] {
        let refused = load(&api, ours(model)).await.expect_err("is refused");
        let sentence = format!("config.yml:2: model `{model}` is not served by inference, {expected}");
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, sentence.as_str()));
    }
    let api = self::api(inference(&[]), Judges::default());
    let refused = load(&api, ours("any")).await.expect_err("is refused");
    assert!(refused.message().ends_with("is not served by inference, which serves no model"));
}

#[tokio::test]
async fn where_inference_does_not_say_so_a_check_fails_and_not_the_load() {
    for (inference, code) in [
        (answering(|| Err("connection refused".into())), Code::Unavailable),
        // It is still loading its checkpoint.
        (answering(|| Ok(StatusCode::SERVICE_UNAVAILABLE.into_response())), Code::Unavailable),
        (answering(|| Ok("<html>".into_response())), Code::Internal),
    ] {
        let api = api(inference, Judges::default());
        let id = load(&api, ours("smol-1")).await.expect("loads");
        let none = input(&api, &id, "a plain brief").await.expect_err("gives no verdict");
        assert_eq!(none.code(), code, "{}", none.message());
    }
}

/// Its names are its own: whether an outside judge serves a model is not asked.
#[tokio::test]
async fn inference_is_not_asked_about_the_models_of_others() {
    let (base, _seen) = scripted().await;
    let api = api(inference(&[]), Judges::at(&[&base]));
    load(&api, self_checks(&base)).await.expect("loads");
}

#[tokio::test(start_paused = true)]
async fn a_load_waits_for_no_listing_that_hangs() {
    let hangs = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response, BoxError>>());
    let judge = judge(BoxCloneSyncService::new(hangs));
    let begun = tokio::time::Instant::now();
    assert!(matches!(judge.served().await, Err(JudgeError::TimedOut)));
    assert!(begun.elapsed() < TIMEOUT);
}
