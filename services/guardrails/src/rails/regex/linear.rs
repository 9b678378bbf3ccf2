//! Patterns without look-around and back-references, run by the `regex` crate in linear time.
//!
//! Its classes, `\b` and `$` are not Python's. So a pattern is not run on the text but on a sign for each character:
//! characters that no set of the pattern tells apart share one. A sign is a byte, or two where there are many. Those of
//! words (as Python has them) are of ASCII's letters, digits and `_`, and no others are, which makes `\b` right; that
//! of a line break that ends a line (or only the last, as the pattern has it) is `\n`, and no other is, which makes `$`
//! right.

use std::{collections::HashMap, fmt::Write};

use super::{
    COMPILED_LIMIT,
    budget::{Budget, Spent},
    set::Set,
    tree::{At, Category, How, Node},
    unicode::category,
};

/// Levels of the printed pattern: the groups that a pattern may have, with what stands between them.
const NEST_LIMIT: u32 = 512;
const LINE_BREAK: u32 = 0x0A;
/// Bytes that are read in the time of a step, as long as the automaton is small.
const BYTES_OF_A_STEP: usize = 4;
/// States that may be at work on a byte in the time in which a small automaton reads it.
const STATES_AT_ONCE: usize = 2;

/// A compiled pattern.
pub(crate) struct Linear {
    regex: regex::bytes::Regex,
    alphabet: Alphabet,
    /// What a byte costs: where the automaton has too many states to be kept, all of them may be tried on each.
    weight: usize,
}

/// The sign of each character.
struct Alphabet {
    /// Where runs of characters of one kind begin, and the sign of that kind.
    starts: Vec<(u32, Sign)>,
    /// The signs of ASCII, which need no search.
    ascii: [Sign; 128],
    /// The bytes of a sign that count.
    width: usize,
    /// A line break that is the last character is another sign, `\n`.
    marks_last: bool,
}

type Sign = [u8; 2];

/// What of a pattern decides on its alphabet.
#[derive(Default)]
struct Survey {
    /// Each set and its number.
    sets: HashMap<Set, usize>,
    word: Option<Set>,
    last_line: bool,
    lines: bool,
    /// The pattern needs more than a regular language.
    backtracks: bool,
}

impl Survey {
    fn see(&mut self, node: &Node) {
        match node {
            Node::One(set) => {
                let number = self.sets.len();
                self.sets.entry(set.clone()).or_insert(number);
            }
            Node::At(At::LineStart | At::LineEnd) => self.lines = true,
            Node::At(At::LastLineEnd) => self.last_line = true,
            // The flag `a` holds for the whole pattern, or not at all.
            Node::At(At::Boundary { ascii, .. }) => self.word = Some(category(Category::Word, *ascii)),
            Node::Same(..) | Node::IfGroup(..) | Node::Look(_) | Node::Atomic(_) => self.backtracks = true,
            Node::Repeat(repeat) => self.backtracks |= repeat.how == How::Possessive,
            _ => {}
        }
        node.parts().into_iter().for_each(|part| self.see(part));
    }
}

/// Compiles a pattern; none if it has to be run otherwise.
pub(crate) fn compile(node: &Node) -> Option<Result<Linear, String>> {
    let mut survey = Survey::default();
    survey.see(node);
    if survey.backtracks || (survey.last_line && survey.lines) {
        return None;
    }
    let words = survey.word.take();
    let (alphabet, sets) = alphabet(&survey, words.as_ref())?;
    // A sign of two bytes may begin at every other byte only.
    let mut printed = String::from(if alphabet.width == 1 { "" } else { r"\A(?s:..)*?" });
    let class = |set: &Set| survey.sets.get(set).and_then(|number| sets.get(*number));
    let wide = |set: &Set| class(set).is_some_and(|class| class.wide);
    print(node, &|set: &Set| class(set).map_or("", |class| class.printed.as_str()), &mut printed);
    let regex = regex::bytes::RegexBuilder::new(&printed)
        .unicode(false)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build();
    Some(match regex {
        Ok(regex) => Ok(Linear { regex, alphabet, weight: 1 + states(node, &wide) / STATES_AT_ONCE }),
        Err(_) => Err("the pattern is too large when compiled".to_owned()),
    })
}

