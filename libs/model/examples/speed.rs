//! Prints how fast a checkpoint loads, reads prompts and writes: `speed MODEL`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use maily_model::{Engine, Generate, LoadOptions};

const PROMPT: usize = 512;
const ANSWER: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: speed MODEL")?);
    let start = Instant::now();
    let engine = Engine::load(&path, &LoadOptions { prefix_cache_bytes: 0, ..LoadOptions::default() })?;
    println!("load_seconds {:.2}", start.elapsed().as_secs_f64());
    let text = "The spring sale of the garden shop starts on Monday. ".repeat(64);
    let mut prompt = engine.tokenizer().encode(&text, true);
    prompt.truncate(PROMPT);
    for n in [1, 4, 8] {
        let request = |prompt: &[u32], max_tokens| Generate {
            prompt: prompt.to_vec(),
            n,
            max_tokens,
            // So hot that no candidate ends early.
            temperature: 2.0,
            seed: 1,
            ..Generate::default()
        };
        let time = |request: &Generate| -> Result<(f64, usize), Box<dyn Error>> {
            let start = Instant::now();
            let done = engine.generate(request, &mut |_| ControlFlow::Continue(()))?;
            Ok((start.elapsed().as_secs_f64(), done.iter().map(|c| c.tokens).sum()))
        };
        let (read, first) = time(&request(&prompt, 1))?;
        let (all, tokens) = time(&request(&prompt, ANSWER))?;
        let (prefill, decode) = (prompt.len() as f64 / read, (tokens - first) as f64 / (all - read));
        println!("n {n} prefill_tokens_per_second {prefill:.0} decode_tokens_per_second {decode:.0}");
    }
    Ok(())
}
