//! What Python's `re` knows of characters, from the tables that `tests/python/tables.py` makes with CPython itself.
//!
//! `\w`, `\d` and `\s` are not the sets of the same name in Rust's `regex`: Python's are `str.isalnum()` and `_`,
//! `str.isdecimal()`, `str.isspace()`. Neither is case: CPython compares simple lower cases, and some more letters
//! that have one upper case (`Lib/re/_casefix.py`).

use std::{collections::HashMap, sync::LazyLock};

use super::set::Set;

/// `\d`, `\s` or `\w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Digit,
    Space,
    Word,
}

/// How letters are compared where case is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    None,
    Ascii,
    Unicode,
}

#[derive(Default)]
struct Tables {
    word: Set,
    digit: Set,
    space: Set,
    /// What differs from its lower or upper case.
    cased: Set,
    /// First, last, and what leads to the lower case.
    lower: Vec<(u32, u32, i32)>,
    /// A lower-case letter and others of the same upper case.
    fixes: HashMap<u32, Vec<u32>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| read(include_str!("unicode/classes.txt")));
static NAMES: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let (code, name) = line.split_once(' ')?;
        Some((name, u32::from_str_radix(code, 16).ok()?))
    };
    include_str!("unicode/names.txt").lines().filter_map(row).collect()
});

fn read(text: &str) -> Tables {
    let mut tables = Tables::default();
    let rows = text.replace("\n ", " ");
    for (name, row) in rows.lines().filter_map(|line| line.split_once(' ')) {
        let fields = row.split(' ');
        match name {
            "word" => tables.word = Set::new(fields.map(run).collect()),
            "digit" => tables.digit = Set::new(fields.map(run).collect()),
            "space" => tables.space = Set::new(fields.map(run).collect()),
            "cased" => tables.cased = Set::new(fields.map(run).collect()),
            "lower" => tables.lower = fields.map(step).collect(),
            _ => {
                let mut codes = fields.map(|field| field.split(',').map(hex));
                tables.fixes =
                    codes.by_ref().filter_map(|mut row| Some((row.next()?, row.collect()))).collect();
            }
        }
    }
    tables
}

/// A number of the table; a test reads all of them.
fn hex(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap_or_default()
}

/// `41-5a` or `5f`.
fn run(text: &str) -> (u32, u32) {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    (hex(first), hex(last))
}

/// `41~5a+20` or `130-c7`.
fn step(text: &str) -> (u32, u32, i32) {
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (runs, by) = text.split_at(at);
    let (first, last) = runs.split_once('~').unwrap_or((runs, runs));
    (hex(first), hex(last), i32::from_str_radix(by, 16).unwrap_or_default())
}

/// The characters of a category; with the flag `a` those of ASCII.
pub(crate) fn category(category: Category, ascii: bool) -> Set {
    let (runs, all): (&[(u32, u32)], _) = match category {
        Category::Digit => (&[(0x30, 0x39)], &TABLES.digit),
        Category::Space => (&[(0x09, 0x0D), (0x20, 0x20)], &TABLES.space),
        Category::Word => (&[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)], &TABLES.word),
    };
    if ascii { Set::new(runs.to_vec()) } else { all.clone() }
}

/// Whether `\b` takes a character for one of a word.
pub(crate) fn word(c: char, ascii: bool) -> bool {
    if ascii { c.is_ascii_alphanumeric() || c == '_' } else { TABLES.word.contains(c.into()) }
}

/// The lower case of a character, as a reference to a group compares it.
pub(crate) fn lower(code: u32, fold: Fold) -> u32 {
    match fold {
        Fold::None => code,
        Fold::Ascii => code + if (0x41..=0x5A).contains(&code) { 0x20 } else { 0 },
        Fold::Unicode => {
            let after = TABLES.lower.partition_point(|row| row.0 <= code);
            let row = after.checked_sub(1).and_then(|at| TABLES.lower.get(at)).filter(|row| code <= row.1);
            row.map_or(code, |row| code.saturating_add_signed(row.2))
        }
    }
}

/// Whether a character has another case.
pub(crate) fn cased(code: u32, fold: Fold) -> bool {
    match fold {
        Fold::None => false,
        Fold::Ascii => u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphabetic()),
        Fold::Unicode => TABLES.cased.contains(code),
    }
}

