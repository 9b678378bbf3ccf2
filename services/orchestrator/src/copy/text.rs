//! Small things about English text that cleaning, ranking and prompting share.

/// Words in lower case, in order; an apostrophe belongs to its word.
pub(super) fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace('\u{2019}', "'")
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// A word without its commonest endings: good enough to see that two words are about the same thing.
pub(super) fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    for ending in ["ing", "ies", "ed", "es", "ly", "s", "e", "y"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 3
        {
            return stem;
        }
    }
    word
}

/// All runs of white space as single spaces, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first sentence, and whether it is finished: a full stop, `!` or `?` before the end or a capital.
pub(super) fn first_sentence(text: &str) -> (&str, bool) {
    for (at, end) in text.match_indices(['.', '!', '?']) {
        let Some((sentence, rest)) = text.split_at_checked(at + end.len()) else { continue };
        let next = rest.trim_start_matches([' ', '"', '\u{201d}']).chars().next();
        if rest.is_empty() || (rest.starts_with(' ') && next.is_none_or(|c| !c.is_lowercase())) {
            return (sentence, true);
        }
    }
    (text, false)
}

/// The sentences of one line, white space around them left out.
pub(super) fn sentences(line: &str) -> Vec<&str> {
    let mut rest = line.trim();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let sentence = first_sentence(rest).0;
        out.push(sentence);
        rest = rest.strip_prefix(sentence).unwrap_or_default().trim_start();
    }
    out
}

/// As many whole sentences as fit into `limit` characters; where none does, as many whole words.
pub(super) fn shorten(line: &str, limit: usize) -> String {
    let mut kept = String::new();
    for sentence in sentences(line) {
        if kept.chars().count() + 1 + sentence.chars().count() > limit {
            break;
        }
        kept = format!("{kept} {sentence}").trim_start().to_owned();
    }
    if !kept.is_empty() || line.chars().count() <= limit {
        return if kept.is_empty() { line.to_owned() } else { kept };
    }
    let cut: String = line.chars().take(limit).collect();
    cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words).to_owned()
}

/// Whether `a` and `b` have a run of `n` words in common.
pub(super) fn share_run(a: &[String], b: &[String], n: usize) -> bool {
    a.windows(n).any(|run| b.windows(n).any(|other| run == other))
}
