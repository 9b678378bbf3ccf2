//! Splits bytes into records: double quotes, LF or CRLF (RFC 4180), and as separator whichever of comma, semicolon and tab
//! the header has most of.
//!
//! Records without a value are none: empty lines, and what spreadsheets leave behind the data (`;;;;`). A lone CR is data.
//! A quote inside an unquoted field is data; text behind a closing quote, other than blanks, makes the record malformed. Own
//! code, because the csv crate can tell neither an unclosed quote nor the line where it was opened, and buffers a field of any
//! size.

use super::columns::MAX_COLUMNS;
use super::{ListFault, MAX_FIELD};

/// Fields kept of a record: one too many is enough to know that there are too many, and who objects in a record may stand
/// in any of them.
const KEPT: usize = MAX_COLUMNS + 1;
/// Bytes kept of a record; fields behind are empty, and the record is malformed.
const MAX_RECORD: usize = 1 << 20;
/// A byte order mark before the header is no part of it: behind it, a quote opens a field.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What may separate fields, the usual one first.
const SEPARATORS: [u8; 3] = *b",;\t";
/// Bytes of the first record that are looked at for its separator.
const HEAD: usize = 128 << 10;

/// One record; its fields are complete UTF-8 where the input is.
pub(crate) struct Record<'a> {
    /// The line where it begins, from 1.
    pub(crate) line: u64,
    /// Its fields, at most one more than a list may have columns.
    pub(crate) fields: Vec<&'a str>,
    /// There is text behind a closing quote, or more than is kept.
    pub(crate) malformed: bool,
    /// What is not kept may have an address in it.
    pub(crate) lost: bool,
    /// What its fields were separated by.
    pub(crate) separator: char,
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
    /// Behind a closed field and blanks.
    ClosedBlank,
    /// Behind a closed field and a CR, which a LF should follow.
    ClosedCr,
}

/// What stands in the part of a record that is not kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    #[default]
    Blank,
    Text,
    /// Perhaps an address.
    Address,
}

impl Rest {
    fn of(byte: u8) -> Self {
        match byte {
            // An address has one of these, as it may be written in a link, too.
            b'@' | b'%' => Self::Address,
            byte if byte.is_ascii_whitespace() => Self::Blank,
            _ => Self::Text,
        }
    }
}

