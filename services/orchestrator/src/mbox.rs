//! The mboxrd format: messages in one file, told apart by lines that begin with `From `.
//!
//! See <https://www.loc.gov/preservation/digital/formats/fdd/fdd000385.shtml> and RFC 4155. Lines end in LF, as mail
//! programs on Unix expect; a message made only of CRLF lines comes back exactly by undoing the quoting.

use jiff::{Timestamp, tz::TimeZone};

/// Writes messages of one sender and moment.
pub(crate) struct Mbox {
    separator: Vec<u8>,
}

impl Mbox {
    /// `sender` is the envelope's address, `moment` its time.
    pub(crate) fn new(sender: &str, moment: Timestamp) -> Self {
        let time = moment.to_zoned(TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y").to_string();
        Self { separator: format!("From {sender} {time}\n").into_bytes() }
    }

    /// Appends one message, an empty line behind it.
    pub(crate) fn append(&self, message: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.separator.len() + message.len() + 2);
        out.extend_from_slice(&self.separator);
        let body = message.strip_suffix(b"\n").unwrap_or(message);
        for line in body.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // `>` once more before any run of them, so that undoing it is exact.
            let marks = line.iter().take_while(|byte| **byte == b'>').count();
            if line.get(marks..).is_some_and(|unquoted| unquoted.starts_with(b"From ")) {
                out.push(b'>');
            }
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Undoes [`Mbox::append`]: splits at separators, strips one `>`, restores CRLF.
    fn read(mbox: &str, separator: &str) -> Vec<String> {
        let mut messages = Vec::new();
        let mut rest = mbox;
        while let Some(body) = rest.strip_prefix(separator) {
            let end = body.find("\n\nFrom ").map_or(body.len() - 1, |at| at + 1);
            let unquote = |line: &str| match line.strip_prefix('>') {
                Some(inner) if inner.trim_start_matches('>').starts_with("From ") => {
                    inner.to_owned() + "\r\n"
                }
                _ => line.to_owned() + "\r\n",
            };
            let (message, behind) = body.split_at(end);
            messages.push(message.lines().map(unquote).collect());
            rest = behind.strip_prefix('\n').unwrap();
        }
        assert_eq!(rest, "");
        messages
    }

    proptest! {
        #[test]
        fn every_message_comes_back(
            messages in prop::collection::vec(prop::collection::vec("(>{0,2}From )?[ -~]{0,9}|", 1..6), 1..5)
        ) {
            let messages: Vec<String> = messages.iter().map(|lines| lines.join("\r\n") + "\r\n").collect();
            let writer = Mbox::new("a@b.example", Timestamp::UNIX_EPOCH);
            let mut out = Vec::new();
            messages.iter().for_each(|message| writer.append(message.as_bytes(), &mut out));
            let separator = "From a@b.example Thu Jan  1 00:00:00 1970\n";
            prop_assert_eq!(read(std::str::from_utf8(&out).unwrap(), separator), messages);
        }
    }
}
