//! Escapes, and sets of characters. In a set of Python's, `[`, `&&`, `||`, `--` and `~~` are characters as any other.

use super::{Parser, Problem, source::Token};
use crate::rails::regex::{
    set::{LAST, Set},
    tree::{At, Category, Flags, Node},
    unicode::{self, Fold},
};

/// What an escape stands for.
#[derive(Clone, Copy)]
enum Escape {
    Literal(u32),
    Category(Category, bool),
}

impl Parser {
    /// An escape outside of a set, whose backslash and `c` are read.
    pub(super) fn escape(&mut self, c: char, flags: Flags) -> Result<Node, Problem> {
        let start = self.source.at() - 2;
        let ascii = flags.has(Flags::ASCII);
        Ok(match c {
            'A' => Node::At(At::Start),
            'Z' => Node::At(At::End),
            'b' => Node::At(At::Boundary { ascii, negative: false }),
            'B' => Node::At(At::Boundary { ascii, negative: true }),
            '0' => {
                let digits = self.source.run(2, |c| c.is_digit(8))?;
                Node::One(literal(number(&digits, 8), flags, start)?)
            }
            '1'..='9' => return self.number(c, start, flags),
            _ => match self.common(c, start)? {
                Escape::Literal(code) => Node::One(literal(code, flags, start)?),
                Escape::Category(kind, negative) => Node::One(flags.category(kind, negative)),
            },
        })
    }

    /// Three octal digits are a character; anything else is a group's number.
    fn number(&mut self, c: char, start: usize, flags: Flags) -> Result<Node, Problem> {
        let mut digits = c.to_string();
        if let Some(Token::Plain(second @ '0'..='9')) = self.source.peek() {
            self.source.get()?;
            digits.push(second);
            let octal = digits.chars().all(|c| c.is_digit(8));
            if let (true, Some(Token::Plain(third @ '0'..='7'))) = (octal, self.source.peek()) {
                self.source.get()?;
                digits.push(third);
                let code = number(&digits, 8);
                if code > 0o377 {
                    return Err(Problem::invalid("octal escape value outside of range 0-0o377", start));
                }
                return Ok(Node::One(literal(code, flags, start)?));
            }
        }
        let group = digits.parse().unwrap_or(usize::MAX);
        if group >= self.groups.len() {
            return Err(Problem::invalid("invalid group reference", start));
        }
        self.same(group, start, flags)
    }

    /// What an escape means inside and outside of a set.
    fn common(&mut self, c: char, start: usize) -> Result<Escape, Problem> {
        let code = match c {
            'a' => 0x07,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'v' => 0x0B,
            'd' | 'D' => return Ok(Escape::Category(Category::Digit, c == 'D')),
            's' | 'S' => return Ok(Escape::Category(Category::Space, c == 'S')),
            'w' | 'W' => return Ok(Escape::Category(Category::Word, c == 'W')),
            'x' => self.hex(2, start)?,
            'u' => self.hex(4, start)?,
            'U' => self.hex(8, start)?,
            'N' => {
                if !self.source.eat('{')? {
                    return Err(Problem::invalid("missing {", start));
                }
                let name = self.source.until('}')?;
                let known = unicode::named(&name);
                known.ok_or(Problem::unsupported("a character's name that is not known here", start))?
            }
            _ if c.is_ascii_alphanumeric() => return Err(Problem::invalid("bad escape", start)),
            _ => c.into(),
        };
        Ok(Escape::Literal(code))
    }

    fn hex(&mut self, digits: usize, start: usize) -> Result<u32, Problem> {
        let text = self.source.run(digits, |c| c.is_ascii_hexdigit())?;
        let code = number(&text, 16);
        match text.len() == digits {
            true if code <= LAST => Ok(code),
            true => Err(Problem::invalid("bad escape", start)),
            false => Err(Problem::invalid("incomplete escape", start)),
        }
    }

    /// A set whose `[` is read.
    pub(super) fn set(&mut self, flags: Flags) -> Result<Set, Problem> {
        let start = self.source.at() - 1;
        let open = || Problem::invalid("unterminated character set", start);
        let negative = self.source.eat('^')?;
        let mut members = Members::default();
        loop {
            let at = self.source.at();
            let this = self.source.get()?.ok_or_else(open)?;
            if this == Token::Plain(']') && !members.is_empty() {
                break;
            }
            let from = self.member(this, at)?;
            if !self.source.eat('-')? {
                members.add(from, flags);
                continue;
            }
            let to_at = self.source.at();
            let that = self.source.get()?.ok_or_else(open)?;
            if that == Token::Plain(']') {
                members.add(from, flags);
                members.add(Escape::Literal('-'.into()), flags);
                break;
            }
            let to = self.member(that, to_at)?;
            match (from, to) {
                (Escape::Literal(first), Escape::Literal(last)) if first <= last => {
                    members.runs.push((first, last));
                }
                _ => return Err(Problem::invalid("bad character range", at)),
            }
        }
        let set = members.set(flags, start)?;
        Ok(if negative { set.not() } else { set })
    }

    fn member(&mut self, token: Token, at: usize) -> Result<Escape, Problem> {
        match token {
            Token::Plain(c) => Ok(Escape::Literal(c.into())),
            Token::Escaped('b') => Ok(Escape::Literal(0x08)),
            Token::Escaped(c @ '0'..='7') => {
                let digits = c.to_string() + &self.source.run(2, |c| c.is_digit(8))?;
                match number(&digits, 8) {
                    code @ 0..=0o377 => Ok(Escape::Literal(code)),
                    _ => Err(Problem::invalid("octal escape value outside of range 0-0o377", at)),
                }
            }
            Token::Escaped(c) => self.common(c, at),
        }
    }
}

#[derive(Default)]
struct Members {
    runs: Vec<(u32, u32)>,
    categories: Option<Set>,
}

impl Members {
    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.categories.is_none()
    }

    fn add(&mut self, member: Escape, flags: Flags) {
        match member {
            Escape::Literal(code) => self.runs.push((code, code)),
            Escape::Category(kind, negative) => {
                let set = flags.category(kind, negative);
                self.categories = Some(self.categories.take().map_or(set.clone(), |all| all.or(&set)));
            }
        }
    }

    fn set(self, flags: Flags, at: usize) -> Result<Set, Problem> {
        if let (None, [first, rest @ ..]) = (&self.categories, self.runs.as_slice())
            && first.0 == first.1
            && rest.iter().all(|run| run == first)
        {
            return literal(first.0, flags, at);
        }
        for run in self.runs.iter().filter(|run| run.0 == run.1) {
            literal(run.0, flags, at)?;
        }
        let runs = Set::new(self.runs);
        Ok(unicode::class(&runs, &self.categories.unwrap_or_default(), flags.fold()))
    }
}

/// What one character matches.
///
/// In a set, CPython never finds a capital letter beyond U+FFFF where case is ignored (`_optimize_charset` of
/// `Lib/re/_compiler.py` leaves it a capital and compares lower case), and it makes sets of alternatives.
pub(super) fn literal(code: u32, flags: Flags, at: usize) -> Result<Set, Problem> {
    let fold = flags.fold();
    if fold == Fold::Unicode && code > 0xFFFF && unicode::lower(code, fold) != code {
        let what = "a capital letter beyond U+FFFF where case is ignored";
        return Err(Problem::unsupported(what, at));
    }
    Ok(unicode::literal(code, fold))
}

/// Digits that were read as such; at most eight.
fn number(digits: &str, radix: u32) -> u32 {
    u32::from_str_radix(digits, radix).unwrap_or_default()
}
