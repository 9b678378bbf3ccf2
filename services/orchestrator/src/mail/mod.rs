//! The mail of a cohort: rendered once from its copy, then merged for each recipient.
//!
//! A message is RFC 5322 with text and HTML parts in quoted-printable (so every line is short and 7-bit), the
//! one-click headers of RFC 8058, the sender's postal address, and, where a model wrote something of it, a mark that says
//! so (EU AI Act art. 50(2)). Values are inserted as data: cleaned, escaped, and never looked at for placeholders again.

mod headers;
mod language;
mod layout;
mod name;
mod origin;
mod part;
mod qp;
mod sentences;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use crate::{
    campaign::{CampaignId, Settings, deceives},
    copy::Draft,
};
pub(crate) use language::Language;
use layout::{Kind, Layout};
pub(crate) use origin::Origins;
use part::Part;

/// The first name's place in copy.
pub(crate) const FIRST_NAME: &str = "{{first_name}}";
/// The unsubscribe link's place in templates.
pub(crate) const UNSUBSCRIBE_URL: &str = "{{unsubscribe_url}}";
/// RFC 8058, section 3.1.
pub(crate) const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// What a draft may not be, whatever the rails are: it could not be laid out.
pub(crate) fn flaws(draft: &Draft) -> Vec<String> {
    let mut flaws = Vec::new();
    for (field, text, longest) in [("subject", &draft.subject, 200), ("preheader", &draft.preheader, 300)] {
        if text.trim().is_empty() || text.len() > longest || text.contains(['\n', '\r']) {
            flaws.push(format!(
                "layout ({field}): is empty, longer than {longest} bytes or has several lines"
            ));
        }
        if text.contains("{{") {
            flaws.push(format!("layout ({field}): holds a placeholder"));
        }
    }
    for (field, text) in [("subject", &draft.subject), ("preheader", &draft.preheader), ("body", &draft.body)]
    {
        if let Some(why) = deceives(text) {
            flaws.push(format!("layout ({field}): {why}"));
        }
    }
    if draft.body.trim().is_empty() || draft.body.replace(FIRST_NAME, "").contains("{{") {
        flaws.push("layout (body): is empty or holds a placeholder that is not the first name".to_owned());
    }
    flaws
}

/// What is merged into a message.
pub(crate) struct Recipient<'a> {
    /// Names the recipient within the campaign.
    pub(crate) line: u64,
    pub(crate) email: &'a str,
    pub(crate) first_name: &'a str,
    /// Last segment of the unsubscribe link.
    pub(crate) token: &'a str,
    /// The message has to say that it is an advertisement.
    pub(crate) advertisement: bool,
}

/// Compliance answered what can't stand in a message; it says so before anything is sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum MergeError {
    #[error("the address of line {0} can't stand in a header")]
    Address(u64),
    #[error("the unsubscribe token of line {0} is not URL-safe")]
    Token(u64),
}

/// A cohort's mail, ready for recipients.
pub(crate) struct Template {
    campaign: CampaignId,
    domain: String,
    unsubscribe_base: String,
    /// `From`.
    before: Vec<u8>,
    /// `Subject` to the end of the header section, but for what differs, and the first boundary.
    after: Vec<u8>,
    between: Vec<u8>,
    end: Vec<u8>,
    usual: Parts,
    advertisement: Parts,
    layout: Layout,
}

struct Parts {
    text: Part,
    html: Part,
}

impl Parts {
    fn new(layout: &Layout) -> Self {
        Self {
            text: Part::new(&layout.text_named, &layout.text_nameless, part::Escape::Nothing),
            html: Part::new(&layout.html_named, &layout.html_nameless, part::Escape::Html),
        }
    }
}

