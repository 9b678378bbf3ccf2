//! What the model asks of a backend. The operations have plain versions in burn's own tensor operations, which hold for
//! any backend and are the reference for tests; a backend overrides those it can do better ([`flex`] all of them; `cuda`
//! with those of `batched`, which are made of few operations).

mod attention;
#[cfg(any(feature = "cuda", test))]
mod batched;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
pub(crate) mod flex;
mod math;
mod matmul;
mod plain;
mod simd;
#[cfg(test)]
mod tests;

use crate::prelude::*;

/// Weights of a linear map, cut into panels of neighbouring outputs: `[panels, inputs, width]`.
pub(crate) struct Weight<B: Backend> {
    /// The panels; the outputs of the last one beyond `outputs` are zero.
    pub(crate) panels: Tensor<B, 3>,
    /// How many outputs there are.
    pub(crate) outputs: usize,
}

/// How queries, keys and values lie in a row: `heads` queries, then `kv_heads` keys, then as many values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// How many queries.
    pub(crate) heads: usize,
    /// How many keys, and values.
    pub(crate) kv_heads: usize,
    /// How many numbers each has.
    pub(crate) size: usize,
}

impl Heads {
    /// How many queries share a key.
    pub(crate) fn group(self) -> usize {
        self.heads / self.kv_heads
    }
}

/// Keys and values of one layer for `slots` texts, up to a capacity.
pub(crate) struct Memory<B: Backend> {
    /// `[slots, kv_heads, size, capacity]`: a key is a column, so that scores are a plain product.
    pub(crate) keys: Tensor<B, 4>,
    /// `[slots, kv_heads, capacity, size]`.
    pub(crate) values: Tensor<B, 4>,
}

/// The candidates' side of a step: row `i` is the next token of the text in slot `slots[i]`, which goes on after the
/// whole prompt and `past` own tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tails<'a> {
    /// How many positions the prompt has.
    pub(crate) prompt: usize,
    /// How many own tokens each text has in memory.
    pub(crate) past: usize,
    /// Which text each row belongs to.
    pub(crate) slots: &'a [usize],
}

/// The cosines and sines that turn a head at each position: `[positions, size / 2]`.
pub(crate) struct Turns<B: Backend> {
    /// Cosines.
    pub(crate) cos: Tensor<B, 2>,
    /// Sines.
    pub(crate) sin: Tensor<B, 2>,
}

/// A backend the model runs on.
///
/// An implementation must give a row the same result whatever other rows come with it, and however the rows of a prompt
/// are cut into steps: the text of a candidate must depend on its request alone. [`flex`] does, bit for bit; `cuda` does
/// up to the rounding of sums, as it says.
pub(crate) trait Kernels: Backend {
    /// How many outputs a panel of a weight with `outputs` outputs has.
    fn panel_width(outputs: usize) -> usize {
        outputs
    }

    /// A copy of a part of a memory that keeps nothing else alive: a slice may be a view of the whole.
    fn owned(part: Tensor<Self, 4>) -> Tensor<Self, 4> {
        let device = part.device();
        Tensor::from_data(part.into_data(), &device)
    }

    /// The vectors of `tokens`, from a weight with one output per token: `[tokens, inputs]`.
    fn embed(weight: &Weight<Self>, tokens: &[u32]) -> Tensor<Self, 2> {
        plain::embed(weight, tokens)
    }

    /// `x · weight`: `[rows, outputs]`.
    fn project(x: &Tensor<Self, 2>, weight: &Weight<Self>) -> Tensor<Self, 2> {
        plain::project(x, weight)
    }

    /// Each row over its root mean square, times the gain.
    fn rms_norm(x: &Tensor<Self, 2>, gain: &Tensor<Self, 1>, epsilon: f32) -> Tensor<Self, 2> {
        plain::rms_norm(x, gain, epsilon)
    }

    /// `silu(gate) * up`, where a row has the gates and then what they gate.
    fn gated(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        plain::gated(x)
    }

    /// For the prompt's positions from `past` on: turns queries and keys, puts keys and values into slot 0 of the
    /// memory, and lets each query look at what is not after it: `[rows, heads * size]`.
    fn attend_prompt(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        memory: Memory<Self>,
        past: usize,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        plain::attend_prompt(qkv, heads, turns, memory, past)
    }

    /// The same for one further token of each of several texts that share the prompt; their keys and values go to `own`.
    fn attend_tails(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        prompt: &Memory<Self>,
        own: Memory<Self>,
        tails: Tails<'_>,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        plain::attend_tails(qkv, heads, turns, prompt, own, tails)
    }
}
