//! The operations in few and large steps, for a device where each step is a launch, and where anything that passes through
//! the host's memory holds up the rest.
//!
//! Panels of weights have one output each, so that a weight is its `[outputs, inputs]` as checkpoints have it and is
//! never rearranged. Attention works on whole capacities of memory rather than on copies of what is filled; what lies
//! beyond is kept out of the softmax.

use crate::prelude::*;
use burn_tensor::TensorData;

use super::{Heads, Kernels, Memory, Tails, Turns, Weight, plain};

/// A score that counts for nothing: its exponential is 0. Not -∞, which fast arithmetic need not understand.
const HIDDEN: f32 = -1e30;
/// Prompts are looked at in multiples of this many keys: fewer shapes are fewer kernels to compile.
const STRIDE: usize = 64;

/// The steps that a backend may know better than burn does.
pub(super) trait Steps: Backend {
    /// The product of the last two dimensions; those before are the same in both.
    fn product<const D: usize>(x: Tensor<Self, D>, y: Tensor<Self, D>) -> Tensor<Self, D> {
        x.matmul(y)
    }

    /// `x` by a weight of shape `[outputs, inputs]`: `[rows, outputs]`.
    fn map(x: Tensor<Self, 2>, weight: Tensor<Self, 2>) -> Tensor<Self, 2> {
        Self::product(x, weight.transpose())
    }

    /// The sums of the last dimension, which stays with length 1.
    fn sum<const D: usize>(x: Tensor<Self, D>) -> Tensor<Self, D> {
        x.sum_dim(D - 1)
    }

    /// The largest of the last dimension, which stays with length 1.
    fn max<const D: usize>(x: Tensor<Self, D>) -> Tensor<Self, D> {
        x.max_dim(D - 1)
    }
}

impl<B: Steps> Kernels for B {
    fn panel_width(_outputs: usize) -> usize {
        1
    }

    fn owned(part: Tensor<Self, 4>) -> Tensor<Self, 4> {
        // Written anew, on the device, and the same number.
        part.mul_scalar(1.0)
    }

    fn embed(weight: &Weight<Self>, tokens: &[u32]) -> Tensor<Self, 2> {
        let tokens = tokens.iter().map(|&t| t as usize);
        matrix(weight).select(0, plain::indices(tokens, &weight.panels.device()))
    }

    fn project(x: &Tensor<Self, 2>, weight: &Weight<Self>) -> Tensor<Self, 2> {
        Self::map(x.clone(), matrix(weight))
    }

    fn rms_norm(x: &Tensor<Self, 2>, gain: &Tensor<Self, 1>, epsilon: f32) -> Tensor<Self, 2> {
        let width = x.dims()[1];
        let mean = Self::sum(x.clone() * x.clone()) / width as f32;
        x.clone() / (mean + epsilon).sqrt() * gain.clone().unsqueeze()
    }

    fn attend_prompt(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        memory: Memory<Self>,
        past: usize,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        let (rows, device) = (qkv.dims()[0], qkv.device());
        let Heads { kv_heads: kv, size, .. } = heads;
        let seen = past + rows;
        let (q, k, v) = split(qkv, heads, turns, past, rows);
        let keys = k.permute([1, 2, 0]).unsqueeze();
        let values = v.permute([1, 0, 2]).unsqueeze();
        let keys = memory.keys.slice_assign([0..1, 0..kv, 0..size, past..seen], keys);
        let values = memory.values.slice_assign([0..1, 0..kv, past..seen, 0..size], values);
        let width = seen.next_multiple_of(STRIDE).min(keys.dims()[3]);
        let scores = Self::product(q, keys.clone().slice([0..1, 0..kv, 0..size, 0..width]));
        let scores = scores.mask_fill(later(rows, heads.group(), past, width, &device), HIDDEN);
        let seen_values = values.clone().slice([0..1, 0..kv, 0..width, 0..size]);
        let out = Self::product(softmax(scores), seen_values);
        (by_rows(out.reshape([kv, rows, heads.group(), size])), Memory { keys, values })
    }

    fn attend_tails(
        qkv: Tensor<Self, 2>,
        heads: Heads,
        turns: &Turns<Self>,
        prompt: &Memory<Self>,
        own: Memory<Self>,
        tails: Tails<'_>,
    ) -> (Tensor<Self, 2>, Memory<Self>) {
        let (rows, device) = (qkv.dims()[0], qkv.device());
        let Heads { kv_heads: kv, size, .. } = heads;
        let (group, seen) = (heads.group(), tails.past + 1);
        let (q, k, v) = split(qkv, heads, turns, tails.prompt + tails.past, 1);
        let own = put(own, k, v, tails);
        let (own_keys, own_values) = (of_slots(&own.keys, tails.slots), of_slots(&own.values, tails.slots));
        // One softmax over the scores of the prompt's keys, which all rows share, and of each row's own.
        let (shared, length) = (prompt.keys.dims()[3], own_keys.dims()[3]);
        let of_prompt = Self::product(q.clone(), prompt.keys.clone());
        let of_own = Self::product(q.reshape([kv, rows, group, size]), own_keys);
        let of_own = of_own.reshape([1, kv, rows * group, length]);
        let part = |from: usize, to: usize| [0..1, 0..kv, 0..rows * group, from..to];
        let scores = Tensor::full([1, kv, rows * group, shared + length], HIDDEN, &device)
            .slice_assign(part(0, tails.prompt), of_prompt.slice(part(0, tails.prompt)))
            .slice_assign(part(shared, shared + seen), of_own.slice(part(0, seen)));
        let weights = softmax(scores);
        let of_prompt = Self::product(weights.clone().slice(part(0, shared)), prompt.values.clone());
        let of_own = weights.slice(part(shared, shared + length)).reshape([kv, rows, group, length]);
        let of_own = Self::product(of_own, own_values);
        (by_rows(of_prompt.reshape([kv, rows, group, size]) + of_own), own)
    }
}

