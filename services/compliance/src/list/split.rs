//! Splits bytes into records: comma, double quotes, LF or CRLF (RFC 4180).
//!
//! Empty lines are no records. A lone CR is data. A quote inside an unquoted field is data; text behind a
//! closing quote makes the record malformed. Own code, because the csv crate can tell neither an unclosed quote
//! nor the line where it was opened, and buffers a field of any size.

use maily_law::COLUMNS;

use super::{ListFault, MAX_FIELD};

/// Fields kept of a record: one too many is enough to know that there are too many.
const KEPT: usize = COLUMNS.len() + 1;

/// One record; its fields are complete UTF-8 where the input is.
pub(crate) struct Record<'a> {
    /// The line where it begins, from 1.
    pub(crate) line: u64,
    /// Its fields, at most one more than there are columns.
    pub(crate) fields: Vec<&'a str>,
    /// There is text behind a closing quote.
    pub(crate) malformed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Begin,
    /// In an unquoted field.
    Plain,
    /// In a quoted field.
    Quoted,
    /// Behind a quote that closes the field, unless another follows.
    Closed,
    /// Behind a closed field and a CR, which a LF should follow.
    ClosedCr,
}

/// The state between two chunks: never more than one record.
pub(crate) struct Splitter {
    state: State,
    /// Contents of the fields that are kept.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Bytes of the field being read.
    field: usize,
    line: u64,
    row_line: u64,
    quote_line: u64,
    malformed: bool,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Begin,
            text: Vec::new(),
            ends: Vec::new(),
            field: 0,
            line: 1,
            row_line: 1,
            quote_line: 1,
            malformed: false,
        }
    }

    /// The line that the next byte is on.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Reads on, and gives every record that ends to `each`.
    pub(crate) fn push<E: From<ListFault>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for &byte in bytes {
            if self.step(byte)? {
                self.emit(&mut each)?;
            }
        }
        Ok(())
    }

    /// Ends the input; a last record without a line end counts.
    pub(crate) fn finish<E: From<ListFault>>(
        mut self,
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.state {
            State::Quoted => return Err(ListFault::Quote(self.quote_line).into()),
            State::Plain => self.strip_cr(),
            _ => {}
        }
        self.end_field();
        self.emit(&mut each)
    }

    /// Takes one byte; true where a record ends.
    fn step(&mut self, byte: u8) -> Result<bool, ListFault> {
        if byte == b'\n' {
            self.line += 1;
        }
        match (self.state, byte) {
            (State::Begin, b'"') => {
                self.state = State::Quoted;
                self.quote_line = self.line;
            }
            (State::Quoted, b'"') => self.state = State::Closed,
            (State::Closed, b'"') => self.keep(byte, State::Quoted)?,
            (State::Quoted, _) => self.keep(byte, State::Quoted)?,
            (State::Closed, b'\r') => self.state = State::ClosedCr,
            (_, b',') => self.end_field(),
            (state, b'\n') => {
                if state == State::Plain {
                    self.strip_cr();
                }
                self.end_field();
                return Ok(true);
            }
            (State::Closed | State::ClosedCr, _) => {
                self.malformed = true;
                self.keep(byte, State::Plain)?;
            }
            (State::Begin | State::Plain, _) => self.keep(byte, State::Plain)?,
        }
        Ok(false)
    }

    fn keep(&mut self, byte: u8, state: State) -> Result<(), ListFault> {
        self.state = state;
        self.field += 1;
        if self.field > MAX_FIELD {
            return Err(ListFault::Field(self.row_line));
        }
        if self.ends.len() < KEPT {
            self.text.push(byte);
        }
        Ok(())
    }

    fn strip_cr(&mut self) {
        if self.ends.len() < KEPT && self.field > 0 && self.text.last() == Some(&b'\r') {
            self.text.pop();
            self.field -= 1;
        }
    }

    fn end_field(&mut self) {
        if self.ends.len() < KEPT {
            self.ends.push(self.text.len());
        }
        self.field = 0;
        self.state = State::Begin;
    }

    fn emit<E: From<ListFault>>(
        &mut self,
        each: &mut impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let blank = self.ends.len() == 1 && self.text.is_empty();
        if !blank {
            let starts = std::iter::once(0).chain(self.ends.iter().copied());
            let fields =
                starts.zip(&self.ends).map(|(start, &end)| std::str::from_utf8(&self.text[start..end]));
            let fields = fields.collect::<Result<_, _>>().map_err(|_| ListFault::Utf8(self.row_line))?;
            each(Record { line: self.row_line, fields, malformed: self.malformed })?;
        }
        self.text.clear();
        self.ends.clear();
        self.malformed = false;
        self.row_line = self.line;
        Ok(())
    }
}
