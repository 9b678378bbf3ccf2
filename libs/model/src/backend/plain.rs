//! The operations in burn's own, for any backend. Plain rather than fast: what [`super::flex`] is tested against.

use crate::prelude::*;
use burn_tensor::{TensorData, activation};

use super::{Heads, Memory, Tails, Turns, Weight};

/// The weight as one matrix, `[inputs, panels * width]`.
fn matrix<B: Backend>(weight: &Weight<B>) -> Tensor<B, 2> {
    let [panels, inputs, width] = weight.panels.dims();
    weight.panels.clone().permute([1, 0, 2]).reshape([inputs, panels * width])
}

pub(super) fn indices<B: Backend>(
    values: impl Iterator<Item = usize>,
    device: &B::Device,
) -> Tensor<B, 1, Int> {
    let values: Vec<i64> = values.map(|v| v as i64).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

pub(super) fn embed<B: Backend>(weight: &Weight<B>, tokens: &[u32]) -> Tensor<B, 2> {
    let device = weight.panels.device();
    matrix(weight).select(1, indices(tokens.iter().map(|&t| t as usize), &device)).transpose()
}

pub(super) fn project<B: Backend>(x: &Tensor<B, 2>, weight: &Weight<B>) -> Tensor<B, 2> {
    let rows = x.dims()[0];
    x.clone().matmul(matrix(weight)).slice([0..rows, 0..weight.outputs])
}

pub(super) fn rms_norm<B: Backend>(x: &Tensor<B, 2>, gain: &Tensor<B, 1>, epsilon: f32) -> Tensor<B, 2> {
    let mean = x.clone().powi_scalar(2).mean_dim(1);
    x.clone() / (mean + epsilon).sqrt() * gain.clone().unsqueeze()
}

pub(super) fn gated<B: Backend>(x: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, both] = x.dims();
    let gate = x.clone().slice([0..rows, 0..both / 2]);
    activation::silu(gate) * x.slice([0..rows, both / 2..both])
}

/// Queries, keys and values, turned: `[rows, heads, size]` each.
fn split<B: Backend>(
    qkv: Tensor<B, 2>,
    heads: Heads,
    cos: Tensor<B, 2>,
    sin: Tensor<B, 2>,
) -> (Tensor<B, 3>, Tensor<B, 3>, Tensor<B, 3>) {
    let rows = qkv.dims()[0];
    let all = qkv.reshape([rows, heads.heads + 2 * heads.kv_heads, heads.size]);
    let (q, k) = (heads.heads, heads.heads + heads.kv_heads);
    let part = |from: usize, to: usize| all.clone().slice([0..rows, from..to, 0..heads.size]);
    let half = heads.size / 2;
    let cos = cos.reshape([rows, 1, half]);
    let sin = sin.reshape([rows, 1, half]);
    let turn = |x: Tensor<B, 3>| {
        let count = x.dims()[1];
        let a = x.clone().slice([0..rows, 0..count, 0..half]);
        let b = x.slice([0..rows, 0..count, half..heads.size]);
        let first = a.clone() * cos.clone() - b.clone() * sin.clone();
        Tensor::cat(vec![first, b * cos.clone() + a * sin.clone()], 2)
    };
    (turn(part(0, q)), turn(part(q, k)), part(k, k + heads.kv_heads))
}

