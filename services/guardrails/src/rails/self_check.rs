//! `self check input` and `self check output`: what a judge's answer means.

/// What the judge said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Allowed,
    Blocked,
    /// Neither yes nor no: blocked as well.
    Unclear,
}

impl Judgement {
    /// Why the text is blocked, if it is.
    pub(crate) fn reason(self) -> Option<String> {
        match self {
            Self::Allowed => None,
            Self::Blocked => Some("the judge blocked it".to_owned()),
            Self::Unclear => Some("the judge's answer was neither yes nor no".to_owned()),
        }
    }
}

/// What may stand before the verdict.
const LEADS: [&str; 3] = ["answer", "result", "verdict"];

/// Reads the answer to "should this be blocked?" by its first two words, or the two behind a lead-in, as NeMo's
/// `is_content_safe` does. There either word may be `no` or `safe`, so that "Not safe." lets the text through; here the
/// first of them must be, and the second must not take it back.
pub(crate) fn judgement(answer: &str) -> Judgement {
    // A reasoning model thinks aloud first; what it thinks is no answer.
    let answer = answer.rsplit("</think>").next().unwrap_or(answer).to_lowercase();
    if answer.contains("<think>") {
        return Judgement::Unclear;
    }
    // Who repeats the question has not answered it: its mark is a word.
    let answer = answer.replace(['?', '\u{ff1f}'], " ? ");
    let words = answer.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '?')));
    let mut words = words.filter(|word| !word.is_empty()).peekable();
    words.next_if(|word| LEADS.contains(word));
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let blocks = |word: &str| matches!(word, "yes" | "unsafe");
    let allows = |word: &str| matches!(word, "no" | "safe");
    if blocks(first) || blocks(second) {
        return if allows(first) || allows(second) { Judgement::Unclear } else { Judgement::Blocked };
    }
    let taken_back = second == "?" || (first == "safe" && matches!(second, "no" | "not" | "never"));
    if allows(first) && !taken_back { Judgement::Allowed } else { Judgement::Unclear }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_no_allows() {
        use Judgement::{Allowed, Blocked, Unclear};
        for (answer, expected) in [
            ("No", Allowed),
            ("no.", Allowed),
            (" NO, it is fine", Allowed),
            ("Answer: No", Allowed),
            ("safe", Allowed),
            ("Safe.", Allowed),
            ("No, safe", Allowed),
            ("**Verdict:** safe", Allowed),
            ("Result: no", Allowed),
            ("<think>Yes? Hmm.</think>\nNo", Allowed),
            ("Yes", Blocked),
            ("yes!", Blocked),
            ("Well, yes", Blocked),
            ("unsafe\nS1", Blocked),
            ("Answer: yes", Blocked),
            ("", Unclear),
            ("maybe", Unclear),
            ("nope", Unclear),
            ("no yes", Unclear),
            ("I would say no", Unclear),
            ("not", Unclear),
            ("know", Unclear),
            ("<think>No", Unclear),
            ("Not safe.", Unclear),
            ("Never safe", Unclear),
            ("Hardly safe", Unclear),
            ("isnt safe", Unclear),
            ("Un-safe", Unclear),
            ("Safe? No", Unclear),
            ("Safe? Hardly.", Unclear),
            ("Safe: not at all", Unclear),
            ("Answer: not safe", Unclear),
            ("Answer: no yes", Unclear),
            ("Answer:", Unclear),
        ] {
            assert_eq!(judgement(answer), expected, "{answer:?}");
        }
    }
}
