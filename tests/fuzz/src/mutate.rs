//! What becomes of an input: a few changes, of bytes, of letters, of lines and of what brackets hold.

use std::ops::Range;

use rand::{RngExt, rngs::StdRng};

use crate::spans;

/// Bytes at which readers change their minds.
const BYTES: [u8; 14] = [0, 1, 7, 9, 10, 13, 31, 32, 127, 128, 191, 192, 254, 255];
/// Numbers at which arithmetic does.
const NUMBERS: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];
/// The same in decimals.
const DECIMALS: [&str; 18] = [
    "0",
    "1",
    "-1",
    "00",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1e308",
    "0.1",
];
/// Letters that change their length with their case, that nobody sees, that combine, turn, or are half of something.
const LETTERS: [&str; 24] = [
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{130}",
    "\u{131}",
    "\u{df}",
    "\u{301}",
    "\u{3c2}",
    "\u{1e9e}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{3002}",
    "\u{fb00}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ff20}",
    "\u{ff0e}",
    "\u{10ffff}",
    "\u{1f469}\u{200d}\u{1f52c}",
    "\u{e0001}",
];
/// What nests.
const NESTS: [&str; 12] = ["[", "{", "(", "- ", "<div>", "{\"a\":", "not ", "1+", "\"", "{{", "> ", "  "];
/// The most of them in a row.
const DEEPEST: usize = 3_000;

/// What is mutated, and what may be put in.
pub struct Mutator<'a> {
    /// Words that the reader knows.
    pub dictionary: &'a [&'a str],
    /// The most bytes that an input may have.
    pub longest: usize,
}

impl Mutator<'_> {
    /// A new input, of one or two of these.
    pub fn make(&self, corpus: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
        let Some(base) = pick(corpus, random) else { return Vec::new() };
        let mut input = base.clone();
        for _ in 0..1 << random.random_range(0..4) {
            let other = pick(corpus, random).map_or(&[][..], Vec::as_slice);
            self.change(&mut input, other, random);
            input.truncate(self.longest);
        }
        input
    }

    fn change(&self, input: &mut Vec<u8>, other: &[u8], random: &mut StdRng) {
        match random.random_range(0..16) {
            0 => flip(input, random),
            1 => set(input, random),
            2 => {
                let bytes: Vec<u8> = (0..random.random_range(1..16)).map(|_| random.random()).collect();
                insert(input, &bytes, random);
            }
            3 => drop(input.drain(range(input.len(), random))),
            4 => repeat(input, random),
            5 => number(input, random),
            6 => splice(input, other, random),
            7 => insert(input, &other[range(other.len(), random)], random),
            8 | 9 => self.word(input, random),
            10 => decimal(input, random),
            11 => letter(input, random),
            12 => nest(input, random),
            13 => mix(input, other, spans::lines, random),
            14 => mix(input, other, spans::brackets, random),
            _ => mix(input, other, spans::tokens, random),
        }
    }

    /// A word of the dictionary, put in or put in the place of another.
    fn word(&self, input: &mut Vec<u8>, random: &mut StdRng) {
        let Some(word) = pick(self.dictionary, random) else { return flip(input, random) };
        match pick(&spans::tokens(input), random) {
            Some(token) if random.random() => replace(input, token.clone(), word.as_bytes()),
            _ => insert(input, word.as_bytes(), random),
        }
    }
}

fn pick<'a, T>(all: &'a [T], random: &mut StdRng) -> Option<&'a T> {
    (!all.is_empty()).then(|| &all[random.random_range(0..all.len())])
}

/// A part of so many bytes, often a short one; may be empty.
fn range(length: usize, random: &mut StdRng) -> Range<usize> {
    let begin = random.random_range(0..=length);
    let most = if random.random() { length - begin } else { (length - begin).min(16) };
    begin..begin + random.random_range(0..=most)
}

fn replace(input: &mut Vec<u8>, at: Range<usize>, with: &[u8]) {
    drop(input.splice(at, with.iter().copied()));
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    replace(input, at..at, bytes);
}

fn flip(input: &mut [u8], random: &mut StdRng) {
    if !input.is_empty() {
        let at = random.random_range(0..input.len());
        input[at] ^= 1 << random.random_range(0..8);
    }
}

fn set(input: &mut [u8], random: &mut StdRng) {
    if !input.is_empty() {
        let at = random.random_range(0..input.len());
        input[at] =
            if random.random() { BYTES[random.random_range(0..BYTES.len())] } else { random.random() };
    }
}

