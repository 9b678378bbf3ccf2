//! Attention on slices: what [`super::flex`] runs.

#![allow(
    clippy::indexing_slicing,
    reason = "a kernel: all slices are cut from tensors whose shapes `Heads` and the slots state"
)]

use rayon::prelude::*;

use super::matmul::{Matrix, Product};
use super::simd::{self, Compute, Vector};
use super::{Heads, Tails, math};

/// How many rows of a prompt are one task.
const BLOCK: usize = 8;
/// Scores are computed in runs of this many keys; every capacity is a multiple of it.
pub(super) const RUN: usize = 32;

/// Cosines and sines, `[positions, size / 2]`.
#[derive(Clone, Copy)]
pub(super) struct TurnTable<'a> {
    pub(super) cos: &'a [f32],
    pub(super) sin: &'a [f32],
}

/// The memory of one text: keys `[kv_heads, size, capacity]`, values `[kv_heads, capacity, size]`.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) keys: &'a [f32],
    pub(super) values: &'a [f32],
    pub(super) capacity: usize,
}

/// Turns the queries and keys of rows of `qkv` to their positions.
pub(super) struct Turn<'a> {
    pub(super) qkv: &'a mut [f32],
    pub(super) heads: Heads,
    pub(super) table: TurnTable<'a>,
    /// The first row's position, and by how much each further row's is greater.
    pub(super) first: usize,
    pub(super) step: usize,
}

impl Compute for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(self) {
        let Heads { heads, kv_heads, size } = self.heads;
        let half = size / 2;
        for (i, row) in self.qkv.chunks_exact_mut((heads + 2 * kv_heads) * size).enumerate() {
            let at = (self.first + i * self.step) * half;
            let (cos, sin) = (&self.table.cos[at..at + half], &self.table.sin[at..at + half]);
            for head in row[..(heads + kv_heads) * size].chunks_exact_mut(size) {
                math::turn(head, cos, sin);
            }
        }
    }
}

/// Puts a row's keys and values at a position of a slot.
pub(super) fn remember(
    row: &[f32],
    heads: Heads,
    keys: &mut [f32],
    values: &mut [f32],
    capacity: usize,
    at: usize,
) {
    let Heads { heads, kv_heads, size } = heads;
    let (k, v) = row[heads * size..].split_at(kv_heads * size);
    for (i, &key) in k.iter().enumerate() {
        keys[i * capacity + at] = key;
    }
    for (head, value) in v.chunks_exact(size).enumerate() {
        values[(head * capacity + at) * size..][..size].copy_from_slice(value);
    }
}

/// The prompt's rows, whose keys and values are in `slot`: `[rows, heads * size]`.
pub(super) fn prompt(qkv: &[f32], heads: Heads, slot: Slot<'_>, past: usize) -> Vec<f32> {
    let (wide, width) = ((heads.heads + 2 * heads.kv_heads) * heads.size, heads.heads * heads.size);
    let mut out = vec![0.0; qkv.len() / wide * width];
    let blocks = out.par_chunks_mut(BLOCK * width).zip(qkv.par_chunks(BLOCK * wide)).enumerate();
    blocks.for_each(|(block, (out, qkv))| {
        simd::run(Block {
            qkv,
            heads,
            shared: slot,
            limit: Limit::Prompt(past + block * BLOCK),
            own: &[],
            out,
        });
    });
    out
}

/// One row of each text; `own` are the slots of the rows' texts.
pub(super) fn tails(
    qkv: &[f32],
    heads: Heads,
    shared: Slot<'_>,
    own: &[Slot<'_>],
    tails: Tails<'_>,
) -> Vec<f32> {
    let (wide, width) = ((heads.heads + 2 * heads.kv_heads) * heads.size, heads.heads * heads.size);
    let rows = own.len();
    let mut out = vec![0.0; rows * width];
    let block = rows.div_ceil(rayon::current_num_threads()).min(BLOCK);
    let limit = Limit::Tails { shared: tails.prompt, own: tails.past + 1 };
    out.par_chunks_mut(block * width)
        .zip(qkv.par_chunks(block * wide))
        .zip(own.par_chunks(block))
        .for_each(|((out, qkv), own)| simd::run(Block { qkv, heads, shared, limit, own, out }));
    out
}

/// Which keys a row sees.
#[derive(Clone, Copy)]
enum Limit {
    /// Row `i` sees that many shared keys, and `i + 1` more.
    Prompt(usize),
    /// Every row sees that many shared and own keys.
    Tails { shared: usize, own: usize },
}

/// Neighbouring rows.
struct Block<'a> {
    qkv: &'a [f32],
    heads: Heads,
    shared: Slot<'a>,
    limit: Limit,
    own: &'a [Slot<'a>],
    out: &'a mut [f32],
}

/// How wide a row of scores is: the shared keys, then the row's own, each filled up to whole runs.
#[derive(Clone, Copy)]
struct Widths {
    shared: usize,
    own: usize,
    shared_width: usize,
    width: usize,
}

