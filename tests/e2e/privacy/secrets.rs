//! What nobody may be told, and how it is looked for.

use std::fs;

use maily_testkit::Plan;
use maily_tests::folder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What nobody may be told.
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) addresses: Vec<String>,
    pub(crate) tokens: Vec<String>,
    names: Vec<String>,
    texts: Vec<String>,
    keys: Vec<String>,
}

impl Secrets {
    /// Everything secret or personal about the sample campaign on this stack.
    pub(crate) fn gather(plan: &Plan, report: &Value, tokens: Vec<String>) -> Self {
        let list = fs::read_to_string(folder::sample().join("subscribers.csv")).unwrap();
        let column = |n: usize| list.lines().skip(1).filter_map(move |line| line.split(',').nth(n));
        let addresses: Vec<String> = column(1).filter(|text| text.contains('@')).map(str::to_owned).collect();
        // A short or common name may be a word of something else: those that are not stand for all.
        let names = column(2).filter(|name| name.chars().count() >= 7 && !name.contains('"'));
        let names: Vec<String> = names.map(str::to_owned).collect();
        assert!(addresses.len() > 150 && names.len() > 25 && tokens.len() > 150);
        let yaml = fs::read_to_string(folder::sample().join("campaign.yaml")).unwrap();
        // The brief and the offer are folded: each line of them is a needle. So is what the model wrote.
        let folded = yaml.lines().filter(|line| line.starts_with("  ") && !line.contains(": "));
        let mut texts: Vec<String> = folded.map(|line| line.trim().to_owned()).collect();
        let brand = fs::read_to_string(folder::sample().join("brand.md")).unwrap();
        texts.extend(brand.lines().filter(|line| line.len() > 40).map(str::to_owned));
        for cohort in report["cohorts"].as_array().unwrap() {
            let copy =
                ["subject", "preheader", "body"].into_iter().filter_map(|field| cohort[field].as_str());
            texts.extend(copy.flat_map(str::lines).filter(|line| line.len() > 15).map(str::to_owned));
        }
        let s3 = fs::read_to_string(plan.s3_credentials()).unwrap();
        let s3 =
            s3.lines().filter(|line| line.starts_with("secret")).map(|line| line.split('"').nth(1).unwrap());
        let mut keys: Vec<String> = s3.map(str::to_owned).collect();
        keys.push(plan.edge_key().unwrap());
        assert!(keys.len() == 3 && texts.len() > 12);
        Self { addresses, tokens, names, texts, keys }
    }

    /// Something that a prompt may hold.
    pub(crate) fn prompt(&self) -> String {
        format!("{} {} {}", self.texts[0], self.addresses[0], self.names[0])
    }

    /// A key that is wrong, but holds the right one: also what was refused is not told.
    pub(crate) fn wrong_key(&self) -> String {
        format!("{}x", self.keys[2])
    }

    /// Asserts that none of it is in there, neither as it is nor as JSON, a URL or a header would write it.
    pub(crate) fn assert_absent(&self, bytes: &[u8], place: &str) {
        let kinds = [
            ("an address", &self.addresses),
            ("a token", &self.tokens),
            ("a name", &self.names),
            ("a prompt or copy", &self.texts),
            ("a key", &self.keys),
        ];
        for (kind, needles) in kinds {
            for needle in needles {
                for form in forms(needle) {
                    assert!(!find(bytes, form.as_bytes()), "{place} holds {kind}: {form}");
                }
            }
        }
    }
}

fn forms(needle: &str) -> Vec<String> {
    let ascii: String =
        needle.chars().map(|c| if c.is_ascii() { c.to_string() } else { unicode(c) }).collect();
    let mut forms = vec![needle.to_owned(), ascii, needle.replace('@', "%40"), needle.to_lowercase()];
    forms.sort();
    forms.dedup();
    forms
}

/// As JSON writers that keep to ASCII have it.
fn unicode(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Whether the needle is in there: by its rarest way to begin, which is fast enough for some hundred of them.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> bool {
    let (Some(first), Some(last)) = (needle.first(), needle.last()) else { return true };
    let span = needle.len() - 1;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        let at = from + at;
        match haystack.get(at + span) {
            None => return false,
            Some(byte) if byte == last && haystack[at..].starts_with(needle) => return true,
            Some(_) => from = at + 1,
        }
    }
    false
}
