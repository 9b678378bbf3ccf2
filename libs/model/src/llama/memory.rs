//! The attention memory of prompts and of the texts that follow them, and the memory kept for prompts to come.

use std::collections::HashMap;

use crate::prelude::*;

use super::Llama;
use crate::backend::{Kernels, Memory};

/// Memory grows, and is kept, in blocks of this many positions.
pub(crate) const BLOCK: usize = 64;

impl<B: Kernels> Llama<B> {
    /// Empty memory of all layers for `slots` texts of at least `positions` positions.
    pub(crate) fn memory(&self, slots: usize, positions: usize) -> Vec<Memory<B>> {
        let (heads, capacity) = (self.heads(), positions.max(1).next_multiple_of(BLOCK));
        let layer = |_| Memory {
            keys: Tensor::zeros([slots, heads.kv_heads, heads.size, capacity], &self.device),
            values: Tensor::zeros([slots, heads.kv_heads, capacity, heads.size], &self.device),
        };
        (0..self.layers.len()).map(layer).collect()
    }

    /// Memory of a prompt of `positions` positions that begins with `blocks`.
    pub(crate) fn memory_with(&self, blocks: &[Vec<Memory<B>>], positions: usize) -> Vec<Memory<B>> {
        let left = positions.max(1).next_multiple_of(BLOCK) - blocks.len() * BLOCK;
        let mut memory = if left > 0 { self.memory(1, left) } else { Vec::new() };
        if blocks.is_empty() {
            return memory;
        }
        let mut rest = memory.drain(..);
        (0..self.layers.len())
            .map(|layer| {
                let parts = blocks.iter().filter_map(|block| block.get(layer));
                let (mut keys, mut values): (Vec<_>, Vec<_>) =
                    parts.map(|m| (m.keys.clone(), m.values.clone())).unzip();
                if let Some(rest) = rest.next() {
                    keys.push(rest.keys);
                    values.push(rest.values);
                }
                Memory { keys: Tensor::cat(keys, 3), values: Tensor::cat(values, 2) }
            })
            .collect()
    }
}

/// Twice the capacity, with the same content.
pub(crate) fn grow<B: Backend>(memory: Vec<Memory<B>>) -> Vec<Memory<B>> {
    let twice = |Memory { keys, values }: Memory<B>| {
        let (more_keys, more_values) = (keys.zeros_like(), values.zeros_like());
        Memory {
            keys: Tensor::cat(vec![keys, more_keys], 3),
            values: Tensor::cat(vec![values, more_values], 2),
        }
    };
    memory.into_iter().map(twice).collect()
}

/// A copy of one block of a prompt's memory.
fn cut<B: Kernels>(memory: &Memory<B>, block: usize) -> Memory<B> {
    let [_, heads, _, size] = memory.values.dims();
    let range = block * BLOCK..(block + 1) * BLOCK;
    let keys = memory.keys.clone().slice([0..1, 0..heads, 0..size, range.clone()]);
    let values = memory.values.clone().slice([0..1, 0..heads, range, 0..size]);
    Memory { keys: B::owned(keys), values: B::owned(values) }
}

/// The memory of the beginnings of earlier prompts: a tree of blocks, of which the least recently used go first.
///
/// Only whole blocks are kept, and a kept block is what reading the prompt would have computed, bit for bit.
pub(crate) struct Prefixes<B: Backend> {
    budget: usize,
    used: usize,
    clock: u64,
    next: u64,
    ids: HashMap<(u64, Vec<u32>), u64>,
    blocks: HashMap<u64, Block<B>>,
}

struct Block<B: Backend> {
    key: (u64, Vec<u32>),
    layers: Vec<Memory<B>>,
    used_at: u64,
    children: usize,
}

/// The id of the empty beginning.
const ROOT: u64 = 0;

