//! How checkpoints store numbers, and how they become `f32` again.
//!
//! The block formats are ggml's (ggml-quants.c, `dequantize_row_*`): a block of numbers shares one or two `f16` scales;
//! a K block of 256 has scales of its own for parts of it.

#![allow(
    clippy::indexing_slicing,
    reason = "`Kind::decode` cuts blocks of the lengths of `Kind::block`, and every index is below those"
)]

use half::{bf16, f16};

/// How the numbers of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a single.
    Bf16,
    /// 4 bits, `d * (q - 8)`.
    Q4_0,
    /// 4 bits, `d * q + m`.
    Q4_1,
    /// 5 bits, `d * (q - 16)`.
    Q5_0,
    /// 5 bits, `d * q + m`.
    Q5_1,
    /// 8 bits, `d * q`.
    Q8_0,
    /// 4 bits in blocks of 256, 8 scales and minima of 6 bits.
    Q4K,
    /// 5 bits in blocks of 256, 8 scales and minima of 6 bits.
    Q5K,
    /// 6 bits in blocks of 256, 16 scales of 8 bits.
    Q6K,
}

impl Kind {
    /// The kind with this number in a GGUF file.
    pub(crate) fn from_ggml(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// The usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// How many numbers a block has, and how many bytes it takes.
    fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// How many bytes `columns` numbers take; `None` if they are no whole blocks.
    pub(crate) fn row_bytes(self, columns: usize) -> Option<usize> {
        let (numbers, bytes) = self.block();
        (columns > 0 && columns.is_multiple_of(numbers))
            .then(|| (columns / numbers).checked_mul(bytes))
            .flatten()
    }

    /// Turns the bytes of whole blocks into numbers. The lengths must match.
    pub(crate) fn decode(self, bytes: &[u8], out: &mut [f32]) {
        let (numbers, size) = self.block();
        debug_assert_eq!(out.len() / numbers * size, bytes.len());
        for (block, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(numbers)) {
            match self {
                Self::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
                Self::F16 => out[0] = half_at(block, 0),
                Self::Bf16 => out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32(),
                Self::Q4_0 => nibbles(&block[2..], out, half_at(block, 0), -8, 0.0),
                Self::Q4_1 => nibbles(&block[4..], out, half_at(block, 0), 0, half_at(block, 2)),
                Self::Q5_0 => five_bits(&block[2..], out, half_at(block, 0), -16, 0.0),
                Self::Q5_1 => five_bits(&block[4..], out, half_at(block, 0), 0, half_at(block, 2)),
                Self::Q8_0 => {
                    let scale = half_at(block, 0);
                    out.iter_mut().zip(&block[2..]).for_each(|(o, &q)| *o = scale * f32::from(q as i8));
                }
                Self::Q4K => q4_k(block, out),
                Self::Q5K => q5_k(block, out),
                Self::Q6K => q6_k(block, out),
            }
        }
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// 32 numbers: the low nibbles of 16 bytes, then the high ones.
fn nibbles(quants: &[u8], out: &mut [f32], scale: f32, bias: i32, minimum: f32) {
    for (j, &q) in quants[..16].iter().enumerate() {
        out[j] = scale * (i32::from(q & 15) + bias) as f32 + minimum;
        out[j + 16] = scale * (i32::from(q >> 4) + bias) as f32 + minimum;
    }
}

/// As [`nibbles`], with a fifth bit of each number in the four bytes before.
fn five_bits(quants: &[u8], out: &mut [f32], scale: f32, bias: i32, minimum: f32) {
    let high = u32::from_le_bytes([quants[0], quants[1], quants[2], quants[3]]);
    for (j, &q) in quants[4..20].iter().enumerate() {
        let low = i32::from(q & 15) | ((high >> j & 1) << 4) as i32;
        let upper = i32::from(q >> 4) | ((high >> (j + 16) & 1) << 4) as i32;
        out[j] = scale * (low + bias) as f32 + minimum;
        out[j + 16] = scale * (upper + bias) as f32 + minimum;
    }
}

/// The 6-bit scale and minimum of the `j`-th of 8 parts (`get_scale_min_k4`).
fn scale_and_minimum(packed: &[u8], j: usize) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        (packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4)
    };
    (f32::from(scale), f32::from(minimum))
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    for (j, part) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], j);
        let quants = &block[16 + j / 2 * 32..][..32];
        for (o, &q) in part.iter_mut().zip(quants) {
            let q = if j % 2 == 0 { q & 15 } else { q >> 4 };
            *o = d * scale * f32::from(q) - dmin * minimum;
        }
    }
}

fn q5_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    for (j, part) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(&block[4..16], j);
        let quants = &block[48 + j / 2 * 32..][..32];
        for ((o, &q), &high) in part.iter_mut().zip(quants).zip(&block[16..48]) {
            let low = if j % 2 == 0 { q & 15 } else { q >> 4 };
            *o = d * scale * f32::from(low | (high >> j & 1) << 4) - dmin * minimum;
        }
    }
}

fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = half_at(block, 208);
    for (half, part) in out.chunks_exact_mut(128).enumerate() {
        let low = &block[half * 64..][..64];
        let high = &block[128 + half * 32..][..32];
        let scales = &block[192 + half * 8..][..8];
        for (i, o) in part.iter_mut().enumerate() {
            let (quarter, l) = (i / 32, i % 32);
            let nibble =
                if quarter < 2 { low[l + quarter * 32] & 15 } else { low[l + (quarter - 2) * 32] >> 4 };
            let q = i32::from(nibble | (high[l] >> (2 * quarter) & 3) << 4) - 32;
            *o = d * f32::from(scales[quarter * 2 + l / 16] as i8) * q as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: Kind, bytes: &[u8]) -> Vec<f32> {
        let (numbers, size) = kind.block();
        let mut out = vec![f32::NAN; bytes.len() / size * numbers];
        kind.decode(bytes, &mut out);
        out
    }

    fn halves(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect()
    }

    #[test]
    fn plain_numbers() {
        assert_eq!(decode(Kind::F32, &[0, 0, 0xc0, 0x3f]), [1.5]);
        assert_eq!(decode(Kind::F16, &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.0]);
        assert_eq!(decode(Kind::Bf16, &[0xc0, 0x3f, 0x00, 0xc0]), [1.5, -2.0]);
    }

    /// Byte `j` holds number `j` in its low half and number `j + 16` in its high half.
    #[test]
    fn four_bits() {
        let quants: Vec<u8> = (0..16).map(|j| j | (15 - j) << 4).collect();
        let q4_0 = decode(Kind::Q4_0, &[halves(&[0.5]), quants.clone()].concat());
        let q4_1 = decode(Kind::Q4_1, &[halves(&[0.5, -3.0]), quants].concat());
        for j in 0..16 {
            assert_eq!(q4_0[j], 0.5 * (j as f32 - 8.0));
            assert_eq!(q4_0[j + 16], 0.5 * (15.0 - j as f32 - 8.0));
            assert_eq!(q4_1[j], 0.5 * j as f32 - 3.0);
            assert_eq!(q4_1[j + 16], 0.5 * (15.0 - j as f32) - 3.0);
        }
    }

    /// The fifth bits: set for numbers 0 and 31 only.
    #[test]
    fn five_bits_with_high_bits() {
        let high = 0x8000_0001u32.to_le_bytes().to_vec();
        let quants = vec![0x21; 16];
        let q5_0 = decode(Kind::Q5_0, &[halves(&[2.0]), high.clone(), quants.clone()].concat());
        let q5_1 = decode(Kind::Q5_1, &[halves(&[2.0, 1.0]), high, quants].concat());
        assert_eq!((q5_0[0], q5_0[1], q5_0[16], q5_0[31]), (2.0, -30.0, -28.0, 4.0));
        assert_eq!((q5_1[0], q5_1[1], q5_1[16], q5_1[31]), (35.0, 3.0, 5.0, 37.0));
    }

    #[test]
    fn eight_bits() {
        let quants: Vec<u8> = (0..32).map(|j| (j as i8 - 16) as u8).collect();
        let q8_0 = decode(Kind::Q8_0, &[halves(&[0.25]), quants].concat());
        assert_eq!((q8_0[0], q8_0[16], q8_0[31]), (-4.0, 0.0, 3.75));
    }

    /// Scales 1..=8 and minima 9..=16 would fit 4 bits; 33 and 34 in parts 4 and 0 need the spilled upper bits.
    #[test]
    fn k_blocks() {
        // Part 0: scale 33, minimum 2. Part 4: scale 0x21 (low nibble 1, upper bits 2), minimum 0x13 (3, upper bits 1).
        let mut scales = [0u8; 12];
        scales[0] = 33 | 2 << 6;
        scales[4] = 2 | 1 << 6;
        scales[8] = 1 | 3 << 4;
        let head = [halves(&[0.5, 2.0]), scales.to_vec()].concat();
        let q4 = decode(Kind::Q4K, &[head.clone(), vec![0x53; 128]].concat());
        assert_eq!((q4[0], q4[32], q4[128]), (0.5 * 33.0 * 3.0 - 4.0, 0.0, 0.5 * 33.0 * 3.0 - 2.0 * 19.0));
        let q5 = decode(Kind::Q5K, &[head, vec![0x10; 32], vec![0x53; 128]].concat());
        assert_eq!((q5[0], q5[128]), (0.5 * 33.0 * 3.0 - 4.0, 0.5 * 33.0 * 19.0 - 2.0 * 19.0));
    }

    #[test]
    fn six_bits() {
        let scales: Vec<u8> = (0..16).map(|s: i8| (s - 8) as u8).collect();
        let block = [vec![0x21; 128], vec![0b11_10_01_00; 64], scales, halves(&[0.5])].concat();
        let q6 = decode(Kind::Q6K, &block);
        // Low nibble 1 or 2, upper bits 0 to 3 by the quarter, less 32; scales -8, -7, … by 16 numbers.
        assert_eq!((q6[0], q6[16]), (0.5 * -8.0 * -31.0, 0.5 * -7.0 * -31.0));
        assert_eq!((q6[32], q6[64], q6[96]), (0.5 * -6.0 * -15.0, 0.5 * -4.0 * 2.0, 0.5 * -2.0 * 18.0));
        assert_eq!((q6[128], q6[255]), (0.0, 0.5 * 7.0 * 18.0));
    }

    #[test]
    fn rows_are_whole_blocks() {
        assert_eq!(Kind::Q4_1.row_bytes(576), Some(360));
        assert_eq!(Kind::Q4_1.row_bytes(570), None);
        assert_eq!(Kind::Q6K.row_bytes(0), None);
        assert_eq!(Kind::Q6K.row_bytes(usize::MAX / 256 * 256), Some(usize::MAX / 256 * 210));
    }
}