impl Template {
    /// Renders the mail of one cohort, whose draft is of these `origins`, of a campaign that began at `date`.
    pub(crate) fn new(
        campaign: &CampaignId,
        settings: &Settings,
        language: Language<'_>,
        draft: &Draft,
        origins: Origins,
        date: Timestamp,
    ) -> Self {
        let layout = Layout::new(settings, language, draft, origins, Kind::Usual);
        let boundary = boundary(campaign, draft);
        let head = headers::fixed(language.locale(), draft, origins, date, &boundary);
        let part = |kind: &str| {
            format!(
                "--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            )
        };
        Self {
            campaign: campaign.clone(),
            domain: settings.sender.email.rsplit('@').next().unwrap_or_default().to_owned(),
            unsubscribe_base: settings.unsubscribe_base_url.clone(),
            before: headers::from(&settings.sender).into_bytes(),
            after: (head + &part("plain")).into_bytes(),
            between: part("html").into_bytes(),
            end: format!("--{boundary}--\r\n").into_bytes(),
            usual: Parts::new(&layout),
            advertisement: Parts::new(&Layout::new(settings, language, draft, origins, Kind::Advertisement)),
            layout,
        }
    }

    /// The text part with its placeholders, for the email rails.
    pub(crate) fn text_part(&self) -> &str {
        &self.layout.text_named
    }

    /// The HTML part with its placeholders, for the email rails.
    pub(crate) fn html_part(&self) -> &str {
        &self.layout.html_named
    }

    /// `List-Unsubscribe` with its placeholder, for the email rails.
    pub(crate) fn list_unsubscribe() -> String {
        format!("<{UNSUBSCRIBE_URL}>")
    }

    /// Appends the recipient's message.
    ///
    /// # Errors
    /// An address or token that can't stand where it has to.
    pub(crate) fn merge(&self, to: &Recipient<'_>, out: &mut Vec<u8>) -> Result<(), MergeError> {
        check(to)?;
        let url = format!("{}/u/{}", self.unsubscribe_base, to.token);
        let name = name::clean(to.first_name);
        out.extend_from_slice(&self.before);
        for text in ["To: ", to.email, "\r\nMessage-ID: <", &self.message_id(to.line), "@", &self.domain] {
            out.extend_from_slice(text.as_bytes());
        }
        for text in [">\r\nList-Unsubscribe: <", &url, ">\r\nList-Unsubscribe-Post: ", ONE_CLICK, "\r\n"] {
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&self.after);
        let parts = if to.advertisement { &self.advertisement } else { &self.usual };
        parts.text.merge(&name, &url, out);
        out.extend_from_slice(&self.between);
        parts.html.merge(&name, &url, out);
        out.extend_from_slice(&self.end);
        Ok(())
    }

    /// The length of the longest message that it can become.
    pub(crate) fn longest(&self) -> usize {
        // No name is longer when merged: its letters are of four bytes, each of which is quoted.
        let (first_name, address) = ("\u{1d4d0}".repeat(name::LONGEST), format!("{}@x", "x".repeat(318)));
        let to = Recipient {
            line: u64::MAX,
            email: &address,
            first_name: &first_name,
            token: &"x".repeat(300),
            advertisement: true,
        };
        let mut message = Vec::new();
        match self.merge(&to, &mut message) {
            Ok(()) => message.len(),
            Err(_) => usize::MAX,
        }
    }

    /// The same for the same campaign and line, so that a message sent twice would be one to its reader.
    fn message_id(&self, line: u64) -> String {
        let id = digest(&SHA256, format!("maily message 1\n{}\n{line}", self.campaign).as_bytes());
        format!("{:.32}", hex::encode(id.as_ref()))
    }
}

fn check(to: &Recipient<'_>) -> Result<(), MergeError> {
    let banned = |c: char| {
        c.is_control() || c.is_whitespace() || "<>()[],;:\\\"".contains(c) || maily_law::is_invisible(c)
    };
    // RFC 5321 has 254 octets for the path; RFC 6531 leaves that as it is.
    let fits = (3..=320).contains(&to.email.len()) && to.email.matches('@').count() == 1;
    if !fits || to.email.chars().any(banned) {
        return Err(MergeError::Address(to.line));
    }
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    match (1..=300).contains(&to.token.len()) && to.token.bytes().all(safe) {
        true => Ok(()),
        false => Err(MergeError::Token(to.line)),
    }
}

/// Can't occur in quoted-printable text, where `=` is followed by hexadecimal digits.
fn boundary(campaign: &CampaignId, draft: &Draft) -> String {
    let seed = format!("maily boundary 1\n{campaign}\n{}\n{}", draft.subject, draft.body);
    format!("=_{:.24}", hex::encode(digest(&SHA256, seed.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests;