/// A set as it is printed.
struct Class {
    printed: String,
    /// It has several kinds of characters.
    wide: bool,
}

/// Wide sets of a pattern, with each repetition written out: so many states may be at work at once. Sets of one kind are
/// as letters of words, of which the automaton remembers one place.
fn states(node: &Node, wide: &impl Fn(&Set) -> bool) -> usize {
    match node {
        Node::One(set) => usize::from(wide(set)),
        Node::Repeat(repeat) => {
            let times = repeat.max.unwrap_or(repeat.min).max(1);
            states(&repeat.node, wide).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        _ => node.parts().into_iter().map(|part| states(part, wide)).fold(0, usize::saturating_add),
    }
}

/// A kind of characters: those that are in the same sets.
struct Kind {
    word: bool,
    line_break: bool,
    /// Bits of the sets, by number.
    inside: Vec<u64>,
}

impl Kind {
    fn is_in(&self, set: usize) -> bool {
        self.inside.get(set / 64).is_some_and(|bits| bits & (1 << (set % 64)) != 0)
    }
}

/// The alphabet, and each set as it is printed; none if there are more kinds of characters than signs.
fn alphabet(survey: &Survey, words: Option<&Set>) -> Option<(Alphabet, Vec<Class>)> {
    let breaks = survey.last_line || survey.lines;
    let (kinds, starts) = kinds(survey, words, breaks);
    let (width, signs) = signs(&kinds, words.is_some(), breaks, survey.lines)?;
    let line_break = [b'\n'; 2];
    let class = |set: usize| {
        let inside = kinds.iter().zip(&signs).filter(|(kind, _)| kind.is_in(set));
        let last = inside.clone().any(|(kind, _)| kind.line_break) && survey.last_line;
        let wide = inside.clone().nth(1).is_some();
        let signs = inside.map(|(_, sign)| *sign).chain(last.then_some(line_break));
        Class { printed: class_of(signs.collect(), width), wide }
    };
    let classes = (0..survey.sets.len()).map(class).collect();
    let signed = |(start, kind): (u32, usize)| Some((start, *signs.get(kind)?));
    let mut alphabet = Alphabet {
        starts: starts.into_iter().map(signed).collect::<Option<_>>()?,
        ascii: [[0; 2]; 128],
        width,
        marks_last: survey.last_line,
    };
    alphabet.ascii = std::array::from_fn(|code| alphabet.sign(u32::try_from(code).unwrap_or_default()));
    Some((alphabet, classes))
}

/// The kinds of characters, and where runs of each begin.
fn kinds(survey: &Survey, words: Option<&Set>, breaks: bool) -> (Vec<Kind>, Vec<(u32, usize)>) {
    let line_break = Set::one(LINE_BREAK);
    let own = words.into_iter().chain(breaks.then_some(&line_break));
    let numbered = own.enumerate().map(|(number, set)| (set, survey.sets.len() + number));
    // A set's runs switch its bit on and off; what stands between two switches is of one kind.
    let mut switches: Vec<(u32, usize)> = Vec::new();
    for (set, number) in survey.sets.iter().map(|(set, number)| (set, *number)).chain(numbered) {
        switches.extend(set.runs().iter().flat_map(|run| [(run.0, number), (run.1 + 1, number)]));
    }
    switches.sort_unstable();
    let mut inside = vec![0_u64; (survey.sets.len() + 2).div_ceil(64)];
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let (mut kinds, mut starts) = (Vec::new(), Vec::new());
    let mut switches = switches.into_iter().peekable();
    let mut next = Some(0);
    while let Some(start) = next {
        while let Some((_, number)) = switches.next_if(|switch| switch.0 == start) {
            if let Some(bits) = inside.get_mut(number / 64) {
                *bits ^= 1 << (number % 64);
            }
        }
        let kind = *known.entry(inside.clone()).or_insert_with(|| {
            let word = words.is_some_and(|words| words.contains(start));
            kinds.push(Kind { word, line_break: breaks && start == LINE_BREAK, inside: inside.clone() });
            kinds.len() - 1
        });
        starts.push((start, kind));
        next = switches.peek().map(|switch| switch.0);
    }
    (kinds, starts)
}

/// The bytes of a sign, and each kind's sign.
fn signs(kinds: &[Kind], words: bool, breaks: bool, lines: bool) -> Option<(usize, Vec<Sign>)> {
    let all = (0..=u8::MAX).filter(|byte| !(breaks && *byte == b'\n'));
    let (word, other): (Vec<u8>, Vec<u8>) = all.partition(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let others: Vec<u8> = if words { other } else { [word.as_slice(), &other].concat() };
    let count = |wanted: bool| kinds.iter().filter(|kind| kind.word == wanted).count();
    let width = if count(true) <= word.len() && count(false) <= others.len() { 1 } else { 2 };
    let pairs = |bytes: Vec<u8>| {
        let seconds = if width == 1 { vec![0] } else { bytes.clone() };
        seconds
            .into_iter()
            .flat_map(move |second| bytes.clone().into_iter().map(move |first| [first, second]))
    };
    let (mut word, mut others) = (pairs(word), pairs(others));
    let sign = |kind: &Kind| match kind {
        Kind { line_break: true, .. } if lines => Some([b'\n'; 2]),
        Kind { word: true, .. } => word.next(),
        Kind { .. } => others.next(),
    };
    Some((width, kinds.iter().map(sign).collect::<Option<_>>()?))
}

/// What matches one of the signs, in the syntax of the `regex` crate.
fn class_of(signs: Vec<Sign>, width: usize) -> String {
    let byte = |byte: u8| format!("\\x{byte:02x}");
    if signs.is_empty() {
        return "[^\\x00-\\xff]".to_owned();
    }
    if width == 1 {
        return format!("[{}]", signs.into_iter().map(|sign| byte(sign[0])).collect::<String>());
    }
    let signs: Vec<_> = signs.into_iter().map(|sign| byte(sign[0]) + &byte(sign[1])).collect();
    format!("(?:{})", signs.join("|"))
}

/// Prints a tree in the syntax of the `regex` crate.
fn print<'a>(node: &Node, class: &impl Fn(&Set) -> &'a str, out: &mut String) {
    match node {
        Node::One(set) => out.push_str(class(set)),
        Node::At(at) => out.push_str(match at {
            At::Start => r"\A",
            At::End => r"\z",
            At::LineStart => "(?m:^)",
            At::LineEnd | At::LastLineEnd => "(?m:$)",
            At::Boundary { negative: false, .. } => r"\b",
            At::Boundary { .. } => r"\B",
        }),
        Node::Choice(nodes) => {
            for (number, node) in nodes.iter().enumerate() {
                out.push_str(if number == 0 { "(?:" } else { "|" });
                print(node, class, out);
            }
            out.push(')');
        }
        Node::Repeat(repeat) => {
            out.push_str("(?:");
            print(&repeat.node, class, out);
            let max = repeat.max.map_or(String::new(), |max| max.to_string());
            // Whether it is lazy decides on what is matched, not whether.
            let _ = write!(out, "){{{},{max}}}", repeat.min);
        }
        _ => node.parts().into_iter().for_each(|part| print(part, class, out)),
    }
}

impl Alphabet {
    fn sign(&self, code: u32) -> Sign {
        // The first begins at 0.
        let after = self.starts.partition_point(|(start, _)| *start <= code);
        self.starts.get(after.saturating_sub(1)).map_or([0; 2], |(_, sign)| *sign)
    }

    fn of(&self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() * self.width);
        for c in text.chars() {
            let sign = self.ascii.get(c as usize).copied().unwrap_or_else(|| self.sign(c.into()));
            match self.width {
                1 => out.push(sign[0]),
                _ => out.extend_from_slice(&sign),
            }
        }
        if self.marks_last && text.ends_with('\n') {
            out.iter_mut().rev().take(self.width).for_each(|byte| *byte = b'\n');
        }
        out
    }
}

impl Linear {
    pub(crate) fn finds(&self, text: &str, budget: &Budget) -> Result<bool, Spent> {
        let bytes = text.len().saturating_mul(self.alphabet.width);
        budget.take(bytes.saturating_mul(self.weight) / BYTES_OF_A_STEP + 1)?;
        Ok(self.regex.is_match(&self.alphabet.of(text)))
    }
}
