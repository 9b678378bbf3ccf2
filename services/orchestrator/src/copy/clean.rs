//! From what a model answers to the words that are meant, or to the reason why there are none.

use maily_law::{has_tags, reorders};

use super::{Ask, Brief, prompt, text};

/// Labels that a model puts before an answer.
const LABELS: [&str; 8] = [
    "subject line:",
    "subject:",
    "preheader:",
    "preview text:",
    "preview:",
    "email:",
    "sentence:",
    "answer:",
];

/// Beginnings and phrases that belong to another part of the mail, or to the request.
const STRAY: [&str; 12] = [
    "voice:",
    "to:",
    "dear ",
    "hi ",
    "hi,",
    "hello ",
    "hello,",
    "sure,",
    "sure!",
    "here is the ",
    "best regards",
    "spelling.",
];

/// A finished sentence or line does not end with one of these: the rest was cut off.
const UNFINISHED: &str = "a an the and or but so to of for from with at as is are be was were has have had can will would \
     could our your my their its his we i it's we're you're if when while because than";

/// Cleans one answer.
///
/// # Errors
/// What is wrong with it, as an instruction's end: `Avoid: …`.
pub(super) fn clean(ask: Ask, answer: &str, brief: &Brief) -> Result<String, &'static str> {
    let line = undress(line(answer));
    if line.is_empty() {
        return Err("an empty answer");
    }
    let (sentence, finished) = text::first_sentence(&line);
    let kept = match ask.is_line() {
        true => sentence.strip_suffix('.').unwrap_or(sentence),
        false if finished => sentence,
        false => return Err("an unfinished sentence"),
    };
    let sources =
        [brief.brand.as_str(), brief.brief.as_str(), brief.offer.as_str(), brief.sender_name.as_str()];
    let kept = capitalised(&super::spelling::settle(kept, &brief.locale, &sources));
    shape(ask, &kept)?;
    own_words(&kept, &sources)?;
    Ok(kept)
}

/// The first line that says something, after any thought that the server left in.
fn line(answer: &str) -> &str {
    let said = match answer.rsplit_once("</think>") {
        Some((_, said)) => said,
        None if answer.contains("<think>") => "",
        None => answer,
    };
    said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Without bullets, emphasis, labels and quotation marks around it.
fn undress(line: &str) -> String {
    let mut line = text::one_line(&line.replace("**", "").replace('`', ""));
    loop {
        let before = line.len();
        line = line.trim_start_matches(['-', '*', '•', '#', ' ']).to_owned();
        let label = LABELS.iter().find(|label| starts_with(&line, label));
        if let Some(rest) = label.and_then(|label| line.get(label.len()..)) {
            line = rest.trim_start().to_owned();
        }
        for (open, close) in [('"', '"'), ('\u{201c}', '\u{201d}'), ('\'', '\'')] {
            if let Some(inner) = line.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
                line = inner.trim().to_owned();
            }
        }
        if line.len() == before {
            return line;
        }
    }
}

fn starts_with(line: &str, lower: &str) -> bool {
    line.get(..lower.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower))
}

fn capitalised(line: &str) -> String {
    let mut letters = line.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Lengths, placeholders and strays.
fn shape(ask: Ask, line: &str) -> Result<(), &'static str> {
    let lower = line.to_lowercase();
    let (shortest, longest) = ask.length();
    if line.contains(['{', '}', '[', ']', '<', '>', '|', '\\', '@', '#', '_', '*']) || lower.contains("http")
    {
        return Err("placeholders, links and markup");
    }
    let turned = reorders(line) || has_tags(line);
    if turned || line.chars().any(char::is_control) || line.matches('"').count() % 2 == 1 {
        return Err("odd characters");
    }
    if STRAY.iter().any(|stray| lower.starts_with(stray)) || lower.contains("subject line") {
        return Err("greetings, labels and remarks");
    }
    let count = line.chars().count();
    if count < shortest {
        return Err("too few words");
    }
    if count > longest {
        return Err("too many words");
    }
    let words = text::words(line);
    if words.last().is_some_and(|last| UNFINISHED.split_whitespace().any(|word| word == last)) {
        return Err("an unfinished sentence");
    }
    let twice = |run: &[String], n| run.split_at_checked(n).is_some_and(|(first, then)| first == then);
    if (3..=words.len() / 2).any(|n| words.windows(2 * n).any(|run| twice(run, n))) {
        return Err("saying the same thing twice");
    }
    Ok(())
}

/// Nothing that the examples are about, unless the brief is about it too.
fn own_words(line: &str, sources: &[&str]) -> Result<(), &'static str> {
    let known: Vec<String> = sources.iter().flat_map(|source| text::words(source)).collect();
    let foreign = text::words(line)
        .iter()
        .any(|word| prompt::example_words(word) && !known.iter().any(|k| text::stem(k) == text::stem(word)));
    if foreign { Err("things that the news does not name") } else { Ok(()) }
}
