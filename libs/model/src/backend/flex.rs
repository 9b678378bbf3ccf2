//! The operations on burn's Flex backend, with kernels of our own.
//!
//! burn-flex multiplies with the `gemm` crate, which has nothing for the few rows of decoding and blocks its sums by the
//! shape of the product; ours streams the weights once for all rows, and its sums depend on nothing but the row.

#![allow(
    clippy::indexing_slicing,
    reason = "kernels: a token is below the vocabulary, a slot below those of the memory, which the writer sees to"
)]

use crate::prelude::*;
use burn_flex::Flex;
use burn_flex::FlexTensor;
use burn_tensor::{TensorData, TensorPrimitive};

use super::attention::{self, Slot, Turn, TurnTable};
use super::simd::{self, Compute, Vector};
use super::{Heads, Kernels, Memory, Tails, Turns, Weight, math, matmul};

/// The numbers of a tensor, in order.
fn raw<const D: usize>(tensor: Tensor<Flex, D>) -> FlexTensor {
    tensor.into_primitive().tensor().to_contiguous()
}

fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Tensor<Flex, D> {
    let primitive = FlexTensor::from_data(TensorData::new(numbers, shape));
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

fn wrap<const D: usize>(primitive: FlexTensor) -> Tensor<Flex, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// [`math::rms_norm`] of every row.
struct Norm<'a> {
    x: &'a [f32],
    gain: &'a [f32],
    epsilon: f32,
    out: &'a mut [f32],
}

impl Compute for Norm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
        let width = self.gain.len();
        for (x, out) in self.x.chunks_exact(width).zip(self.out.chunks_exact_mut(width)) {
            math::rms_norm(x, self.gain, self.epsilon, out);
        }
    }
}

/// [`math::gated`] of every row, `width` gates and as many values.
struct Gate<'a> {
    x: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl Compute for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
        for (x, out) in self.x.chunks_exact(2 * self.width).zip(self.out.chunks_exact_mut(self.width)) {
            let (gate, up) = x.split_at(self.width);
            math::gated(gate, up, out);
        }
    }
}

impl Kernels for Flex {
    fn panel_width(_outputs: usize) -> usize {
        matmul::PANEL
    }

    fn embed(weight: &Weight<Self>, tokens: &[u32]) -> Tensor<Self, 2> {
        let [_, inputs, width] = weight.panels.dims();
        let panels = raw(weight.panels.clone());
        let panels = panels.storage::<f32>();
        let mut out = Vec::with_capacity(tokens.len() * inputs);
        for token in tokens.iter().map(|&t| t as usize) {
            let panel = &panels[token / width * inputs * width..][..inputs * width];
            out.extend(panel.iter().skip(token % width).step_by(width));
        }
        tensor(out, [tokens.len(), inputs])
    }

    fn project(x: &Tensor<Self, 2>, weight: &Weight<Self>) -> Tensor<Self, 2> {
        let rows = x.dims()[0];
        let (x, panels) = (raw(x.clone()), raw(weight.panels.clone()));
        let out = matmul::linear(x.storage(), rows, panels.storage(), weight.outputs);
        tensor(out, [rows, weight.outputs])
    }

    fn rms_norm(x: &Tensor<Self, 2>, gain: &Tensor<Self, 1>, epsilon: f32) -> Tensor<Self, 2> {
        let [rows, width] = x.dims();
        let (x, gain) = (raw(x.clone()), raw(gain.clone()));
        let mut out = vec![0.0; rows * width];
        simd::run(Norm { x: x.storage(), gain: gain.storage(), epsilon, out: &mut out });
        tensor(out, [rows, width])
    }

    fn gated(x: Tensor<Self, 2>) -> Tensor<Self, 2> {
        let [rows, both] = x.dims();
        let (x, width) = (raw(x), both / 2);
        let mut out = vec![0.0; rows * width];
        simd::run(Gate { x: x.storage(), width, out: &mut out });
        tensor(out, [rows, width])
    }

    fn attend_prompt(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        memory: Memory<Self>,
        past: usize,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        let ([rows, wide], [_, _, capacity, _]) = (qkv.dims(), memory.values.dims());
        let (mut qkv, mut keys, mut values) = (raw(qkv), raw(memory.keys), raw(memory.values));
        turn(&mut qkv, heads, turns, past, 1);
        let qkv = qkv.storage::<f32>();
        let (k, v) = (keys.storage_mut::<f32>(), values.storage_mut::<f32>());
        for (row, qkv) in qkv.chunks_exact(wide).enumerate() {
            attention::remember(qkv, heads, k, v, capacity, past + row);
        }
        let out = attention::prompt(qkv, heads, Slot { keys: k, values: v, capacity }, past);
        (tensor(out, [rows, heads.heads * heads.size]), Memory { keys: wrap(keys), values: wrap(values) })
    }

    fn attend_tails(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        prompt: &Memory<Self>,
        own: Memory<Self>,
        tails: Tails<'_>,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        let ([rows, wide], [_, _, capacity, _]) = (qkv.dims(), own.values.dims());
        let shared_capacity = prompt.values.dims()[2];
        let (mut qkv, mut keys, mut values) = (raw(qkv), raw(own.keys), raw(own.values));
        let (shared_keys, shared_values) = (raw(prompt.keys.clone()), raw(prompt.values.clone()));
        turn(&mut qkv, heads, turns, tails.prompt + tails.past, 0);
        let qkv = qkv.storage::<f32>();
        let (k, v) = (keys.storage_mut::<f32>(), values.storage_mut::<f32>());
        let slot_size = heads.kv_heads * heads.size * capacity;
        for (row, &slot) in qkv.chunks_exact(wide).zip(tails.slots) {
            let range = slot * slot_size..(slot + 1) * slot_size;
            attention::remember(row, heads, &mut k[range.clone()], &mut v[range], capacity, tails.past);
        }
        let slots = tails.slots.iter().map(|slot| slot * slot_size..(slot + 1) * slot_size);
        let slots: Vec<_> = slots.map(|r| Slot { keys: &k[r.clone()], values: &v[r], capacity }).collect();
        let shared =
            Slot { keys: shared_keys.storage(), values: shared_values.storage(), capacity: shared_capacity };
        let out = attention::tails(qkv, heads, shared, &slots, tails);
        (tensor(out, [rows, heads.heads * heads.size]), Memory { keys: wrap(keys), values: wrap(values) })
    }
}

fn turn(qkv: &mut FlexTensor, heads: Heads, turns: &Turns<Flex>, first: usize, step: usize) {
    let (cos, sin) = (raw(turns.cos.clone()), raw(turns.sin.clone()));
    let table = TurnTable { cos: cos.storage(), sin: sin.storage() };
    simd::run(Turn { qkv: qkv.storage_mut(), heads, table, first, step });
}

/// Turns scores into probabilities at a temperature; a score of -∞ has none.
pub(crate) fn softmax(row: &mut [f32], temperature: f32) {
    struct Softmax<'a>(&'a mut [f32], f32);
    impl Compute for Softmax<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
            math::softmax(self.0, self.1);
        }
    }
    simd::run(Softmax(row, 1.0 / temperature));
}
