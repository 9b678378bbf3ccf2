//! The engine on an NVIDIA GPU against the engine on the processor (`cargo test -p maily-model --features cuda`).
//!
//! Without a GPU these fail; that is why they are a program of their own. `MAILY_MODEL` names another checkpoint.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on fails"
)]

#[path = "../common/mod.rs"]
mod common;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use maily_model::{Completion, Device, Engine, Generate, LoadOptions};

/// How much a score may differ: sums of some hundred products in another order, through all layers.
const TOLERANCE: f32 = 5e-3;
/// How much of the same text there must be before rounding may lead to another word.
const SAME_WORDS: usize = 12;
const PROMPT: &str = "The garden shop opens on Monday. Our best offer for spring is";

fn gpu() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = LoadOptions { device: Device::Cuda(0), ..LoadOptions::default() };
        Engine::load(&common::model_path(), &options)
            .unwrap_or_else(|e| panic!("these tests need a GPU: {e}"))
    })
}

fn tokens(text: &str) -> Vec<u32> {
    common::engine().tokenizer().encode(text, true)
}

fn write(engine: &Engine, request: &Generate) -> Vec<Completion> {
    engine.generate(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn worst(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!((a.len(), a[0].len()), (b.len(), b[0].len()));
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn scores_are_those_of_the_processor() {
    for (repeats, length) in [(1, 1), (1, 7), (12, 150)] {
        let mut prompt = tokens(&PROMPT.repeat(repeats));
        prompt.truncate(length);
        let (is, should) = (gpu().logits(&prompt).unwrap(), common::engine().logits(&prompt).unwrap());
        let worst = worst(&is, &should);
        println!("{} tokens: largest difference {worst:e}", prompt.len());
        assert!(worst < TOLERANCE, "the largest difference is {worst}");
    }
}

#[test]
fn the_likeliest_text_is_that_of_the_processor() {
    let request =
        Generate { prompt: tokens(PROMPT), max_tokens: 48, temperature: 0.0, ..Generate::default() };
    let (is, should) = (write(gpu(), &request), write(common::engine(), &request));
    println!("gpu: {:?}\ncpu: {:?}", is[0].text, should[0].text);
    let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    let (is, should) = (words(&is[0].text), words(&should[0].text));
    let same = is.iter().zip(&should).take_while(|(a, b)| a == b).count();
    println!("{same} of {} words are the same", should.len());
    assert!(same >= SAME_WORDS.min(should.len()), "only {same} words are the same");
}

/// Long prompts, many candidates, candidates that end early, memory that grows, and a prompt that is remembered.
#[test]
fn candidates_of_a_long_prompt() {
    let prompt = tokens(&PROMPT.repeat(30));
    assert!(prompt.len() > 300);
    for (n, max_tokens) in [(1, 4), (5, 80), (5, 80), (20, 8)] {
        let request = Generate {
            prompt: prompt.clone(),
            n,
            max_tokens,
            stop: vec![".".into()],
            seed: 7,
            ..Generate::default()
        };
        let (is, should) = (write(gpu(), &request), write(common::engine(), &request));
        assert_eq!(is.len(), n);
        let same = is.iter().zip(&should).filter(|(a, b)| a == b).count();
        println!("{n} candidates: {same} are the same as the processor's");
        // Each is drawn from nearly the same distribution with the same random numbers.
        assert!(same * 2 >= n, "only {same} of {n} candidates are the same");
    }
}