/// A part of it, at another place, once or many times.
fn repeat(input: &mut Vec<u8>, random: &mut StdRng) {
    let part = input[range(input.len(), random)].to_vec();
    let most = if random.random_range(0..8) == 0 { 200 } else { 3 };
    insert(input, &part.repeat(random.random_range(1..=most)), random);
}

/// A number of 1, 2, 4 or 8 bytes, in either order: a border, or one off what is there.
fn number(input: &mut [u8], random: &mut StdRng) {
    let width = 1 << random.random_range(0..4_usize);
    if input.len() < width {
        return;
    }
    let at = random.random_range(0..=input.len() - width);
    let there = &mut input[at..at + width];
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(there);
    let value = match random.random_range(0..4) {
        0 => u64::from_le_bytes(bytes).wrapping_add(1),
        1 => u64::from_le_bytes(bytes).wrapping_sub(1),
        2 => input_length(at, random),
        _ => NUMBERS[random.random_range(0..NUMBERS.len())],
    };
    there.copy_from_slice(&value.to_le_bytes()[..width]);
    if random.random_range(0..4) == 0 {
        there.reverse();
    }
}

/// A length that is nearly right.
fn input_length(at: usize, random: &mut StdRng) -> u64 {
    (at as u64).wrapping_add(random.random_range(0..64))
}

/// Its beginning, and the end of another.
fn splice(input: &mut Vec<u8>, other: &[u8], random: &mut StdRng) {
    input.truncate(random.random_range(0..=input.len()));
    input.extend_from_slice(&other[random.random_range(0..=other.len())..]);
}

fn decimal(input: &mut Vec<u8>, random: &mut StdRng) {
    let decimal = DECIMALS[random.random_range(0..DECIMALS.len())];
    match pick(&spans::numbers(input), random) {
        Some(number) => replace(input, number.clone(), decimal.as_bytes()),
        None => insert(input, decimal.as_bytes(), random),
    }
}

/// A letter, between letters or in the place of one.
fn letter(input: &mut Vec<u8>, random: &mut StdRng) {
    let letter = LETTERS[random.random_range(0..LETTERS.len())];
    let places = spans::letters(input);
    let at = random.random_range(0..places.len());
    let end = if random.random() { places.get(at + 1).copied() } else { None };
    replace(input, places[at]..end.unwrap_or(places[at]), letter.as_bytes());
}

fn nest(input: &mut Vec<u8>, random: &mut StdRng) {
    let most = if random.random_range(0..4) == 0 { DEEPEST } else { 20 };
    let nest = NESTS[random.random_range(0..NESTS.len())].repeat(random.random_range(1..=most));
    insert(input, nest.as_bytes(), random);
}

/// Parts change places, go, come twice, or come from another input.
fn mix(input: &mut Vec<u8>, other: &[u8], cut: fn(&[u8]) -> Vec<Range<usize>>, random: &mut StdRng) {
    let parts = cut(input);
    let (Some(one), Some(two)) = (pick(&parts, random), pick(&parts, random)) else { return };
    let text = input[one.clone()].to_vec();
    match random.random_range(0..5) {
        0 => replace(input, one.clone(), &[]),
        1 => replace(input, two.end..two.end, &text),
        2 => replace(input, two.clone(), &text),
        3 => {
            let parts = cut(other);
            let theirs = pick(&parts, random).map_or(&[][..], |part| &other[part.clone()]);
            replace(input, one.clone(), theirs);
        }
        _ if one.end <= two.start => {
            let theirs = input[two.clone()].to_vec();
            replace(input, two.clone(), &text);
            replace(input, one.clone(), &theirs);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_none_is_too_long() {
        let corpus = [b"{\"a\": [1, 2], \"b\": \"x\"}\nline: 2\n".to_vec(), Vec::new(), "é\u{301}ß".into()];
        let mutator = Mutator { dictionary: &["key", "value"], longest: 500 };
        let make = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..5_000).map(|_| mutator.make(&corpus, &mut random)).collect::<Vec<_>>()
        };
        let inputs = make(1);
        assert!(inputs == make(1) && inputs != make(2));
        assert!(inputs.iter().all(|input| input.len() <= 500));
        let distinct: std::collections::HashSet<_> = inputs.iter().collect();
        assert!(distinct.len() > 3_000, "{}", distinct.len());
        let text = |input: &&Vec<u8>| std::str::from_utf8(input).is_ok();
        assert!(inputs.iter().filter(text).count() > 1_500, "most readers want text");
    }
}
