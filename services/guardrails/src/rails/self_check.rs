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

/// Reads the answer to "should this be blocked?" as NeMo's `is_content_safe` does: one of the first two
/// words decides. Stricter in one thing: an answer that says both is unclear.
pub(crate) fn judgement(answer: &str) -> Judgement {
    // A reasoning model thinks aloud first; what it thinks is no answer.
    let answer = answer.rsplit("</think>").next().unwrap_or(answer).to_lowercase();
    if answer.contains("<think>") {
        return Judgement::Unclear;
    }
    let words: Vec<&str> = answer
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
        .take(2)
        .collect();
    let says = |list: [&str; 2]| words.iter().any(|word| list.contains(word));
    match (says(["yes", "unsafe"]), says(["no", "safe"])) {
        (true, false) => Judgement::Blocked,
        (false, true) => Judgement::Allowed,
        _ => Judgement::Unclear,
    }
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
            ("<think>Yes? Hmm.</think>\nNo", Allowed),
            ("Yes", Blocked),
            ("yes!", Blocked),
            ("Well, yes", Blocked),
            ("unsafe\nS1", Blocked),
            ("", Unclear),
            ("maybe", Unclear),
            ("nope", Unclear),
            ("no yes", Unclear),
            ("I would say no", Unclear),
            ("not", Unclear),
            ("know", Unclear),
            ("<think>No", Unclear),
        ] {
            assert_eq!(judgement(answer), expected, "{answer:?}");
        }
    }
}