impl Compute for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize, const WIDE: usize>(mut self) {
        let Heads { heads, kv_heads, size } = self.heads;
        let rows = self.out.len() / (heads * size) * self.heads.group();
        let widths = self.widths();
        let (mut queries, mut found) = (vec![0.0; rows * size], vec![0.0; rows * size]);
        let mut scores = vec![0.0; rows * widths.width];
        for kv in 0..kv_heads {
            self.gather(kv, &mut queries);
            self.score::<V, ROWS, WIDE>(kv, widths, &queries, &mut scores);
            self.weigh(widths, &mut scores);
            self.collect::<V, ROWS, WIDE>(kv, widths, &scores, &mut found);
            self.scatter(kv, &found);
        }
    }
}

impl Block<'_> {
    fn widths(&self) -> Widths {
        let (shared, own) = match self.limit {
            Limit::Prompt(past) => (past + self.out.len() / (self.heads.heads * self.heads.size), 0),
            Limit::Tails { shared, own } => (shared, own),
        };
        let shared_width = shared.next_multiple_of(RUN);
        Widths { shared, own, shared_width, width: shared_width + own.next_multiple_of(RUN) }
    }

    /// Where the numbers of a key head begin in a slot.
    fn start(&self, slot: &Slot<'_>, kv: usize) -> usize {
        slot.keys.len() / self.heads.kv_heads * kv
    }

    /// The rows' queries for one key head, `[rows * group, size]`.
    fn gather(&self, kv: usize, queries: &mut [f32]) {
        let Heads { heads, kv_heads, size } = self.heads;
        let group = self.heads.group() * size;
        let rows = self.qkv.chunks_exact((heads + 2 * kv_heads) * size);
        for (row, query) in rows.zip(queries.chunks_exact_mut(group)) {
            query.copy_from_slice(&row[kv * group..][..group]);
        }
    }

    #[inline(always)]
    fn score<V: Vector, const ROWS: usize, const WIDE: usize>(
        &self,
        kv: usize,
        widths: Widths,
        queries: &[f32],
        scores: &mut [f32],
    ) {
        let Heads { size, .. } = self.heads;
        let Widths { shared_width, width, .. } = widths;
        let a = Matrix { data: queries, stride: size };
        let b =
            Matrix { data: &self.shared.keys[self.start(&self.shared, kv)..], stride: self.shared.capacity };
        let mut out: Vec<&mut [f32]> =
            scores.chunks_exact_mut(width).map(|r| &mut r[..shared_width]).collect();
        Product { a, b, depth: size, out: &mut out, add: false }.run::<V, ROWS, WIDE>();
        let group = self.heads.group();
        for (i, slot) in self.own.iter().enumerate() {
            let a = Matrix { data: &queries[i * group * size..], stride: size };
            let b = Matrix { data: &slot.keys[self.start(slot, kv)..], stride: slot.capacity };
            let rows = &mut scores[i * group * width..][..group * width];
            let mut out: Vec<&mut [f32]> =
                rows.chunks_exact_mut(width).map(|r| &mut r[shared_width..]).collect();
            Product { a, b, depth: size, out: &mut out, add: false }.run::<V, ROWS, WIDE>();
        }
    }

    /// Turns scores into weights; what a row may not see weighs nothing.
    #[inline(always)]
    fn weigh(&self, widths: Widths, scores: &mut [f32]) {
        let group = self.heads.group();
        for (i, row) in scores.chunks_exact_mut(widths.width).enumerate() {
            let seen = match self.limit {
                Limit::Prompt(past) => past + i / group + 1,
                Limit::Tails { shared, .. } => shared,
            };
            row[seen..widths.shared_width].fill(f32::NEG_INFINITY);
            row[widths.shared_width + widths.own..].fill(f32::NEG_INFINITY);
            math::softmax(row, 1.0 / (self.heads.size as f32).sqrt());
        }
    }

    /// Adds up the values by their weights.
    #[inline(always)]
    fn collect<V: Vector, const ROWS: usize, const WIDE: usize>(
        &self,
        kv: usize,
        widths: Widths,
        scores: &[f32],
        found: &mut [f32],
    ) {
        let Heads { size, .. } = self.heads;
        let Widths { shared, own, shared_width, width } = widths;
        let a = Matrix { data: scores, stride: width };
        let b = Matrix { data: &self.shared.values[self.start(&self.shared, kv)..], stride: size };
        let mut out: Vec<&mut [f32]> = found.chunks_exact_mut(size).collect();
        Product { a, b, depth: shared, out: &mut out, add: false }.run::<V, ROWS, WIDE>();
        let group = self.heads.group();
        for (i, slot) in self.own.iter().enumerate() {
            let a = Matrix { data: &scores[i * group * width + shared_width..], stride: width };
            let b = Matrix { data: &slot.values[self.start(slot, kv)..], stride: size };
            let rows = &mut found[i * group * size..][..group * size];
            let mut out: Vec<&mut [f32]> = rows.chunks_exact_mut(size).collect();
            Product { a, b, depth: own, out: &mut out, add: true }.run::<V, ROWS, WIDE>();
        }
    }

    fn scatter(&mut self, kv: usize, found: &[f32]) {
        let group = self.heads.group() * self.heads.size;
        let rows = self.out.chunks_exact_mut(self.heads.heads * self.heads.size);
        for (row, found) in rows.zip(found.chunks_exact(group)) {
            row[kv * group..][..group].copy_from_slice(found);
        }
    }
}
