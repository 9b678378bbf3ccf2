//! What a command takes from people and files: addresses, and a yes to what has no way back.

use std::{
    fs::File,
    io::{BufRead, Read as _},
    path::Path,
};

use maily_client::{DATA, Failure, USAGE, printable};
use maily_law::EmailAddress;

use crate::officer_types::MAX_LIFTED;

/// Longest line that is read; no address is longer.
const LONGEST: u64 = 1 << 10;
/// Largest file of addresses: a million and more.
const LARGEST: u64 = 64 << 20;
/// Bytes of addresses in one call, so that its body keeps within what the service takes.
const CALL: usize = 1 << 20;

/// Standard input, and whether a person sits there who can be asked.
pub(crate) struct Asked<'a> {
    pub(crate) input: &'a mut dyn BufRead,
    pub(crate) is_person: bool,
}

impl Asked<'_> {
    /// The address that an argument is, or stands for.
    pub(crate) fn address(&mut self, argument: &str) -> Result<String, Failure> {
        let address = match argument {
            "-" => self.only_line("Address: ")?,
            given => given.trim().to_owned(),
        };
        if address.is_empty() {
            return Err(Failure::new(USAGE, "the address is empty"));
        }
        check_alone(&address).map_err(|why| Failure::new(DATA, why))?;
        Ok(address)
    }

    /// Has the address typed again, unless `yes`.
    pub(crate) fn confirm(&mut self, address: &str, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !self.is_person {
            return Err(Failure::new(
                USAGE,
                "erasing has no way back and nobody can be asked: --yes says that it is meant",
            ));
        }
        let shown = printable(address);
        eprintln!("What is kept about {shown} will be erased for good; no copy or backup brings it back.");
        match self.line("Type the address again to go on: ")? == address {
            true => Ok(()),
            false => Err(Failure::new(USAGE, "that was not the same address; nothing was erased")),
        }
    }

    /// A line; where nobody sits there it has to be the only one, for whoever gives two means both.
    fn only_line(&mut self, prompt: &str) -> Result<String, Failure> {
        let line = self.line(prompt)?;
        if !self.is_person && !self.line("")?.is_empty() {
            return Err(Failure::new(
                USAGE,
                "standard input has more than one line; one command is for one person",
            ));
        }
        Ok(line)
    }

    fn line(&mut self, prompt: &str) -> Result<String, Failure> {
        if self.is_person {
            eprint!("{prompt}");
        }
        let mut line = String::new();
        let read = (&mut *self.input).take(LONGEST).read_line(&mut line);
        match read.map_err(|error| Failure::new(DATA, format_args!("standard input: {error}")))? as u64 {
            LONGEST => Err(Failure::new(DATA, "standard input: no address is that long")),
            _ => Ok(line.trim().to_owned()),
        }
    }
}

/// The addresses of a file, all of them checked before any is used: none is sent when one is wrong.
pub(crate) fn addresses(path: &Path) -> Result<Vec<String>, Failure> {
    let bad = |code: u8, what: String| Failure::new(code, format_args!("{}: {what}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| bad(USAGE, error.to_string()))?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| bad(DATA, error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(bad(DATA, format!("more than {LARGEST} bytes")));
    }
    let mut addresses = Vec::new();
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        // The line's number is said and not the line: what is not an address may be anything.
        check_alone(line).map_err(|why| bad(DATA, format!("line {number}: {why}")))?;
        EmailAddress::parse(line.trim()).map_err(|error| bad(DATA, format!("line {number}: {error}")))?;
        addresses.push(line.trim().to_owned());
    }
    if addresses.is_empty() {
        return Err(bad(DATA, "no address in it".to_owned()));
    }
    Ok(addresses)
}

/// Refuses `Ann <ann@a.example>`, of which the service could only say that its local part is none. No address that it takes
/// has a bracket in it.
fn check_alone(address: &str) -> Result<(), &'static str> {
    match address.contains(['<', '>']) {
        true => Err("write the address alone, without the name and the brackets"),
        false => Ok(()),
    }
}

/// Parts that one call each can carry.
pub(crate) fn parts(addresses: Vec<String>) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    let mut bytes = 0;
    for address in addresses {
        bytes += address.len();
        match parts.last_mut() {
            Some(part) if part.len() < MAX_LIFTED && bytes <= CALL => part.push(address),
            _ => {
                bytes = address.len();
                parts.push(vec![address]);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<T>(text: &str, is_person: bool, ask: impl FnOnce(&mut Asked<'_>) -> T) -> T {
        ask(&mut Asked { input: &mut text.as_bytes(), is_person })
    }

    #[test]
    fn an_address_may_come_from_standard_input() {
        let address = |argument: &str, text: &str| asked(text, false, |asked| asked.address(argument));
        assert_eq!(address("ann@a.example", "").unwrap(), "ann@a.example");
        assert_eq!(address("-", "ann@a.example\r\n").unwrap(), "ann@a.example");
        let two = address("-", "ann@a.example\nbob@a.example\n").unwrap_err();
        assert!(two.code == USAGE && two.to_string().contains("more than one line"), "{two}");
        for (argument, text) in [("-", ""), ("-", "\n"), (" ", "ann@a.example")] {
            let failure = address(argument, text).unwrap_err();
            assert_eq!((failure.code, failure.to_string()), (USAGE, "the address is empty".into()));
        }
        let named = address("Ann <ann@a.example>", "").unwrap_err();
        assert!(named.code == DATA && named.to_string().contains("the address alone"), "{named}");
        let endless = "a".repeat(1 << 11);
        assert_eq!(address("-", &endless).unwrap_err().code, DATA, "not a part of it");
    }

    #[test]
    fn erasing_is_confirmed_by_the_same_address_or_by_yes() {
        let confirm = |text: &str, is_person, yes| {
            asked(text, is_person, |asked| asked.confirm("ann@a.example", yes))
                .map_err(|failure| failure.code)
        };
        assert_eq!(confirm("ann@a.example\n", true, false), Ok(()));
        assert_eq!(confirm("", false, true), Ok(()));
        for (text, is_person) in
            [("bob@a.example\n", true), ("", true), ("y\n", true), ("ann@a.example\n", false)]
        {
            assert_eq!(confirm(text, is_person, false), Err(USAGE), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_checked_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &[u8]| {
            std::fs::write(file.path(), text).unwrap();
            addresses(file.path()).map_err(|failure| (failure.code, failure.to_string()))
        };
        let good = read("\u{feff}ann@a.example\r\n\n  bob@a.example".as_bytes()).unwrap();
        assert_eq!(good, ["ann@a.example", "bob@a.example"]);
        for (text, part) in [
            (&b"ann@a.example\nbob\n"[..], ": line 2: "),
            (b"Bob <bob@a.example>\n", ": line 1: write the address alone"),
            (b"\n \n", ": no address in it"),
            (b"ann@a.example\n\xff", "UTF-8"),
        ] {
            let (code, sentence) = read(text).unwrap_err();
            assert!(code == DATA && sentence.contains(part) && !sentence.contains("bob"), "{sentence}");
        }
        assert_eq!(addresses(Path::new("/absent")).unwrap_err().code, USAGE);
    }

    #[test]
    fn a_call_carries_so_many_and_so_much() {
        let many = (0..MAX_LIFTED + 1).map(|n| format!("{n}@a.example")).collect::<Vec<_>>();
        let sizes = |addresses| parts(addresses).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(many.clone()), [MAX_LIFTED, 1]);
        assert_eq!(parts(many.clone()).concat(), many);
        assert_eq!(sizes(vec!["x".repeat(CALL / 2); 5]), [2, 2, 1]);
    }
}
