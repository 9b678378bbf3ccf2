//! The rails: what each flow of a configuration does to a text.
//!
//! Everything here is pure; only the two self checks ask a model, and their outcome is handed in.

pub mod facts;
pub(crate) mod length;
pub(crate) mod personal_data;
pub(crate) mod regex;
pub(crate) mod self_check;
pub(crate) mod sender;
pub(crate) mod subject;
pub(crate) mod unsubscribe;

use std::fmt;

pub use facts::Sources;

/// The part of a draft that a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The subject line.
    Subject,
    /// The preview line that mail clients show after the subject.
    Preheader,
    /// What the model wrote as the message.
    Body,
}

impl Piece {
    /// As violations name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::Body => "body",
        }
    }
}

/// A whole e-mail before recipients are merged in.
#[derive(Clone, Default)]
pub struct Email {
    /// The subject line.
    pub subject: String,
    /// The preview line.
    pub preheader: String,
    /// What the model wrote, with `{{first_name}}` as the one placeholder.
    pub body: String,
    /// The plain text as it will be sent, with `{{first_name}}` and `{{unsubscribe_url}}`.
    pub text_part: String,
    /// The HTML as it will be sent, with the same placeholders.
    pub html_part: String,
    /// The display name of `From:`.
    pub from_name: String,
    /// The address of `From:`.
    pub from_email: String,
    /// The sender's postal address (CAN-SPAM 15 U.S.C. 7704(a)(5)(A)(iii)).
    pub postal_address: String,
    /// The value of `List-Unsubscribe:` (RFC 2369), with `{{unsubscribe_url}}`.
    pub list_unsubscribe: String,
    /// The value of `List-Unsubscribe-Post:` (RFC 8058).
    pub list_unsubscribe_post: String,
}

impl Email {
    /// The pieces that a model wrote.
    pub(crate) fn pieces(&self) -> [(Piece, &str); 3] {
        [(Piece::Subject, &self.subject), (Piece::Preheader, &self.preheader), (Piece::Body, &self.body)]
    }
}

/// Why a rail said no.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    /// The flow's name as the configuration has it.
    pub rail: &'static str,
    /// `subject`, `preheader`, `body`, `email` or `input`.
    pub field: &'static str,
    /// One sentence that quotes nothing of the text but words of the rail's own lists.
    pub reason: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.field, self.rail, self.reason)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
