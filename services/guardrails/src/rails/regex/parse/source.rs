//! A pattern as CPython's `Tokenizer` reads it: characters, and escaped ones as one.

use super::Problem;

/// A character, or one after a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Plain(char),
    Escaped(char),
}

impl Token {
    fn characters(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Escaped(_) => 2,
        }
    }
}

pub(super) struct Source {
    chars: Vec<char>,
    index: usize,
    next: Option<Token>,
}

impl Source {
    pub(super) fn new(pattern: &str) -> Result<Self, Problem> {
        let mut source = Self { chars: pattern.chars().collect(), index: 0, next: None };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<(), Problem> {
        self.next = match self.chars.get(self.index) {
            None => None,
            Some('\\') => {
                let Some(c) = self.chars.get(self.index + 1) else {
                    return Err(Problem::invalid("bad escape (end of pattern)", self.index));
                };
                Some(Token::Escaped(*c))
            }
            Some(c) => Some(Token::Plain(*c)),
        };
        self.index += self.next.map_or(0, Token::characters);
        Ok(())
    }

    /// Where the next token begins.
    pub(super) fn at(&self) -> usize {
        self.index - self.next.map_or(0, Token::characters)
    }

    pub(super) fn seek(&mut self, index: usize) -> Result<(), Problem> {
        self.index = index;
        self.advance()
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.next
    }

    pub(super) fn sees(&self, c: char) -> bool {
        self.next == Some(Token::Plain(c))
    }

    pub(super) fn get(&mut self) -> Result<Option<Token>, Problem> {
        let next = self.next;
        self.advance()?;
        Ok(next)
    }

    pub(super) fn eat(&mut self, c: char) -> Result<bool, Problem> {
        let sees = self.sees(c);
        if sees {
            self.advance()?;
        }
        Ok(sees)
    }

    /// Up to `most` characters that `wanted` says yes to.
    pub(super) fn run(&mut self, most: usize, wanted: fn(char) -> bool) -> Result<String, Problem> {
        let mut out = String::new();
        while out.len() < most {
            match self.next {
                Some(Token::Plain(c)) if wanted(c) => out.push(c),
                _ => break,
            }
            self.advance()?;
        }
        Ok(out)
    }

    /// What stands before the next `end`, which is taken too.
    pub(super) fn until(&mut self, end: char) -> Result<String, Problem> {
        let start = self.at();
        let mut out = String::new();
        loop {
            match self.get()? {
                None if out.is_empty() => return Err(Problem::invalid("missing name", start)),
                None => return Err(Problem::invalid("unterminated name", start)),
                Some(Token::Plain(c)) if c == end => break,
                Some(Token::Plain(c)) => out.push(c),
                Some(Token::Escaped(c)) => out.extend(['\\', c]),
            }
        }
        if out.is_empty() { Err(Problem::invalid("missing name", start)) } else { Ok(out) }
    }
}