/// What one character of a pattern matches.
pub(crate) fn literal(code: u32, fold: Fold) -> Set {
    let one = Set::one(code);
    if cased(code, fold) { folded(&one, fold) } else { one }
}

/// What a set matches: whatever has the lower case of one in it. `categories` are taken as they are.
pub(crate) fn class(runs: &Set, categories: &Set, fold: Fold) -> Set {
    let cases = |run: &(u32, u32)| match fold {
        Fold::None => false,
        Fold::Ascii => Set::new(vec![(0x41, 0x5A), (0x61, 0x7A)]).meets(run.0, run.1),
        Fold::Unicode => TABLES.cased.meets(run.0, run.1),
    };
    if !runs.runs().iter().any(cases) {
        return runs.or(categories);
    }
    let lowered = lowered(runs, fold);
    back(&lowered.or(categories), fold)
}

fn folded(set: &Set, fold: Fold) -> Set {
    back(&lowered(set, fold), fold)
}

/// The lower cases of a set.
fn lowered(set: &Set, fold: Fold) -> Set {
    let mut out = Vec::new();
    let changed = steps(fold);
    let whole = Set::new(changed.iter().map(|row| (row.0, row.1)).collect());
    out.extend_from_slice(set.and(&whole.not()).runs());
    for &(first, last, step) in changed {
        let part = set.and(&Set::new(vec![(first, last)]));
        let moved = |code: u32| code.saturating_add_signed(step);
        out.extend(part.runs().iter().map(|run| (moved(run.0), moved(run.1))));
    }
    let mut lowered = Set::new(out);
    if fold == Fold::Unicode {
        let fixes = TABLES.fixes.iter().filter(|(lower, _)| lowered.contains(**lower));
        let others: Vec<_> = fixes.flat_map(|(_, others)| others).map(|code| (*code, *code)).collect();
        lowered = lowered.or(&Set::new(others));
    }
    lowered
}

/// Whatever has its lower case in the set.
fn back(set: &Set, fold: Fold) -> Set {
    let changed = steps(fold);
    let whole = Set::new(changed.iter().map(|row| (row.0, row.1)).collect());
    let mut out = set.and(&whole.not()).runs().to_vec();
    for &(first, last, step) in changed {
        let moved = |code: u32, step: i32| code.saturating_add_signed(step);
        let part = set.and(&Set::new(vec![(moved(first, step), moved(last, step))]));
        out.extend(part.runs().iter().map(|run| (moved(run.0, -step), moved(run.1, -step))));
    }
    Set::new(out)
}

fn steps(fold: Fold) -> &'static [(u32, u32, i32)] {
    match fold {
        Fold::None => &[],
        Fold::Ascii => &[(0x41, 0x5A, 0x20)],
        Fold::Unicode => &TABLES.lower,
    }
}

/// The character of a name, if it is one of those that the table has.
pub(crate) fn named(name: &str) -> Option<u32> {
    NAMES.get(name.to_ascii_uppercase().as_str()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read_whole() {
        assert!(word('²', false) && word('é', false) && !word('\u{301}', false) && !word('é', true));
        assert!(
            category(Category::Space, false).contains(0x1C)
                && !category(Category::Space, true).contains(0x1C)
        );
        assert!(category(Category::Digit, false).contains(0x0661));
        assert_eq!(
            (TABLES.fixes.len(), lower(0x130, Fold::Unicode), lower(0xFF21, Fold::Unicode)),
            (50, 0x69, 0xFF41)
        );
        assert_eq!((named("em dash"), named("EM DASCH"), NAMES.len()), (Some(0x2014), None, 1431));
    }

    #[test]
    fn letters_of_one_case_are_one() {
        let seen = literal('k'.into(), Fold::Unicode);
        assert_eq!(seen.runs(), [(0x4B, 0x4B), (0x6B, 0x6B), (0x212A, 0x212A)]);
        assert_eq!(literal('k'.into(), Fold::Ascii).runs(), [(0x4B, 0x4B), (0x6B, 0x6B)]);
        let runs = Set::new(vec![('r'.into(), 's'.into())]);
        assert!(class(&runs, &Set::default(), Fold::Unicode).contains('ſ'.into()));
    }
}