impl<B: Kernels> Prefixes<B> {
    /// Keeps at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, used: 0, clock: 0, next: ROOT + 1, ids: HashMap::new(), blocks: HashMap::new() }
    }

    /// The blocks that are kept of the beginning of `tokens`. At least one token is always left to be read.
    pub(crate) fn find(&mut self, tokens: &[u32]) -> Vec<Vec<Memory<B>>> {
        self.clock += 1;
        let (mut parent, mut found) = (ROOT, Vec::new());
        let before = tokens.split_last().map(|(_, before)| before).unwrap_or_default();
        for part in before.chunks_exact(BLOCK) {
            let Some(&id) = self.ids.get(&(parent, part.to_vec())) else { break };
            let Some(block) = self.blocks.get_mut(&id) else { break };
            block.used_at = self.clock;
            let copies =
                block.layers.iter().map(|m| Memory { keys: m.keys.clone(), values: m.values.clone() });
            found.push(copies.collect());
            parent = id;
        }
        found
    }

    /// Keeps the whole blocks of a prompt that has been read.
    pub(crate) fn keep(&mut self, tokens: &[u32], memory: &[Memory<B>]) {
        self.clock += 1;
        let size = BLOCK * memory.iter().map(|m| 8 * m.values.dims()[1] * m.values.dims()[3]).sum::<usize>();
        let mut parent = ROOT;
        for (i, part) in tokens.chunks_exact(BLOCK).enumerate() {
            let key = (parent, part.to_vec());
            parent = match self.ids.get(&key).copied() {
                Some(id) => id,
                None if self.make_room(size, parent) => {
                    self.add(key, memory.iter().map(|m| cut(m, i)).collect(), size)
                }
                None => return,
            };
            if let Some(block) = self.blocks.get_mut(&parent) {
                block.used_at = self.clock;
            }
        }
    }

    fn add(&mut self, key: (u64, Vec<u32>), layers: Vec<Memory<B>>, size: usize) -> u64 {
        let id = self.next;
        self.next += 1;
        self.used += size;
        if let Some(parent) = self.blocks.get_mut(&key.0) {
            parent.children += 1;
        }
        self.ids.insert(key.clone(), id);
        self.blocks.insert(id, Block { key, layers, used_at: self.clock, children: 0 });
        id
    }

    /// Drops leaves until `size` bytes fit, but never `spare`, which is about to get a child.
    fn make_room(&mut self, size: usize, spare: u64) -> bool {
        while self.used + size > self.budget {
            let leaves = self.blocks.iter().filter(|(id, b)| b.children == 0 && **id != spare);
            let Some((&id, _)) = leaves.min_by_key(|(_, b)| b.used_at) else { return false };
            if let Some(block) = self.blocks.remove(&id) {
                self.ids.remove(&block.key);
                if let Some(parent) = self.blocks.get_mut(&block.key.0) {
                    parent.children -= 1;
                }
                self.used -= size;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::Flex;
    use burn_tensor::Distribution;

    use super::*;

    const SIZE: usize = BLOCK * 8 * 2 * 4;

    fn memory(positions: usize) -> Vec<Memory<Flex>> {
        let device = Default::default();
        let random = |shape| Tensor::random(shape, Distribution::Default, &device);
        vec![Memory { keys: random([1, 2, 4, positions]), values: random([1, 2, positions, 4]) }]
    }

    fn prompt(beginning: u32, length: usize) -> Vec<u32> {
        (0..length as u32).map(|i| if i < 64 { beginning } else { i }).collect()
    }

    #[test]
    fn whole_blocks_are_found_and_one_token_is_left() {
        let mut prefixes = Prefixes::new(SIZE * 10);
        let kept = memory(192);
        prefixes.keep(&prompt(1, 150), &kept);
        assert_eq!(prefixes.find(&prompt(1, 150)).len(), 2);
        assert_eq!(prefixes.find(&prompt(1, 128)).len(), 1, "a token must be left to be read");
        assert_eq!(prefixes.find(&prompt(1, 129)).len(), 2);
        assert_eq!(prefixes.find(&prompt(2, 150)).len(), 0);
        let second = &prefixes.find(&prompt(1, 150))[1][0];
        let should = kept[0].keys.clone().slice([0..1, 0..2, 0..4, 64..128]);
        assert_eq!(second.keys.to_data(), should.to_data());
    }

    #[test]
    fn the_least_recently_used_leaf_makes_room() {
        let mut prefixes = Prefixes::new(SIZE * 3);
        prefixes.keep(&prompt(1, 130), &memory(192));
        prefixes.keep(&prompt(2, 70), &memory(128));
        assert_eq!(prefixes.find(&prompt(1, 70)).len(), 1);
        // Full. The end of the first prompt was used longest ago; its beginning has a child until then.
        prefixes.keep(&prompt(3, 70), &memory(128));
        let found = [1, 2, 3].map(|beginning| prefixes.find(&prompt(beginning, 130)).len());
        assert_eq!((found, prefixes.used), ([1, 1, 1], SIZE * 3));
        prefixes.keep(&prompt(4, 600), &memory(640));
        assert!(prefixes.used <= SIZE * 3);
        assert_eq!(prefixes.find(&prompt(4, 600)).len(), 3, "a prompt that is too long keeps its beginning");
        let mut none = Prefixes::new(0);
        none.keep(&prompt(1, 130), &memory(192));
        assert_eq!((none.find(&prompt(1, 130)).len(), none.blocks.len()), (0, 0));
    }
}
