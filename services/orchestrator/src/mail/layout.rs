//! How a mail looks: the copy, and around it what only the platform may write.

use super::{FIRST_NAME, Language, Origins, UNSUBSCRIBE_URL, name::without, part::escape};
use crate::{
    campaign::Settings,
    copy::{Draft, one_line},
};

/// What the law of the recipient wants said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Usual,
    /// That it is an advertisement.
    Advertisement,
}

/// The parts of a mail with their placeholders, for recipients with a name and without.
pub(crate) struct Layout {
    pub(crate) text_named: String,
    pub(crate) text_nameless: String,
    pub(crate) html_named: String,
    pub(crate) html_nameless: String,
}

impl Layout {
    pub(crate) fn new(
        settings: &Settings,
        language: Language<'_>,
        draft: &Draft,
        origins: Origins,
        kind: Kind,
    ) -> Self {
        let body = body(settings, language, &draft.body);
        let nameless = nameless(language, &body);
        Self {
            text_named: text(settings, language, &body, origins, kind),
            text_nameless: text(settings, language, &nameless, origins, kind),
            html_named: html(settings, language, draft, &body, origins, kind),
            html_nameless: html(settings, language, draft, &nameless, origins, kind),
        }
    }
}

/// The greeting has its own form without a name: not every language just leaves the name out.
fn nameless(language: Language<'_>, body: &str) -> String {
    match body.strip_prefix(language.sentences.greeting) {
        Some(rest) => format!("{}{}", language.sentences.nameless, without(rest, FIRST_NAME)),
        None => without(body, FIRST_NAME),
    }
}

/// The copy with a greeting and the offer, unless the copywriter slotted them in.
fn body(settings: &Settings, language: Language<'_>, copy: &str) -> String {
    let copy = copy.replace("\r\n", "\n");
    // The signature below has the sender's name.
    let copy = copy.trim();
    let copy =
        copy.strip_suffix(&settings.sender.name).filter(|rest| rest.ends_with("\n\n")).unwrap_or(copy).trim();
    let first = copy.lines().next().unwrap_or_default();
    let own = language.sentences.greeting;
    let greeted = first == own || (first.contains(FIRST_NAME) && first.len() <= FIRST_NAME.len() + 16);
    let greeting = if greeted { String::new() } else { format!("{own}\n\n") };
    let offered = one_line(copy).contains(&one_line(&settings.offer));
    let offer = if offered { String::new() } else { format!("\n\n{}", settings.offer) };
    format!("{greeting}{copy}{offer}")
}

fn text(settings: &Settings, language: Language<'_>, body: &str, origins: Origins, kind: Kind) -> String {
    let (sender, words) = (&settings.sender, language.sentences);
    let advertisement = match kind {
        Kind::Usual => String::new(),
        Kind::Advertisement => format!("\n\n{}", words.advertisement),
    };
    let notice = origins.notice(words).map(|notice| format!("\n{notice}\n")).unwrap_or_default();
    format!(
        "{body}{advertisement}\n\n-- \n{}\n{}\n{}\n\n{}: {UNSUBSCRIBE_URL}\n{notice}",
        sender.name, sender.postal_address, sender.email, words.unsubscribe
    )
}

fn html(
    settings: &Settings,
    language: Language<'_>,
    draft: &Draft,
    body: &str,
    origins: Origins,
    kind: Kind,
) -> String {
    let (lang, words) = (language.tag(), language.sentences);
    let paragraphs: String = body.split("\n\n").map(|text| paragraph(settings, text)).collect();
    let advertisement = match kind {
        Kind::Usual => String::new(),
        Kind::Advertisement => format!("<p>{}</p>\n", escape(words.advertisement)),
    };
    let small = |text: String| format!("<p style=\"font-size:13px;color:#555\">{}</p>\n", escape(&text));
    let notice = origins.notice(words).map(small).unwrap_or_default();
    let sender = &settings.sender;
    let address = escape(&sender.postal_address).replace('\n', "<br>\n");
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         {meta}<title>{subject}</title>\n</head>\n<body style=\"margin:0;padding:24px;font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#222\">\n\
         <span style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">{preheader}</span>\n\
         <div style=\"max-width:600px;margin:0 auto\">\n{paragraphs}{advertisement}\
         <hr style=\"border:0;border-top:1px solid #ddd\">\n<p style=\"font-size:13px;color:#555\">{name}<br>\n{address}<br>\n{email}</p>\n\
         <p style=\"font-size:13px;color:#555\"><a href=\"{UNSUBSCRIBE_URL}\">{unsubscribe}</a></p>\n\
         {notice}</div>\n</body>\n</html>\n",
        meta = origins.meta(),
        subject = escape(&draft.subject),
        preheader = escape(&draft.preheader),
        name = escape(&sender.name),
        email = escape(&sender.email),
        unsubscribe = escape(words.unsubscribe),
    )
}

fn paragraph(settings: &Settings, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let style = match one_line(text) == one_line(&settings.offer) {
        true => " style=\"padding:12px 16px;background:#f4f4f0;font-weight:bold\"",
        false => "",
    };
    format!("<p{style}>{}</p>\n", escape(text).replace('\n', "<br>\n"))
}
