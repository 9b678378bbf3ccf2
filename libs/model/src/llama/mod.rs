//! The Llama architecture: RMS norms, grouped-query attention with rotary positions, SwiGLU.
//!
//! Generic over the backend. Queries, keys and values are one product, and so are gate and up; the scores of the
//! vocabulary are computed only for rows that are asked for.

mod load;
pub(crate) mod memory;

use crate::prelude::*;

use crate::backend::{Heads, Kernels, Memory, Tails, Turns, Weight};
use crate::checkpoint::Config;

/// A layer's weights.
struct Layer<B: Backend> {
    attention_norm: Tensor<B, 1>,
    qkv: Weight<B>,
    output: Weight<B>,
    feed_forward_norm: Tensor<B, 1>,
    gate_up: Weight<B>,
    down: Weight<B>,
}

/// A loaded model.
pub(crate) struct Llama<B: Backend> {
    config: Config,
    device: B::Device,
    embedding: Weight<B>,
    layers: Vec<Layer<B>>,
    norm: Tensor<B, 1>,
    /// The scores' weight, where it is not the embedding.
    head: Option<Weight<B>>,
    turns: Turns<B>,
}

impl<B: Kernels> Llama<B> {
    /// The model's measures.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    fn heads(&self) -> Heads {
        Heads { heads: self.config.heads, kv_heads: self.config.kv_heads, size: self.config.head_dim }
    }

    /// Reads the prompt's `tokens` from position `past` on into its memory; answers the rows before the last norm.
    pub(crate) fn read_prompt(
        &self,
        tokens: &[u32],
        past: usize,
        memories: Vec<Memory<B>>,
    ) -> (Tensor<B, 2>, Vec<Memory<B>>) {
        let mut x = B::embed(&self.embedding, tokens);
        let mut kept = Vec::with_capacity(memories.len());
        for (layer, memory) in self.layers.iter().zip(memories) {
            let (seen, memory) =
                B::attend_prompt(self.qkv(layer, &x), self.heads(), &self.turns, memory, past);
            kept.push(memory);
            x = self.finish_layer(layer, x, &seen);
        }
        (x, kept)
    }

    /// Reads one further token of each of several texts that share a prompt.
    pub(crate) fn read_tails(
        &self,
        tokens: &[u32],
        prompt: &[Memory<B>],
        own: Vec<Memory<B>>,
        tails: Tails<'_>,
    ) -> (Tensor<B, 2>, Vec<Memory<B>>) {
        let mut x = B::embed(&self.embedding, tokens);
        let mut kept = Vec::with_capacity(own.len());
        for ((layer, prompt), own) in self.layers.iter().zip(prompt).zip(own) {
            let qkv = self.qkv(layer, &x);
            let (seen, own) = B::attend_tails(qkv, self.heads(), &self.turns, prompt, own, tails);
            kept.push(own);
            x = self.finish_layer(layer, x, &seen);
        }
        (x, kept)
    }

    /// The scores of every token as the next one, for each row: `[rows, vocabulary]`.
    pub(crate) fn scores(&self, x: &Tensor<B, 2>) -> Tensor<B, 2> {
        let x = B::rms_norm(x, &self.norm, self.config.epsilon);
        B::project(&x, self.head.as_ref().unwrap_or(&self.embedding))
    }

    fn qkv(&self, layer: &Layer<B>, x: &Tensor<B, 2>) -> Tensor<B, 2> {
        B::project(&B::rms_norm(x, &layer.attention_norm, self.config.epsilon), &layer.qkv)
    }

    /// All of a layer after attention.
    fn finish_layer(&self, layer: &Layer<B>, x: Tensor<B, 2>, seen: &Tensor<B, 2>) -> Tensor<B, 2> {
        let x = x + B::project(seen, &layer.output);
        let inner = B::rms_norm(&x, &layer.feed_forward_norm, self.config.epsilon);
        let inner = B::gated(B::project(&inner, &layer.gate_up));
        x + B::project(&inner, &layer.down)
    }
}
