//! One suite for every implementation of the kernels: against the plain operations on Flex, and against themselves where
//! rows come in other company.

use crate::prelude::*;
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use burn_tensor::{Distribution, TensorData};

use super::batched::Steps;
use super::*;

/// The batched operations without a GPU: on a backend that changes nothing about Flex's own operations.
impl Steps for Autodiff<Flex> {}

/// How much of an implementation's result may be rounding.
struct Suite<B: Backend> {
    device: B::Device,
    /// The largest difference from the plain operations.
    tolerance: f32,
    /// Whether rows are the same bits in any company.
    exact: bool,
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<Flex, D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Default::default())
}

const HEADS: Heads = Heads { heads: 6, kv_heads: 2, size: 24 };
const WIDE: usize = (6 + 2 * 2) * 24;

fn empty<B: Backend>(slots: usize, capacity: usize, device: &B::Device) -> Memory<B> {
    Memory {
        keys: Tensor::zeros([slots, HEADS.kv_heads, HEADS.size, capacity], device),
        values: Tensor::zeros([slots, HEADS.kv_heads, capacity, HEADS.size], device),
    }
}

fn copy<B: Backend>(memory: &Memory<B>) -> Memory<B> {
    Memory { keys: memory.keys.clone(), values: memory.values.clone() }
}

fn table<B: Backend>(positions: usize, device: &B::Device) -> Turns<B> {
    let half = HEADS.size / 2;
    let angles = |f: fn(f32) -> f32| {
        let all: Vec<f32> =
            (0..positions * half).map(|i| f((i / half) as f32 / (i % half + 1) as f32)).collect();
        Tensor::from_data(TensorData::new(all, [positions, half]), device)
    };
    Turns { cos: angles(f32::cos), sin: angles(f32::sin) }
}

fn rows<B: Backend>(x: &Tensor<B, 2>, from: usize, to: usize) -> Tensor<B, 2> {
    x.clone().slice([from..to, 0..x.dims()[1]])
}

/// A weight of `[inputs, outputs]`, cut as the backend wants it.
fn weight<B: Kernels>(matrix: &Tensor<Flex, 2>, device: &B::Device) -> Weight<B> {
    let [inputs, outputs] = matrix.dims();
    let width = B::panel_width(outputs);
    let panels = outputs.div_ceil(width);
    let padding = Tensor::zeros([inputs, panels * width - outputs], &Default::default());
    let padded = Tensor::cat(vec![matrix.clone(), padding], 1);
    let panels = padded.reshape([inputs, panels, width]).permute([1, 0, 2]);
    Weight { panels: Tensor::from_data(panels.into_data(), device), outputs }
}

impl<B: Kernels> Suite<B> {
    fn on<const D: usize>(&self, x: &Tensor<Flex, D>) -> Tensor<B, D> {
        Tensor::from_data(x.to_data(), &self.device)
    }

    fn close<const D: usize>(&self, is: &Tensor<B, D>, should: &Tensor<Flex, D>, what: &str) {
        assert_eq!(is.dims(), should.dims(), "{what}");
        let is = Tensor::<Flex, D>::from_data(is.to_data(), &Default::default());
        let worst = (is - should.clone()).abs().max().into_scalar();
        println!("{what}: largest difference {worst:e}");
        assert!(worst < self.tolerance, "{what} differs by {worst}");
    }

    /// The same bits, or close where that is all that is promised; says which.
    fn same<const D: usize>(&self, is: &Tensor<B, D>, should: &Tensor<B, D>, what: &str) {
        let numbers = |t: &Tensor<B, D>| t.to_data().into_vec::<f32>().unwrap();
        let bits =
            numbers(is).into_iter().map(f32::to_bits).eq(numbers(should).into_iter().map(f32::to_bits));
        println!("{what}: {}", if bits { "the same bits" } else { "not the same bits" });
        if self.exact {
            assert!(bits, "{what} is not the same");
        } else {
            let should = Tensor::from_data(should.to_data(), &Default::default());
            self.close(is, &should, what);
        }
    }

    /// Linear maps of few and of many rows, and the vectors of tokens.
    fn maps(&self) {
        for (inputs, outputs) in [(48, 71), (576, 1000)] {
            let matrix = random([inputs, outputs]) / (inputs as f32).sqrt();
            let (own, reference) = (weight::<B>(&matrix, &self.device), weight(&matrix, &Default::default()));
            let x = random([130, inputs]);
            for count in [1, 2, 5, 16, 17, 128, 130] {
                let x = rows(&x, 0, count);
                let is = B::project(&self.on(&x), &own);
                self.close(&is, &plain::project(&x, &reference), &format!("project {count} x {inputs}"));
                let alone = B::project(&self.on(&rows(&x, count - 1, count)), &own);
                self.same(&alone, &rows(&is, count - 1, count), &format!("one of {count} rows"));
            }
            let tokens = [0, 70, 31, 32];
            let is = B::embed(&own, &tokens).to_data();
            assert_eq!(is, plain::embed(&reference, &tokens).to_data(), "embed");
        }
    }

