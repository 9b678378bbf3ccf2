//! Rows that try to break a message: they are that row's fault, or harmless.

use std::collections::BTreeMap;

use maily_tests::{
    folder,
    guest::Guest,
    mail::{self, Message},
    peers,
    report::{assert_balanced, assert_nothing_blocked, count},
    say,
};

use crate::stack;

/// Names that people may type, or that somebody typed for them; what a message may show of each.
const NAMES: [(&str, &str); 12] = [
    // No line ends, with which the rows would be invalid; a reader of mail may take them for such.
    ("\"Anna\rBcc: eve\"", "AnnaBcc: eve"),
    ("\"Ben\r\r<script>alert(1)</script>\"", "Ben<script>alert(1)</script>"),
    ("<b onmouseover=alert(1)>Cleo</b>", "<b onmouseover=alert(1)>Cleo</b>"),
    // What says something is no name, either.
    ("\"Anna\rBcc: eve@evil.example.org\"", "Hi,"),
    ("www.win.example - get rich", "Hi,"),
    // What is another tool's placeholder, and nothing else, is no name.
    ("{{unsubscribe_url}}", "Hi,"),
    ("{{first_name}}{{7*7}}", "Hi,"),
    ("Ida {{7*7}}", "Ida {{7*7}}"),
    ("\"Dora \"\"&amp; Co\"", "Dora \"&amp; Co"),
    ("\"From me\"", "From me"),
    ("=?UTF-8?Q?Eve?=", "=?UTF-8?Q?Eve?="),
    ("\u{202e}adA\u{200b}", "adA"),
];

#[test]
fn hostile_names_are_harmless_and_a_torn_last_row_is_invalid() {
    let stack = stack();
    let (folder, out) = (stack.path("hostile"), stack.path("hostile-out"));
    folder::copy(&folder, list());
    let outcome = stack.campaign(&folder, &out);
    let report = outcome.report(&out);
    assert_balanced(&report);
    assert_nothing_blocked(&report);
    let rows = NAMES.len() as u64 + 1;
    assert_eq!(count(&report, &["rows"]), rows + 2);
    assert_eq!(count(&report, &["written"]), rows);
    assert_eq!(count(&report, &["excluded", "invalid"]), 2);
    let (folded, torn) = (&report["invalid"][0], &report["invalid"][1]);
    assert_eq!(folded["line"], rows + 2, "{folded}");
    assert_eq!(folded["field"], "first_name", "{folded}");
    // The name before it goes over a line.
    assert_eq!(torn["line"], rows + 2 + 2, "{torn}");
    say(format_args!("the torn row: {torn}"));
    let messages = mail::by_recipient(mail::read(&out).into_values().flatten());
    let ordinary = &messages[&folder::address(NAMES.len())];
    for (n, (_, shown)) in NAMES.iter().enumerate() {
        harmless(&messages[&folder::address(n)], ordinary, shown);
        let text = &messages[&folder::address(n)].text;
        assert!(!text.contains("{{unsubscribe_url}}") && !text.contains("{{first_name}}"), "{shown}");
    }
    seen_by_python(&stack, &messages);
}

/// The same list each time: who runs it again gets what is kept.
pub(crate) fn list() -> String {
    let mut list = format!("{}\n", folder::HEADER);
    for n in 0..=NAMES.len() {
        let row = folder::row(n, "GB", "en-GB", "loyal-customers");
        let name = NAMES.get(n).map_or("Plain", |(name, _)| *name);
        list += &format!("{}\n", row.replacen(&folder::name(n), name, 1));
    }
    // A name that goes over a line end may have another row in it.
    let name = "\"Anna\r\nBcc: eve@evil.example.org\"";
    list += &folder::row(98, "GB", "en-GB", "loyal-customers").replacen(&folder::name(98), name, 1);
    // The file ends in the midst of a row.
    list + "\nP99,torn@example.org,Torn,GB,en-G"
}

/// The header section is that of an ordinary message, but for what is each message's own.
fn harmless(message: &Message, ordinary: &Message, shown: &str) {
    let names = |message: &Message| -> Vec<String> {
        let head = message.text.split("\n\n").next().unwrap();
        head.lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    };
    assert_eq!(names(message), names(ordinary), "{shown}: other headers");
    assert_eq!(message.header("Subject"), ordinary.header("Subject"));
}

/// Both parts as Python's `email` decodes them.
fn seen_by_python(stack: &Guest, messages: &BTreeMap<String, Message>) {
    for (n, (_, shown)) in NAMES.iter().enumerate() {
        let message = &messages[&folder::address(n)];
        let file = stack.path("one.eml");
        std::fs::write(&file, &message.text).unwrap();
        let said = peers::run(peers::python("parts.py").arg(&file).arg(shown), b"");
        assert!(said.ok(), "{shown}: {}", said.all());
    }
}
