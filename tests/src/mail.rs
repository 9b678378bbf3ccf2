//! Mail folders, read apart from the code that writes them: the mboxrd format and header sections.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// One message of a mail folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its text, mboxrd quoting undone, lines ending in LF.
    pub text: String,
}

impl Message {
    /// A header's value, unfolded.
    ///
    /// # Panics
    /// There is none, or more than one.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let mut values = head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&prefix));
        let value = values.next().unwrap_or_else(|| panic!("no {name}")).to_owned();
        assert_eq!(values.next(), None, "{name} twice");
        value.split_at(prefix.len()).1.trim().to_owned()
    }

    /// The last path segment of its unsubscribe link.
    ///
    /// # Panics
    /// The header is not one link.
    #[must_use]
    pub fn token(&self) -> String {
        let link = self.header("List-Unsubscribe");
        let link = link.strip_prefix("<https://").and_then(|rest| rest.strip_suffix('>')).unwrap();
        link.rsplit_once("/u/").unwrap().1.to_owned()
    }
}

/// A mail folder as it stands, without the dates of its messages, which have to be one: that of the campaign's start.
///
/// # Panics
/// The file can't be read, or there is another date in it.
#[must_use]
pub fn undated(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let is_date = |line: &&str| line.starts_with("Date: ");
    // `From `, the sender, and the moment that `Date` has.
    let is_separator = |line: &&str| line.starts_with("From ");
    let dates: BTreeSet<&str> = text.lines().filter(is_date).collect();
    assert_eq!(dates.len(), 1, "{}: messages of several moments: {dates:?}", path.display());
    let separators: BTreeSet<&str> = text.lines().filter(is_separator).collect();
    assert_eq!(separators.len(), 1, "{}: messages of several moments: {separators:?}", path.display());
    text.lines().filter(|line| !is_date(line) && !is_separator(line)).collect::<Vec<_>>().join("\n")
}

/// Every message of a campaign's output, by its file.
///
/// # Panics
/// A file can't be read or is no mbox.
#[must_use]
pub fn read(out: &Path) -> BTreeMap<String, Vec<Message>> {
    let entries = fs::read_dir(out.join("mail")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| split(&fs::read_to_string(path).unwrap());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
}

/// Messages by their recipient.
///
/// # Panics
/// Somebody got two.
#[must_use]
pub fn by_recipient(messages: impl IntoIterator<Item = Message>) -> BTreeMap<String, Message> {
    let mut found = BTreeMap::new();
    for message in messages {
        let to = message.header("To");
        assert!(found.insert(to.clone(), message).is_none(), "{to} got two messages");
    }
    found
}

/// Splits an mboxrd file at the lines that begin with `From `.
///
/// # Panics
/// It begins with another line.
#[must_use]
pub fn split(mbox: &str) -> Vec<Message> {
    let mut messages: Vec<String> = Vec::new();
    for line in mbox.split_inclusive('\n') {
        match line.starts_with("From ") {
            true => messages.push(String::new()),
            false => messages.last_mut().expect("an mbox begins with From").push_str(unquoted(line)),
        }
    }
    // The empty line before the next separator belongs to the format.
    let whole = |text: String| Message { text: text.strip_suffix('\n').unwrap_or(&text).to_owned() };
    messages.into_iter().map(whole).collect()
}

fn unquoted(line: &str) -> &str {
    match line.strip_prefix('>') {
        Some(rest) if rest.trim_start_matches('>').starts_with("From ") => rest,
        _ => line,
    }
}
