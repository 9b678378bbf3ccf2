//! Functions of single rows, written so that they become vector instructions and add in a fixed order.

/// How many partial sums a row is added up in.
const LANES: usize = 16;

/// `e^x` to within two units in the last place; 0 below -87.3 (where it would be subnormal), and so for -∞.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Cephes' expf: e^x = 2^n · e^r, |r| ≤ ln 2 / 2, with ln 2 in two parts. Adding 1.5 · 2^23 rounds to an integer, which
    // then stands in the lowest bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.3);
    let rounded = clamped.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, clamped));
    let mut p = 1.987_569_1e-4_f32;
    p = p.mul_add(r, 1.398_2e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_6e-1);
    p = p.mul_add(r, 0.5);
    p = p.mul_add(r * r, r + 1.0);
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    if x < -87.3 { 0.0 } else { p * power }
}

// The loops below are plain `for` loops: a closure handed to an iterator may be compiled for itself, without the vector
// extension of the caller.

/// Adds the numbers to the lanes: lane `i` takes every 16th from `i`.
#[inline(always)]
fn add_lanes(lanes: &mut [f32; LANES], numbers: &[f32]) {
    for (lane, &x) in lanes.iter_mut().zip(numbers) {
        *lane += x;
    }
}

/// Adds the lanes in order.
#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let mut total = 0.0;
    for lane in lanes {
        total += lane;
    }
    total
}

#[inline(always)]
fn max(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    let mut top = f32::NEG_INFINITY;
    for &x in lanes.iter().chain(chunks.remainder()) {
        top = if x > top { x } else { top };
    }
    top
}

/// Turns scores into weights that add up to 1; a score of -∞ weighs nothing.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32], scale: f32) {
    let top = max(row);
    for x in row.iter_mut() {
        *x = exp((*x - top) * scale);
    }
    let mut lanes = [0.0; LANES];
    for chunk in row.chunks(LANES) {
        add_lanes(&mut lanes, chunk);
    }
    let whole = total(&lanes);
    for x in row.iter_mut() {
        *x /= whole;
    }
}

/// `x / rms(x) * gain`.
#[inline(always)]
pub(super) fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, out: &mut [f32]) {
    let mut lanes = [0.0; LANES];
    for chunk in x.chunks(LANES) {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x * x;
        }
    }
    let scale = 1.0 / (total(&lanes) / x.len() as f32 + epsilon).sqrt();
    for ((out, &x), &gain) in out.iter_mut().zip(x).zip(gain) {
        *out = x * scale * gain;
    }
}

/// `gate · sigmoid(gate) · up`.
#[inline(always)]
pub(super) fn gated(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp(-gate)) * up;
    }
}

/// Turns one head: its first half and second half are the two coordinates of `cos.len()` points.
#[inline(always)]
pub(super) fn turn(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = head.split_at_mut(cos.len());
    for (((a, b), &cos), &sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_units() {
        for i in -87_000..88_000 {
            let x = i as f32 * 0.001;
            let (is, should) = (exp(x), f64::from(x).exp());
            assert!((f64::from(is) - should).abs() <= should * 2.4e-7, "exp({x}) is {is}, not {should}");
        }
        assert_eq!((exp(f32::NEG_INFINITY), exp(-100.0), exp(0.0)), (0.0, 0.0, 1.0));
    }

    #[test]
    fn softmax_ignores_minus_infinity_wherever_it_stands() {
        let scores: Vec<f32> = (0..40).map(|i| (i as f32).sin()).collect();
        let mut padded = [scores.clone(), vec![f32::NEG_INFINITY; 24]].concat();
        let mut alone = scores;
        softmax(&mut alone, 1.0);
        softmax(&mut padded, 1.0);
        assert_eq!(padded[..40], alone);
        assert_eq!(padded[40..], [0.0; 24]);
        assert!((alone.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