    /// Norms and gates.
    fn norms_and_gates(&self) {
        for (count, width) in [(1, 48), (5, 48), (1, 576), (130, 576)] {
            let (x, gain) = (random([count, width]), random([width]));
            let is = B::rms_norm(&self.on(&x), &self.on(&gain), 1e-5);
            self.close(&is, &plain::rms_norm(&x, &gain, 1e-5), "rms_norm");
            self.close(&B::gated(self.on(&x)), &plain::gated(x), "gated");
        }
    }

    /// A prompt at once and in parts.
    fn prompt(&self) {
        let (positions, turns) = (101, table(200, &self.device));
        let memory = |capacity| empty::<B>(1, capacity, &self.device);
        let flex = random([positions, WIDE]);
        let qkv = self.on(&flex);
        let default = &Default::default();
        let (should, kept) =
            plain::attend_prompt(flex, HEADS, &table(200, default), empty(1, 128, default), 0);
        let (is, own) = B::attend_prompt(qkv.clone(), HEADS, &turns, memory(128), 0);
        self.close(&is, &should, "attention");
        self.close(&own.keys, &kept.keys, "keys");
        self.close(&own.values, &kept.values, "values");
        let (first, memory) = B::attend_prompt(rows(&qkv, 0, 64), HEADS, &turns, memory(192), 0);
        let (second, memory) = B::attend_prompt(rows(&qkv, 64, 65), HEADS, &turns, memory, 64);
        let (third, memory) = B::attend_prompt(rows(&qkv, 65, positions), HEADS, &turns, memory, 65);
        self.same(&Tensor::cat(vec![first, second, third], 0), &is, "the prompt in three parts");
        let part = memory.keys.slice([0..1, 0..2, 0..24, 64..128]);
        let numbers = part.to_data();
        assert_eq!(B::owned(part).to_data(), numbers, "a copy");
    }

    /// Texts that share a prompt, one of which ends early.
    fn tails(&self) {
        let (shared, turns) = (37, table(200, &self.device));
        let memory = |slots| empty::<B>(slots, 64, &self.device);
        let default = &Default::default();
        let plain_turns = table(200, default);
        let qkv = random([shared, WIDE]);
        let (_, prompt) = B::attend_prompt(self.on(&qkv), HEADS, &turns, memory(1), 0);
        let (_, plain_prompt) = plain::attend_prompt(qkv, HEADS, &plain_turns, empty(1, 64, default), 0);
        let (mut own, mut plain, mut alone) = (memory(3), empty(3, 64, default), memory(3));
        for past in 0..40 {
            let slots = if past < 10 { &[0, 1, 2][..] } else { &[0, 2] };
            let flex = random([slots.len(), WIDE]);
            let qkv = self.on(&flex);
            let tails = Tails { prompt: shared, past, slots };
            let (is, kept) = B::attend_tails(qkv.clone(), HEADS, &turns, &prompt, own, tails);
            own = kept;
            let (should, kept) =
                plain::attend_tails(flex, HEADS, &plain_turns, &copy(&plain_prompt), plain, tails);
            plain = kept;
            self.close(&is, &should, "tails");
            let last = slots.len() - 1;
            let tails = Tails { slots: &[2], ..tails };
            let (only, kept) =
                B::attend_tails(rows(&qkv, last, last + 1), HEADS, &turns, &prompt, alone, tails);
            alone = kept;
            self.same(&only, &rows(&is, last, last + 1), "a text alone");
        }
        self.close(&own.keys, &plain.keys, "keys");
        self.close(&own.values, &plain.values, "values");
    }
}

macro_rules! suite {
    ($name:ident, $backend:ty, $suite:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn maps() {
                let suite: Suite<$backend> = $suite;
                suite.maps();
            }

            #[test]
            fn norms_and_gates() {
                let suite: Suite<$backend> = $suite;
                suite.norms_and_gates();
            }

            #[test]
            fn attention_on_a_prompt_however_it_is_cut() {
                let suite: Suite<$backend> = $suite;
                suite.prompt();
            }

            #[test]
            fn attention_of_tails_whatever_their_siblings() {
                let suite: Suite<$backend> = $suite;
                suite.tails();
            }
        }
    };
}

suite!(flex, Flex, Suite { device: Default::default(), tolerance: 2e-5, exact: true });
suite!(batched, Autodiff<Flex>, Suite { device: Default::default(), tolerance: 2e-5, exact: false });
#[cfg(feature = "cuda")]
suite!(
    cuda,
    burn_cuda::Cuda,
    Suite {
        device: super::super::cuda::open(0).unwrap_or_else(|e| panic!("these tests need a GPU: {e}")),
        tolerance: 1e-4,
        exact: false,
    }
);
