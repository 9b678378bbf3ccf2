//! Prints how fast a checkpoint loads, reads prompts and writes: `speed MODEL [cpu|cuda|cuda:N]`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use maily_model::{Device, Engine, Generate, LoadOptions};

const PROMPT: usize = 512;
const ANSWER: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    if maily_template::worker().is_some() {
        return Ok(());
    }
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: speed MODEL [cpu|cuda|cuda:N]")?);
    let device: Device = match arguments.next() {
        Some(device) => device.to_string_lossy().parse()?,
        None => Device::default(),
    };
    let start = Instant::now();
    let options = LoadOptions { prefix_cache_bytes: 0, device, ..LoadOptions::default() };
    let engine = Engine::load(&path, &options)?;
    println!("device {device} load_seconds {:.2}", start.elapsed().as_secs_f64());
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
        if device != Device::Cpu {
            // A GPU's kernels are compiled when they are first used.
            let (first, _) = time(&request(&prompt, ANSWER))?;
            println!("n {n} first_seconds {first:.2}");
        }
        let (read, first) = time(&request(&prompt, 1))?;
        let (all, tokens) = time(&request(&prompt, ANSWER))?;
        let (prefill, decode) = (prompt.len() as f64 / read, (tokens - first) as f64 / (all - read));
        println!("n {n} prefill_tokens_per_second {prefill:.0} decode_tokens_per_second {decode:.0}");
    }
    Ok(())
}
