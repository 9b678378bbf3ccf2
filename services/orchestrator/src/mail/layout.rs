//! How a mail looks: the copy, and around it what only the platform may write.

use super::{FIRST_NAME, Origins, UNSUBSCRIBE_URL, headers::language, name::without, part::escape};
use crate::{
    campaign::Settings,
    copy::{Draft, one_line},
};

/// CAN-SPAM, 15 U.S.C. 7704(a)(5)(A)(i): clearly and conspicuously, so not in the small print alone.
const ADVERTISEMENT: &str = "This email is an advertisement.";

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
        locale: &str,
        draft: &Draft,
        origins: Origins,
        kind: Kind,
    ) -> Self {
        let body = body(settings, &draft.body);
        let nameless = without(&body, FIRST_NAME);
        Self {
            text_named: text(settings, &body, origins, kind),
            text_nameless: text(settings, &nameless, origins, kind),
            html_named: html(settings, locale, draft, &body, origins, kind),
            html_nameless: html(settings, locale, draft, &nameless, origins, kind),
        }
    }
}

/// The copy with a greeting and the offer, unless the copywriter slotted them in.
fn body(settings: &Settings, copy: &str) -> String {
    let copy = copy.replace("\r\n", "\n");
    // The signature below has the sender's name.
    let copy = copy.trim();
    let copy =
        copy.strip_suffix(&settings.sender.name).filter(|rest| rest.ends_with("\n\n")).unwrap_or(copy).trim();
    let first = copy.lines().next().unwrap_or_default();
    let greeted = first.contains(FIRST_NAME) && first.len() <= FIRST_NAME.len() + 16;
    let greeting = if greeted { String::new() } else { format!("Hi {FIRST_NAME},\n\n") };
    let offered = one_line(copy).contains(&one_line(&settings.offer));
    let offer = if offered { String::new() } else { format!("\n\n{}", settings.offer) };
    format!("{greeting}{copy}{offer}")
}

fn text(settings: &Settings, body: &str, origins: Origins, kind: Kind) -> String {
    let sender = &settings.sender;
    let advertisement = match kind {
        Kind::Usual => String::new(),
        Kind::Advertisement => format!("\n\n{ADVERTISEMENT}"),
    };
    let notice = origins.notice().map(|notice| format!("\n{notice}\n")).unwrap_or_default();
    format!(
        "{body}{advertisement}\n\n-- \n{}\n{}\n{}\n\nUnsubscribe: {UNSUBSCRIBE_URL}\n{notice}",
        sender.name, sender.postal_address, sender.email
    )
}

fn html(
    settings: &Settings,
    locale: &str,
    draft: &Draft,
    body: &str,
    origins: Origins,
    kind: Kind,
) -> String {
    let lang = language(locale).unwrap_or("en");
    let paragraphs: String = body.split("\n\n").map(|text| paragraph(settings, text)).collect();
    let advertisement = match kind {
        Kind::Usual => String::new(),
        Kind::Advertisement => format!("<p>{ADVERTISEMENT}</p>\n"),
    };
    let small = |text: String| format!("<p style=\"font-size:13px;color:#555\">{text}</p>\n");
    let notice = origins.notice().map(small).unwrap_or_default();
    let sender = &settings.sender;
    let address = escape(&sender.postal_address).replace('\n', "<br>\n");
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         {meta}<title>{subject}</title>\n</head>\n<body style=\"margin:0;padding:24px;font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#222\">\n\
         <span style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">{preheader}</span>\n\
         <div style=\"max-width:600px;margin:0 auto\">\n{paragraphs}{advertisement}\
         <hr style=\"border:0;border-top:1px solid #ddd\">\n<p style=\"font-size:13px;color:#555\">{name}<br>\n{address}<br>\n{email}</p>\n\
         <p style=\"font-size:13px;color:#555\"><a href=\"{UNSUBSCRIBE_URL}\">Unsubscribe</a></p>\n\
         {notice}</div>\n</body>\n</html>\n",
        meta = origins.meta(),
        subject = escape(&draft.subject),
        preheader = escape(&draft.preheader),
        name = escape(&sender.name),
        email = escape(&sender.email),
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
