//! The model on the device that was asked for: what of an [`crate::Engine`] depends on burn's backend.

use std::ops::ControlFlow;
use std::sync::Mutex;

use burn_flex::Flex;

use crate::api::{Completion, Event, Generate, LoadOptions};
use crate::backend::Kernels;
use crate::checkpoint::Checkpoint;
use crate::device::Device;
use crate::error::{EngineError, LoadError};
use crate::generate::{self, Grammars, Writer};
use crate::llama::Llama;
use crate::llama::memory::Prefixes;
use crate::tokenizer::Tokenizer;

/// A loaded model on some backend.
pub(crate) trait Runner: Send + Sync {
    /// The scores after each token, row by row; the tokens have been checked.
    fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError>;

    /// Serves one request.
    fn write(
        &self,
        with: With<'_>,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError>;
}

/// What a request needs besides the model.
pub(crate) struct With<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) grammars: &'a Grammars,
    pub(crate) context: usize,
}

/// Loads the weights onto the device of `options`; `positions` is how many positions there will be at most.
pub(crate) fn load(
    checkpoint: &Checkpoint,
    positions: usize,
    options: &LoadOptions,
) -> Result<Box<dyn Runner>, LoadError> {
    match options.device {
        Device::Cpu => On::<Flex>::load(checkpoint, positions, options, &Default::default()),
        #[cfg(feature = "cuda")]
        Device::Cuda(index) => {
            let device = crate::backend::cuda::open(index)?;
            On::<burn_cuda::Cuda>::load(checkpoint, positions, options, &device)
        }
        #[cfg(not(feature = "cuda"))]
        device => Err(LoadError::Device {
            device,
            reason: "this program was built without the feature cuda".into(),
        }),
    }
}

/// A model whose weights were not loaded.
pub(crate) struct Weightless;

impl Runner for Weightless {
    fn logits(&self, _: &[u32]) -> Result<Vec<f32>, EngineError> {
        Err(EngineError::Invalid("the weights are not loaded"))
    }

    fn write(
        &self,
        _: With<'_>,
        _: &Generate,
        _: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        Err(EngineError::Invalid("the weights are not loaded"))
    }
}

/// A model on backend `B`.
struct On<B: Kernels> {
    model: Llama<B>,
    prefixes: Mutex<Prefixes<B>>,
}

impl<B: Kernels> On<B> {
    fn load(
        checkpoint: &Checkpoint,
        positions: usize,
        options: &LoadOptions,
        device: &B::Device,
    ) -> Result<Box<dyn Runner>, LoadError> {
        let model = Llama::<B>::load(checkpoint, positions, device)?;
        Ok(Box::new(Self { model, prefixes: Mutex::new(Prefixes::new(options.prefix_cache_bytes)) }))
    }
}

impl<B: Kernels> Runner for On<B> {
    fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let (x, _) = self.model.read_prompt(tokens, 0, self.model.memory(1, tokens.len()));
        generate::numbers(self.model.scores(&x))
    }

    fn write(
        &self,
        With { tokenizer, grammars, context }: With<'_>,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        Writer { model: &self.model, tokenizer, prefixes: &self.prefixes, grammars, context }
            .write(request, sink)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn_autodiff::Autodiff;

    use super::*;

    /// All that a GPU would do but the GPU: the batched operations on Flex, from the loader to remembered prompts.
    #[test]
    fn batched_operations_write_the_same() {
        let checkpoint = Checkpoint::open(Path::new("tests/data/tiny")).unwrap();
        let options = LoadOptions::default();
        let flex = On::<Flex>::load(&checkpoint, 256, &options, &Default::default()).unwrap();
        let batched = On::<Autodiff<Flex>>::load(&checkpoint, 256, &options, &Default::default()).unwrap();
        let prompt: Vec<u32> = (0..140).map(|i| i * 7 % 320).collect();
        let (is, should) = (batched.logits(&prompt).unwrap(), flex.logits(&prompt).unwrap());
        let worst = is.iter().zip(&should).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(is.len() == should.len() && worst < 1e-4, "the largest difference is {worst}");
        let grammars = Grammars::default();
        for seed in 0..3 {
            let request =
                Generate { prompt: prompt.clone(), n: 4, max_tokens: 100, seed, ..Generate::default() };
            let write = |runner: &dyn Runner| {
                let with = With { tokenizer: &checkpoint.tokenizer, grammars: &grammars, context: 256 };
                runner.write(with, &request, &mut |_| ControlFlow::Continue(())).unwrap()
            };
            assert_eq!(write(&*batched), write(&*flex));
        }
    }
}
