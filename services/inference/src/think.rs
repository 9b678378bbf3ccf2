//! Keeps a reasoning model's `<think>…</think>` apart from what it says, in a stream cut at any place.
//!
//! DeepSeek R1 and its distills think aloud first. Some of their chat templates end the prompt with `<think>`,
//! so that the answer begins inside of the thought without an opening tag; and a token may end in the middle
//! of a tag. Whatever the cuts, the pieces given out are the same text.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Text, sorted into what is said and what is thought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// Meant for the reader.
    pub content: String,
    /// The model's reasoning.
    pub reasoning: String,
}

/// Sorts one answer as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct ThinkFilter {
    inside: bool,
    /// A thought was seen, so that blank space before the first word of content belongs to it.
    thought: bool,
    /// A word of content was given out.
    said: bool,
    /// What may still turn out to be the start of a tag.
    held: String,
    /// Blank space before the first word: content, unless a thought follows.
    blank: String,
}

impl ThinkFilter {
    /// `inside`: the prompt ends with an opened thought.
    pub(crate) fn new(inside: bool) -> Self {
        Self { inside, thought: inside, said: false, held: String::new(), blank: String::new() }
    }

    /// Whether a prompt leaves the model inside of a thought.
    pub(crate) fn opened_by(prompt: &str) -> bool {
        prompt.trim_end().ends_with(OPEN)
    }

    /// Ends the thought that a prompt leaves open, for an answer that must obey a schema from its first token: it would
    /// all be taken for thought.
    pub(crate) fn close(prompt: &mut String) {
        if Self::opened_by(prompt) {
            prompt.truncate(prompt.trim_end().len());
            prompt.push_str("\n\n</think>\n\n");
        }
    }

    /// Takes the next text and gives out what is certain.
    pub(crate) fn push(&mut self, text: &str) -> Pieces {
        self.held.push_str(text);
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        let mut pieces = Pieces::default();
        while let Some((before, tag, behind)) = self.next_tag(rest) {
            self.sort(before, &mut pieces);
            self.cross(tag);
            rest = behind;
        }
        let possible = self.possible_tag(rest);
        self.sort(rest.strip_suffix(possible).unwrap_or(rest), &mut pieces);
        self.held.push_str(possible);
        pieces
    }

    /// Ends the answer: the last pieces, and whether a thought was left open.
    pub(crate) fn finish(mut self) -> (Pieces, bool) {
        let mut pieces = Pieces::default();
        let held = std::mem::take(&mut self.held);
        self.sort(&held, &mut pieces);
        if !self.thought {
            pieces.content.insert_str(0, &self.blank); // a blank answer is an answer
        }
        (pieces, self.inside)
    }