pub(super) fn attend_prompt<B: Backend>(
    qkv: Tensor<B, 2>,
    heads: Heads,
    turns: &Turns<B>,
    memory: Memory<B>,
    past: usize,
) -> (Tensor<B, 2>, Memory<B>) {
    let (rows, device) = (qkv.dims()[0], qkv.device());
    let Heads { heads: count, kv_heads: kv, size } = heads;
    let (group, seen) = (heads.group(), past + rows);
    let at = |table: &Tensor<B, 2>| table.clone().slice([past..seen, 0..size / 2]);
    let (q, k, v) = split(qkv, heads, at(&turns.cos), at(&turns.sin));
    let keys = memory.keys.slice_assign([0..1, 0..kv, 0..size, past..seen], k.permute([1, 2, 0]).unsqueeze());
    let values =
        memory.values.slice_assign([0..1, 0..kv, past..seen, 0..size], v.permute([1, 0, 2]).unsqueeze());
    let all_keys = keys.clone().slice([0..1, 0..kv, 0..size, 0..seen]).reshape([kv, size, seen]);
    let all_values = values.clone().slice([0..1, 0..kv, 0..seen, 0..size]).reshape([kv, seen, size]);
    let q = q.reshape([rows, kv, group, size]).permute([1, 2, 0, 3]).reshape([kv, group * rows, size]);
    let scores = q.matmul(all_keys) / (size as f32).sqrt();
    let hidden = |row: usize, key: usize| if key > past + row { f32::NEG_INFINITY } else { 0.0 };
    let mask: Vec<f32> = (0..rows).flat_map(|row| (0..seen).map(move |key| hidden(row, key))).collect();
    let mask = Tensor::<B, 3>::from_data(TensorData::new(mask, [1, rows, seen]), &device);
    let weights = activation::softmax(scores.reshape([count, rows, seen]) + mask, 2);
    let out = weights.reshape([kv, group * rows, seen]).matmul(all_values);
    let out = out.reshape([kv, group, rows, size]).permute([2, 0, 1, 3]).reshape([rows, count * size]);
    (out, Memory { keys, values })
}

pub(super) fn attend_tails<B: Backend>(
    qkv: Tensor<B, 2>,
    heads: Heads,
    turns: &Turns<B>,
    prompt: &Memory<B>,
    own: Memory<B>,
    tails: Tails<'_>,
) -> (Tensor<B, 2>, Memory<B>) {
    let (rows, device) = (qkv.dims()[0], qkv.device());
    let Heads { heads: count, kv_heads: kv, size } = heads;
    let (group, shared, position) = (heads.group(), tails.prompt, tails.prompt + tails.past);
    let seen = tails.past + 1;
    let at =
        |table: &Tensor<B, 2>| table.clone().slice([position..position + 1, 0..size / 2]).repeat_dim(0, rows);
    let (q, k, v) = split(qkv, heads, at(&turns.cos), at(&turns.sin));
    let Memory { mut keys, mut values } = own;
    for (row, &slot) in tails.slots.iter().enumerate() {
        let key = k.clone().slice([row..row + 1, 0..kv, 0..size]).reshape([1, kv, size, 1]);
        let value = v.clone().slice([row..row + 1, 0..kv, 0..size]).reshape([1, kv, 1, size]);
        keys = keys.slice_assign([slot..slot + 1, 0..kv, 0..size, tails.past..seen], key);
        values = values.slice_assign([slot..slot + 1, 0..kv, tails.past..seen, 0..size], value);
    }
    let slots = indices(tails.slots.iter().copied(), &device);
    let own_keys = keys.clone().select(0, slots.clone()).slice([0..rows, 0..kv, 0..size, 0..seen]);
    let own_values = values.clone().select(0, slots).slice([0..rows, 0..kv, 0..seen, 0..size]);
    let shared_keys = prompt.keys.clone().slice([0..1, 0..kv, 0..size, 0..shared]).repeat_dim(0, rows);
    let shared_values = prompt.values.clone().slice([0..1, 0..kv, 0..shared, 0..size]).repeat_dim(0, rows);
    let all_keys = Tensor::cat(vec![shared_keys, own_keys], 3);
    let all_values = Tensor::cat(vec![shared_values, own_values], 2);
    let scores = q.reshape([rows, kv, group, size]).matmul(all_keys) / (size as f32).sqrt();
    let out = activation::softmax(scores, 3).matmul(all_values).reshape([rows, count * size]);
    (out, Memory { keys, values })
}
