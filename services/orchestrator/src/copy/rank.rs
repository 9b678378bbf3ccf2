//! Which of several candidates reads best: points against each, counted from the words alone.
//!
//! Only an order, no rail: what may not be said is refused elsewhere. It prefers words that the brief has
//! (a small model's own additions are mostly inventions), a good length, nothing said before in the mail,
//! and speaking to the reader.

use super::{Ask, Brief, prompt, text};

/// Words with no content that could be untrue: they cost a candidate nothing.
const PLAIN: &str = "a about after again all along also always an and another any are around as ask at away back be \
    because been before best better big bit both but by can come could day do down each easy ease enjoy even ever \
    every everyone everything explore feel few find first for fresh friend from full get give go good great \
    had happy has have having hear here home hope how idea if in into inspire is it it's its join just keep \
    know let let's life like little long look lot love lovely made make many may meet moment more most much need \
    new next nice no not now of off on once one only open or other our out over own part perfect place please \
    pleasure plenty put ready really right see share simple so some soon start stay step still stop such sure take \
    tell than thank thanks that that's the their them then there these they they're thing this those through time \
    to together too try turn up us use very visit want warm was way we we'd we'll we're we've welcome well were \
    what when where whether which while who why will wish with wonderful work would you you'll you're you've your \
    yours easier easily browse choose pick discover favourite favorite bring brings learn read today's beautiful";

/// Words for readers in the third person: a mail speaks to them, not about them.
const ABOUT_READERS: &str = "customer customers guest guests reader readers subscriber subscribers supporter \
    supporters donor donors client clients user users member members regulars visitors";

/// Points against a candidate, the fewer the better. `before`: the pieces that are chosen already.
pub(super) fn points(ask: Ask, candidate: &str, brief: &Brief, before: &[String]) -> usize {
    let words = text::words(candidate);
    12 * inventions(&words, brief)
        + 5 * repeats(&words)
        + said_before(&words, before)
        + length(ask, candidate)
        + off_topic(ask, &words, brief)
        + manner(ask, candidate, &words, brief)
        + 14 * mistaken_owners(&words, brief)
}

/// Words that neither the brief nor plain English accounts for.
fn inventions(words: &[String], brief: &Brief) -> usize {
    let readers = prompt::readers(&brief.segment);
    let known: Vec<String> =
        [&brief.brand, &brief.brief, &readers].iter().flat_map(|source| text::words(source)).collect();
    let is_known = |word: &String| {
        let stem = text::stem(word);
        plain(word)
            || known.iter().any(|k| text::stem(k) == stem)
            || PLAIN.split_whitespace().any(|p| text::stem(p) == stem)
    };
    words.iter().filter(|word| !is_known(word)).count()
}

fn plain(word: &str) -> bool {
    PLAIN.split_whitespace().any(|plain| plain == word)
}

/// How often the reader is said to own what the brief calls ours: `your spring sale`.
fn mistaken_owners(words: &[String], brief: &Brief) -> usize {
    let brief = text::words(&brief.brief);
    let near = |words: &[String], at: usize| words.iter().skip(at + 1).take(3).cloned().collect::<Vec<_>>();
    let ours: Vec<String> =
        brief.iter().enumerate().filter(|(_, w)| *w == "our").flat_map(|(at, _)| near(&brief, at)).collect();
    let mistaken = |at: usize| near(words, at).iter().any(|word| !plain(word) && ours.contains(word));
    words.iter().enumerate().filter(|(at, word)| *word == "your" && mistaken(*at)).count()
}

/// Words with content that come more than once.
fn repeats(words: &[String]) -> usize {
    let content: Vec<&str> = words.iter().filter(|w| !plain(w)).map(|w| text::stem(w)).collect();
    let again = |at: usize, stem: &str| content.iter().take(at).any(|before| *before == stem);
    content.iter().enumerate().filter(|(at, stem)| again(*at, stem)).count()
}

/// Runs of four words, and words with content, that an earlier piece has.
fn said_before(words: &[String], before: &[String]) -> usize {
    let before: Vec<Vec<String>> = before.iter().map(|piece| text::words(piece)).collect();
    let runs =
        words.windows(4).filter(|run| before.iter().any(|piece| text::share_run(run, piece, 4))).count();
    let content = words
        .iter()
        .filter(|word| !plain(word))
        .filter(|word| before.iter().flatten().any(|b| text::stem(b) == text::stem(word)))
        .count();
    7 * runs + content
}

/// Half the characters beyond the length that reads well; of equals, the shorter.
fn length(ask: Ask, candidate: &str) -> usize {
    let (short, long) = ask.good_length();
    let count = candidate.chars().count();
    (short.saturating_sub(count) + count.saturating_sub(long)) / 2 + count / 20
}

/// A piece other than the invitation that has no word of the brief in it.
fn off_topic(ask: Ask, words: &[String], brief: &Brief) -> usize {
    let brief = text::words(&brief.brief);
    let about = |word: &&String| !plain(word) && brief.iter().any(|b| text::stem(b) == text::stem(word));
    if ask == Ask::Invitation || words.iter().any(|word| about(&word)) { 0 } else { 15 }
}

/// How little a candidate has in common with the others of its draw, 0 to 16: what a model says again and
/// again is what it is surest of (minimum Bayes risk decoding, over pairs of words).
pub(super) fn eccentricity(candidate: &str, draw: &[String]) -> usize {
    let pairs = |text: &str| -> Vec<[String; 2]> { text::words(text).array_windows().cloned().collect() };
    let own = pairs(candidate);
    let shared: usize = draw
        .iter()
        .map(|other| pairs(other))
        .map(|other| own.iter().filter(|pair| other.contains(pair)).count())
        .sum();
    let all = own.len() * draw.len();
    16 - (16 * shared).checked_div(all).unwrap_or(0)
}

/// How the reader is spoken to.
fn manner(ask: Ask, candidate: &str, words: &[String], brief: &Brief) -> usize {
    let has = |word: &str| words.iter().any(|w| w == word);
    let readers = text::words(&prompt::readers(&brief.segment));
    let third_person = words
        .iter()
        .filter(|w| ABOUT_READERS.split_whitespace().any(|r| r == *w) || readers.last() == Some(w))
        .count();
    let first_person =
        words.iter().filter(|w| matches!(w.as_str(), "i" | "i'm" | "i'll" | "i've" | "i'd" | "my")).count();
    let speaks = has("you") || has("your") || has("you're") || has("you'll");
    let silent = usize::from(ask == Ask::Benefit && !speaks);
    let no_invitation =
        usize::from(ask == Ask::Invitation && !words.first().is_some_and(|w| INVITES.contains(&w.as_str())));
    18 * third_person
        + 18 * first_person
        + 10 * silent
        + 12 * no_invitation
        + 3 * candidate.matches('!').count()
}

/// How an invitation begins.
const INVITES: [&str; 18] = [
    "come", "visit", "join", "see", "try", "take", "have", "find", "open", "stop", "drop", "pop", "start",
    "bring", "discover", "explore", "browse", "enjoy",
];