    /// The tags that mean something here. A closing tag outside of a thought is noise, and dropped.
    fn tags(&self) -> &'static [&'static str] {
        if self.inside { &[CLOSE] } else { &[OPEN, CLOSE] }
    }

    /// What stands before the first tag, the tag, and what stands behind it.
    fn next_tag<'a>(&self, text: &'a str) -> Option<(&'a str, &'static str, &'a str)> {
        let around = |tag: &'static str| text.split_once(tag).map(|(before, behind)| (before, tag, behind));
        self.tags().iter().copied().filter_map(around).min_by_key(|(before, ..)| before.len())
    }

    /// The longest end of `text` that may be the beginning of a tag.
    fn possible_tag(&self, text: &str) -> &'static str {
        let ends = |tag: &'static str| {
            let mut begins = (1..tag.len()).rev().filter_map(|length| tag.get(..length));
            begins.find(|begin| text.ends_with(begin))
        };
        self.tags().iter().copied().filter_map(ends).max_by_key(|begin| begin.len()).unwrap_or_default()
    }

    fn cross(&mut self, tag: &str) {
        self.inside = tag == OPEN;
        self.thought = true;
        self.blank.clear();
    }

    fn sort(&mut self, text: &str, pieces: &mut Pieces) {
        if self.inside {
            pieces.reasoning.push_str(text);
        } else if self.said {
            pieces.content.push_str(text);
        } else {
            self.first_words(text, pieces);
        }
    }

    fn first_words(&mut self, text: &str, pieces: &mut Pieces) {
        self.blank.push_str(text);
        let start = if self.thought { self.blank.trim_start() } else { self.blank.as_str() };
        if !start.trim().is_empty() {
            pieces.content.push_str(start);
            self.said = true;
            self.blank.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (answer, prompt ends inside of a thought, content, reasoning, left open)
    const CASES: &[(&str, bool, &str, &str, bool)] = &[
        ("Hello <b>there</b>", false, "Hello <b>there</b>", "", false),
        ("<think>\nwhy\n</think>\n\nHello", false, "Hello", "\nwhy\n", false),
        ("why</think> Hello", true, "Hello", "why", false),
        ("\n<think>a</think>b<think>c</think> d", false, "b d", "ac", false),
        ("<think>never closed", false, "", "never closed", true),
        ("<think>cut in the tag</thi", false, "", "cut in the tag</thi", true),
        ("still thinking", true, "", "still thinking", true),
        ("a < b, <thin> and <<think>x</think>", false, "a < b, <thin> and <", "x", false),
        ("<think>a </ b </thin> c</think>é", false, "é", "a </ b </thin> c", false),
        ("<think>a<think>b</think>c", false, "c", "a<think>b", false),
        ("stray</think> end<", false, "stray end<", "", false),
        ("  two spaces first", false, "  two spaces first", "", false),
        (" \n", false, " \n", "", false),
        ("<think></think>", false, "", "", false),
        ("", false, "", "", false),
    ];

    fn run(parts: &[&str], inside: bool) -> (Pieces, bool) {
        let mut filter = ThinkFilter::new(inside);
        let mut all = Pieces::default();
        let add = |pieces: Pieces, all: &mut Pieces| {
            all.content.push_str(&pieces.content);
            all.reasoning.push_str(&pieces.reasoning);
        };
        for part in parts {
            let pieces = filter.push(part);
            add(pieces, &mut all);
        }
        let (pieces, open) = filter.finish();
        add(pieces, &mut all);
        (all, open)
    }

    #[test]
    fn every_pair_of_cuts_gives_the_same_text() {
        for &(answer, inside, content, reasoning, open) in CASES {
            let wanted = (Pieces { content: content.into(), reasoning: reasoning.into() }, open);
            let cuts: Vec<usize> = (0..=answer.len()).filter(|&at| answer.is_char_boundary(at)).collect();
            for &first in &cuts {
                for &second in cuts.iter().filter(|&&at| at >= first) {
                    let (begin, end) = answer.split_at(second);
                    let (begin, middle) = begin.split_at(first);
                    let parts = [begin, middle, end];
                    assert_eq!(run(&parts, inside), wanted, "{parts:?}");
                }
            }
        }
    }

    #[test]
    fn character_by_character_gives_the_same_text() {
        for &(answer, inside, content, reasoning, open) in CASES {
            let wanted = (Pieces { content: content.into(), reasoning: reasoning.into() }, open);
            let parts: Vec<&str> = answer.split_inclusive(|_: char| true).collect();
            assert_eq!(run(&parts, inside), wanted, "{answer:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_tag_is_given_out_at_once() {
        let mut filter = ThinkFilter::new(false);
        assert_eq!(filter.push("Hello <").content, "Hello ");
        assert_eq!(filter.push("b").content, "<b");
    }

    #[test]
    fn a_prompt_may_open_the_thought() {
        assert!(ThinkFilter::opened_by("<|Assistant|><think>\n"));
        assert!(!ThinkFilter::opened_by("<|im_start|>assistant\n"));
        let mut prompt = "<|Assistant|><think>\n".to_owned();
        ThinkFilter::close(&mut prompt);
        assert_eq!(prompt, "<|Assistant|><think>\n\n</think>\n\n");
        assert!(!ThinkFilter::opened_by(&prompt));
        let mut plain = "<|im_start|>assistant\n".to_owned();
        ThinkFilter::close(&mut plain);
        assert_eq!(plain, "<|im_start|>assistant\n");
    }
}
