//! `email check subject`: no subject that deceives (CAN-SPAM 15 U.S.C. 7704(a)(2); UCP Directive 2005/29/EC art. 6).

use std::sync::LazyLock;

use regex::Regex;

use super::facts::{Known, shouts};
use crate::text::{
    normal::{skeleton, treacherous},
    pattern::constant,
    tokens::tokens,
};

/// Marks of an answer or a forward as mail clients of many languages write them.
static REPLY: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"^(?:re|r|fwd?|forward(?:ed)?|reply|aw|antw(?:ort)?|wg|wtr|sv|svar|vs|vl|ref|rif|rv|res|enc|tr|odp|pd|",
        r"ynt|ilt|doorst|vb|va|bls|ata|sp|pr|atb|回复|回覆|答复|转发|轉寄|返信|転送|회신|전달|otb|пepecл)(?:[\[(^]?\d{0,3}[\])]?){0,1}:",
    ))
});
static REPLY_INSIDE: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?:^|[\s\[(|>])(?:re|fwd?|aw|wg)(?:[\[(]\d{1,3}[\])])?\s*:"));
static REPLY_DASH: LazyLock<Regex> = LazyLock::new(|| constant(r"^\W*(?:re|fwd?)\s+[-\u{2014}>]"));

/// What presses or frightens; refused unless the sources say it themselves.
const URGENT: &[&str] = &[
    "last chance",
    "final chance",
    "final notice",
    "final warning",
    "final reminder",
    "last warning",
    "last call",
    "act now",
    "urgent",
    "urgently",
    "immediately",
    "asap",
    "expires today",
    "expires tonight",
    "ends tonight",
    "ends today",
    "hours left",
    "only today",
    "today only",
    "don't miss out",
    "hurry",
    "running out",
    "almost gone",
    "before it's too late",
    "limited time",
    "selling fast",
    "going fast",
    "you're missing out",
    "time is running out",
    "respond now",
    "reply now",
];
/// What pretends a relation that a campaign does not have; refused whatever the sources say.
const PRETENDED: &[&str] = &[
    "action required",
    "response required",
    "your account",
    "account suspended",
    "account locked",
    "verify your",
    "confirm your account",
    "payment failed",
    "payment due",
    "payment overdue",
    "past due",
    "invoice",
    "your order",
    "order confirmation",
    "your receipt",
    "delivery failed",
    "undelivered",
    "package is waiting",
    "security alert",
    "password",
    "unusual activity",
    "you've won",
    "you won",
    "you have won",
    "congratulations you",
    "winner",
    "claim your prize",
    "as discussed",
    "as we discussed",
    "our conversation",
    "our call",
    "following up",
    "per your request",
    "you requested",
    "you asked for",
    "regarding your",
    "legal notice",
    "court",
    "tax refund",
    "refund is",
    "important notice",
    "open immediately",
    "read immediately",
    "confidential",
    "mailer daemon",
];

/// What is wrong with the subject.
pub(crate) fn check(subject: &str, known: &Known, extra_urgent: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    if !subject.chars().any(char::is_alphanumeric) {
        out.push("it is empty".to_owned());
    }
    if treacherous(subject) {
        out.push("it has a line break, a control character or an invisible one".to_owned());
    }
    if answers(subject) {
        out.push("it pretends to be an answer or a forward".to_owned());
    }
    if shouting(subject, known) {
        out.push("it shouts in capital letters or exclamation marks".to_owned());
    }
    let words = words(subject);
    let says = |phrase: &str| words.contains(&format!(" {} ", phrase.replace('\'', " ")));
    if PRETENDED.iter().any(|phrase| says(phrase)) {
        out.push("it pretends a matter between sender and reader that there is not".to_owned());
    }
    let urgent = URGENT.iter().copied().chain(extra_urgent.iter().map(String::as_str));
    if urgent.into_iter().any(|phrase| says(phrase) && !known.phrase(phrase)) {
        out.push("it claims an urgency that the brief, the offer and the brand do not".to_owned());
    }
    out
}

/// Whether the subject looks like `Re:` or `Fwd:`, whatever the case, spacing, script or decoration.
fn answers(subject: &str) -> bool {
    let skeleton = skeleton(subject);
    let compact: String =
        skeleton.chars().filter(|c| !c.is_whitespace()).skip_while(|c| !c.is_alphanumeric()).collect();
    REPLY.is_match(&compact) || REPLY_INSIDE.is_match(&skeleton) || REPLY_DASH.is_match(&skeleton)
}

/// Whether most of it is in capitals (the sources' own acronyms aside), or it ends in `!!`.
fn shouting(subject: &str, known: &Known) -> bool {
    let words: Vec<_> =
        tokens(subject).into_iter().filter(|t| t.word() && t.text.chars().count() > 1).collect();
    let loud: Vec<_> = words.iter().filter(|t| shouts(&t.text) && !known.capital(&t.text)).collect();
    let letters = |n: usize| loud.iter().map(|t| t.text.chars().count()).sum::<usize>() >= n;
    let marks = subject.chars().filter(|c| matches!(c, '!' | '！' | '¡')).count();
    marks > 1
        || subject.contains("?!")
        || subject.contains("$$")
        || (loud.len() > 2 || (loud.len() * 2 >= words.len() && letters(4)))
}

/// The words of the subject's skeleton with single spaces around each.
fn words(subject: &str) -> String {
    let mut out = String::from(" ");
    for word in skeleton(subject).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        out.push_str(word);
        out.push(' ');
    }
    out
}