/// The weight as `[outputs, inputs]`.
fn matrix<B: Backend>(weight: &Weight<B>) -> Tensor<B, 2> {
    let [outputs, inputs, _] = weight.panels.dims();
    weight.panels.clone().reshape([outputs, inputs])
}

/// Queries as `[1, kv_heads, rows * group, size]`, turned and divided by the root of `size`; keys, turned, and values as
/// `[rows, kv_heads, size]`. The rows are at `positions` positions from `first` on, or all at that one.
fn split<B: Backend>(
    qkv: Tensor<B, 2>,
    heads: Heads,
    turns: &Turns<B>,
    first: usize,
    positions: usize,
) -> (Tensor<B, 4>, Tensor<B, 3>, Tensor<B, 3>) {
    let (rows, device) = (qkv.dims()[0], qkv.device());
    let Heads { heads: count, kv_heads: kv, size } = heads;
    let half = size / 2;
    let all = qkv.reshape([rows, count + 2 * kv, 2, half]);
    let turned = all.clone().slice([0..rows, 0..count + kv, 0..2, 0..half]);
    let at = |table: &Tensor<B, 2>| {
        table.clone().slice([first..first + positions, 0..half]).reshape([positions, 1, 1, half])
    };
    // (a, b) becomes (a cos - b sin, b cos + a sin).
    let sign = Tensor::from_data(TensorData::new(vec![-1f32, 1.0], [1, 1, 2, 1]), &device);
    let turned = turned.clone() * at(&turns.cos) + turned.flip([2]) * (at(&turns.sin) * sign);
    let turned = turned.reshape([rows, count + kv, size]);
    let q = turned.clone().slice([0..rows, 0..count, 0..size]) / (size as f32).sqrt();
    let q = q.reshape([rows, kv, heads.group(), size]).permute([1, 0, 2, 3]);
    let v = all.slice([0..rows, count + kv..count + 2 * kv, 0..2, 0..half]);
    (
        q.reshape([1, kv, rows * heads.group(), size]),
        turned.slice([0..rows, count..count + kv, 0..size]),
        v.reshape([rows, kv, size]),
    )
}

/// Which keys are after a row, where each row comes `group` times: `[1, 1, rows * group, keys]`.
fn later<B: Backend>(
    rows: usize,
    group: usize,
    past: usize,
    keys: usize,
    device: &B::Device,
) -> Tensor<B, 4, burn_tensor::Bool> {
    let count = |n: usize| Tensor::<B, 1, Int>::arange(0..n as i64, device);
    let row = count(rows * group).div_scalar(group as i64).add_scalar(past as i64);
    count(keys).reshape([1, 1, 1, keys]).greater(row.reshape([1, 1, rows * group, 1]))
}

fn softmax<B: Steps>(scores: Tensor<B, 4>) -> Tensor<B, 4> {
    let powers = (scores.clone() - B::max(scores)).exp();
    powers.clone() / B::sum(powers)
}

/// Puts each row's key and value into its slot: one write for each run of neighbouring slots.
fn put<B: Backend>(own: Memory<B>, k: Tensor<B, 3>, v: Tensor<B, 3>, tails: Tails<'_>) -> Memory<B> {
    let Memory { mut keys, mut values } = own;
    let [rows, kv, size] = k.dims();
    let (k, v) = (k.reshape([rows, kv, size, 1]), v.reshape([rows, kv, 1, size]));
    let at = tails.past..tails.past + 1;
    let mut row = 0;
    for run in tails.slots.chunk_by(|a, b| a + 1 == *b) {
        let &[first, ..] = run else { continue };
        let (rows, slots) = (row..row + run.len(), first..first + run.len());
        let key = k.clone().slice([rows.clone(), 0..kv, 0..size, 0..1]);
        let value = v.clone().slice([rows, 0..kv, 0..1, 0..size]);
        keys = keys.slice_assign([slots.clone(), 0..kv, 0..size, at.clone()], key);
        values = values.slice_assign([slots, 0..kv, at.clone(), 0..size], value);
        row += run.len();
    }
    Memory { keys, values }
}

/// The memory of the slots, heads first.
fn of_slots<B: Backend>(memory: &Tensor<B, 4>, slots: &[usize]) -> Tensor<B, 4> {
    let all = slots.len() == memory.dims()[0];
    let chosen = || plain::indices(slots.iter().copied(), &memory.device());
    let of = if all { memory.clone() } else { memory.clone().select(0, chosen()) };
    of.permute([1, 0, 2, 3])
}

/// `[kv_heads, rows, group, size]` as `[rows, heads * size]`.
fn by_rows<B: Backend>(out: Tensor<B, 4>) -> Tensor<B, 2> {
    let [kv, rows, group, size] = out.dims();
    out.permute([1, 0, 2, 3]).reshape([rows, kv * group * size])
}
