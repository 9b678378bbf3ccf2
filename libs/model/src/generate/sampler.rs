//! Draws tokens from scores.

use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};

use crate::backend::flex::softmax;

/// Draws the tokens of one candidate.
pub(super) struct Sampler {
    temperature: f32,
    top_p: f32,
    random: ChaCha12Rng,
}

impl Sampler {
    /// The randomness is the `stream`-th stream of `seed`: each candidate has its own, and every token takes one number.
    pub(super) fn new(temperature: f32, top_p: f32, seed: u64, stream: u64) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { temperature, top_p, random }
    }

    /// A token by its score; a token whose score is -∞ is never drawn. The scores are used up.
    pub(super) fn draw(&mut self, scores: &mut [f32]) -> u32 {
        if self.temperature < 1e-4 {
            return likeliest(scores);
        }
        softmax(scores, self.temperature);
        // 53 random bits are a number from 0 up to, but not, 1.
        let point = (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        if self.top_p < 1.0 {
            self.nucleus(scores, point)
        } else {
            pick(scores.iter().copied().enumerate(), point)
        }
    }

    /// The smallest set of likeliest tokens whose probabilities reach `top_p`, and a token of it.
    fn nucleus(&self, probabilities: &[f32], point: f64) -> u32 {
        // All tokens below this share what is left together, so that none of them is in the set.
        let least = (1.0 - self.top_p) / probabilities.len() as f32;
        let mut likely: Vec<_> =
            probabilities.iter().copied().enumerate().filter(|(_, p)| *p >= least).collect();
        likely.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut sum = 0.0;
        let reaches = likely.iter().position(|(_, p)| {
            sum += f64::from(*p);
            sum >= f64::from(self.top_p)
        });
        likely.truncate(reaches.map_or(likely.len(), |last| last + 1));
        pick(likely.iter().copied(), point)
    }
}

fn likeliest(scores: &[f32]) -> u32 {
    let better = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
    scores.iter().copied().enumerate().fold((0, f32::NEG_INFINITY), better).0 as u32
}

/// The token at `point` (0 to 1) of all probabilities laid end to end.
fn pick(probabilities: impl Iterator<Item = (usize, f32)> + Clone, point: f64) -> u32 {
    let total: f64 = probabilities.clone().map(|(_, p)| f64::from(p)).sum();
    let (mut sum, mut last) = (0.0, 0);
    for (token, p) in probabilities.filter(|(_, p)| *p > 0.0) {
        sum += f64::from(p);
        last = token;
        if sum > point * total {
            break;
        }
    }
    last as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(temperature: f32, top_p: f32, seed: u64, scores: &[f32], draws: usize) -> Vec<f64> {
        let mut counts = vec![0.0; scores.len()];
        let mut sampler = Sampler::new(temperature, top_p, seed, 3);
        for _ in 0..draws {
            counts[sampler.draw(&mut scores.to_vec()) as usize] += 1.0 / draws as f64;
        }
        counts
    }

    /// Scores whose probabilities are 0.5, 0.3 and 0.2.
    fn scores() -> Vec<f32> {
        [0.3f32, f32::MIN_POSITIVE, 0.5, 0.2].map(f32::ln).to_vec()
    }

    #[test]
    fn frequencies_follow_the_temperature() {
        for (temperature, should) in
            [(1.0, [0.3, 0.0, 0.5, 0.2]), (0.5, [0.09 / 0.38, 0.0, 0.25 / 0.38, 0.04 / 0.38])]
        {
            let is = drawn(temperature, 1.0, 1, &scores(), 40_000);
            assert!(is.iter().zip(should).all(|(a, b)| (a - b).abs() < 0.01), "{is:?}");
        }
        assert!((drawn(0.0, 1.0, 1, &scores(), 4)[2] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_nucleus_is_the_smallest_set_that_reaches_top_p() {
        let is = drawn(1.0, 0.7, 1, &scores(), 40_000);
        assert!((is[2] - 0.625).abs() < 0.01 && (is[0] - 0.375).abs() < 0.01 && is[3] == 0.0, "{is:?}");
        assert!((drawn(1.0, 0.4, 1, &scores(), 100)[2] - 1.0).abs() < 1e-9);
        let all = drawn(1.0, 0.81, 1, &scores(), 10_000);
        assert!(all[3] > 0.1, "{all:?}");
    }

    #[test]
    fn a_forbidden_token_is_never_drawn_and_streams_differ() {
        let forbidden = [1.0, f32::NEG_INFINITY, 0.5];
        assert_eq!(drawn(2.0, 1.0, 9, &forbidden, 5_000)[1], 0.0);
        let sequence = |seed, stream| {
            let mut sampler = Sampler::new(1.0, 1.0, seed, stream);
            (0..32).map(|_| sampler.draw(&mut [0.0; 64])).collect::<Vec<_>>()
        };
        assert_eq!(sequence(1, 0), sequence(1, 0));
        assert_ne!(sequence(1, 0), sequence(1, 1));
        assert_ne!(sequence(1, 0), sequence(2, 0));
    }
}