/// The state between two chunks: never more than one record.
pub(crate) struct Splitter {
    state: State,
    /// Known once the first record has ended; what came until then waits in `head`.
    separator: Option<u8>,
    head: Head,
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
    /// No more of this record is kept: its last field may end within a character.
    cut: bool,
    rest: Rest,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Begin,
            separator: None,
            head: Head::default(),
            text: Vec::new(),
            ends: Vec::new(),
            field: 0,
            line: 1,
            row_line: 1,
            quote_line: 1,
            malformed: false,
            cut: false,
            rest: Rest::default(),
        }
    }

    /// The line that the next byte is on.
    pub(crate) fn line(&self) -> u64 {
        self.line + self.head.lines
    }

    /// Reads on, and gives every record that ends to `each`.
    pub(crate) fn push<E: From<ListFault>>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.separator.is_some() {
            return self.split(bytes, &mut each);
        }
        match self.head.push(bytes) {
            true => self.settle(&mut each),
            false => Ok(()),
        }
    }

    /// Decides on the separator and reads what waited for it.
    fn settle<E: From<ListFault>>(
        &mut self,
        each: &mut impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let head = std::mem::take(&mut self.head);
        self.separator = Some(separator(head.bytes.get(head.begin..head.at).unwrap_or_default()));
        self.split(&head.bytes, each)
    }

    fn split<E: From<ListFault>>(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for &byte in bytes {
            if self.step(byte)? {
                self.emit(each)?;
            }
        }
        Ok(())
    }

    /// Ends the input; a last record without a line end counts.
    pub(crate) fn finish<E: From<ListFault>>(
        mut self,
        mut each: impl FnMut(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.separator.is_none() {
            self.settle(&mut each)?;
        }
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
            (State::Closed | State::ClosedBlank, b'\r') => self.state = State::ClosedCr,
            (_, byte) if Some(byte) == self.separator => self.end_field(),
            (State::Closed | State::ClosedBlank, b' ' | b'\t') => self.state = State::ClosedBlank,
            (state, b'\n') => {
                if state == State::Plain {
                    self.strip_cr();
                }
                self.end_field();
                return Ok(true);
            }
            (State::Closed | State::ClosedBlank | State::ClosedCr, _) => {
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
        if self.text.len() >= MAX_RECORD && !self.cut {
            self.malformed = true;
            self.cut = true;
            // The end of an address in the field that is cut.
            let begin = self.ends.last().copied().unwrap_or_default();
            let torn = self.text.get(begin..).unwrap_or_default();
            if torn.iter().any(|byte| Rest::of(*byte) == Rest::Address) {
                self.rest = Rest::Address;
            }
        }
        if self.ends.len() < KEPT && !self.cut {
            self.text.push(byte);
        } else {
            self.rest = self.rest.max(Rest::of(byte));
        }
        Ok(())
    }

    fn strip_cr(&mut self) {
        if self.ends.len() < KEPT && !self.cut && self.field > 0 && self.text.last() == Some(&b'\r') {
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
        if self.cut {
            self.drop_torn();
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let fields = starts
            .zip(&self.ends)
            .map(|(start, &end)| std::str::from_utf8(self.text.get(start..end)?).ok())
            .collect::<Option<Vec<&str>>>()
            .ok_or(ListFault::Utf8(self.row_line))?;
        if self.rest > Rest::Blank || fields.iter().any(|field| !field.trim().is_empty()) {
            let separator = char::from(self.separator.unwrap_or(b','));
            let (line, malformed, lost) = (self.row_line, self.malformed, self.rest == Rest::Address);
            each(Record { line, fields, malformed, lost, separator })?;
        }
        self.text.clear();
        self.ends.clear();
        (self.malformed, self.cut, self.rest) = (false, false, Rest::Blank);
        self.row_line = self.line;
        Ok(())
    }

    /// Drops a character that was cut off at the end of what is kept.
    fn drop_torn(&mut self) {
        if let Err(error) = std::str::from_utf8(&self.text)
            && error.error_len().is_none()
        {
            let whole = error.valid_up_to();
            self.text.truncate(whole);
            self.ends.iter_mut().for_each(|end| *end = (*end).min(whole));
        }
    }
}

/// The first record that has a value, while it arrives.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    lines: u64,
    /// Where the record begins, and how far it was looked through.
    begin: usize,
    at: usize,
    quoted: bool,
}

impl Head {
    /// Takes more; whether the record has ended or is longer than is waited for.
    fn push(&mut self, bytes: &[u8]) -> bool {
        self.bytes.extend_from_slice(bytes);
        bytes.iter().for_each(|byte| self.lines += u64::from(*byte == b'\n'));
        if self.at == 0 {
            while self.bytes.starts_with(MARK) {
                self.bytes.drain(..MARK.len());
            }
            if MARK.starts_with(&self.bytes) {
                // It may still become one.
                return false;
            }
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            self.quoted ^= byte == b'"';
            if byte == b'\n' && !self.quoted {
                let record = self.bytes.get(self.begin..self.at).unwrap_or_default();
                if !is_blank(record) {
                    return true;
                }
                self.begin = self.at + 1;
            }
            self.at += 1;
        }
        self.bytes.len() >= HEAD
    }
}

/// Whether a record, whatever separates its fields, has nothing but what may stand around values.
fn is_blank(record: &[u8]) -> bool {
    let around = |c: char| c.is_whitespace() || c == '"' || SEPARATORS.map(char::from).contains(&c);
    std::str::from_utf8(record).is_ok_and(|record| record.chars().all(around))
}

/// What a header has most of, outside of quotes.
fn separator(header: &[u8]) -> u8 {
    let mut counts = SEPARATORS.map(|separator| (separator, 0_usize));
    let mut quoted = false;
    for &byte in header {
        quoted ^= byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(*separator == byte && !quoted);
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(separator, _)| *separator)
}
