//! The kernels of the Flex backend against the plain operations.

use burn::backend::Flex;
use burn::prelude::*;
use burn::tensor::{Distribution, TensorData};

use super::*;

fn random<const D: usize>(shape: [usize; D]) -> Tensor<Flex, D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Default::default())
}

fn close<const D: usize>(is: &Tensor<Flex, D>, should: &Tensor<Flex, D>, what: &str) {
    assert_eq!(is.dims(), should.dims(), "{what}");
    let worst = (is.clone() - should.clone()).abs().max().into_scalar();
    assert!(worst < 2e-5, "{what} differs by {worst}");
}

fn same<const D: usize>(is: &Tensor<Flex, D>, should: &Tensor<Flex, D>, what: &str) {
    let bits = |t: &Tensor<Flex, D>| t.clone().into_data().into_vec::<f32>().unwrap();
    assert_eq!(bits(is), bits(should), "{what}");
}

#[test]
fn maps_norms_and_gates() {
    let (inputs, outputs) = (48, 71);
    let weight = Weight { panels: random([3, inputs, 32]) / 7.0, outputs };
    let x = random([5, inputs]);
    close(&Flex::project(&x, &weight), &plain::project(&x, &weight), "project");
    let tokens = [0, 70, 31, 32];
    same(&Flex::embed(&weight, &tokens), &plain::embed(&weight, &tokens), "embed");
    let gain = random([inputs]);
    close(&Flex::rms_norm(&x, &gain, 1e-5), &plain::rms_norm(&x, &gain, 1e-5), "rms_norm");
    close(&Flex::gated(x.clone()), &plain::gated(x), "gated");
}

const HEADS: Heads = Heads { heads: 6, kv_heads: 2, size: 24 };
const WIDE: usize = (6 + 2 * 2) * 24;

fn memory(slots: usize, capacity: usize) -> Memory<Flex> {
    let device = Default::default();
    Memory {
        keys: Tensor::zeros([slots, HEADS.kv_heads, HEADS.size, capacity], &device),
        values: Tensor::zeros([slots, HEADS.kv_heads, capacity, HEADS.size], &device),
    }
}

fn copy(memory: &Memory<Flex>) -> Memory<Flex> {
    Memory { keys: memory.keys.clone(), values: memory.values.clone() }
}

fn turns(positions: usize) -> Turns<Flex> {
    let half = HEADS.size / 2;
    let angles = |f: fn(f32) -> f32| {
        let all: Vec<f32> =
            (0..positions * half).map(|i| f((i / half) as f32 / (i % half + 1) as f32)).collect();
        Tensor::from_data(TensorData::new(all, [positions, half]), &Default::default())
    };
    Turns { cos: angles(f32::cos), sin: angles(f32::sin) }
}

fn rows(x: &Tensor<Flex, 2>, from: usize, to: usize) -> Tensor<Flex, 2> {
    x.clone().slice([from..to, 0..x.dims()[1]])
}

#[test]
fn attention_on_a_prompt_however_it_is_cut() {
    let (positions, turns) = (101, turns(200));
    let qkv = random([positions, WIDE]);
    let (should, kept) = plain::attend_prompt(qkv.clone(), HEADS, &turns, memory(1, 128), 0);
    let (is, own) = Flex::attend_prompt(qkv.clone(), HEADS, &turns, memory(1, 128), 0);
    close(&is, &should, "attention");
    close(&own.keys, &kept.keys, "keys");
    close(&own.values, &kept.values, "values");
    let (first, memory) = Flex::attend_prompt(rows(&qkv, 0, 64), HEADS, &turns, memory(1, 192), 0);
    let (second, memory) = Flex::attend_prompt(rows(&qkv, 64, 65), HEADS, &turns, memory, 64);
    let (third, _) = Flex::attend_prompt(rows(&qkv, 65, positions), HEADS, &turns, memory, 65);
    same(&Tensor::cat(vec![first, second, third], 0), &is, "the prompt in three parts");
}

#[test]
fn attention_of_tails_whatever_their_siblings() {
    let (shared, turns) = (37, turns(200));
    let (_, prompt) = Flex::attend_prompt(random([shared, WIDE]), HEADS, &turns, memory(1, 64), 0);
    let (mut flex, mut plain, mut alone) = (memory(3, 64), memory(3, 64), memory(3, 64));
    for past in 0..40 {
        let slots = if past < 10 { &[0, 1, 2][..] } else { &[0, 2] };
        let qkv = random([slots.len(), WIDE]);
        let tails = Tails { prompt: shared, past, slots };
        let (is, kept) = Flex::attend_tails(qkv.clone(), HEADS, &turns, &prompt, flex, tails);
        flex = kept;
        let (should, kept) = plain::attend_tails(qkv.clone(), HEADS, &turns, &copy(&prompt), plain, tails);
        plain = kept;
        close(&is, &should, "tails");
        let last = slots.len() - 1;
        let tails = Tails { slots: &[2], ..tails };
        let (only, kept) =
            Flex::attend_tails(rows(&qkv, last, last + 1), HEADS, &turns, &prompt, alone, tails);
        alone = kept;
        same(&only, &rows(&is, last, last + 1), "a text alone");
    }
}
