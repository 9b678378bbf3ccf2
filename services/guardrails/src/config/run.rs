//! The rails of a configuration on a text: one after another as it lists them, up to the first that says no.
//!
//! NeMo's flows `stop` there (`library/*/flows.co`), and more than time depends on it: what a pattern forbids, a card
//! number say, must not be handed to the model of a later self check.

use std::borrow::Cow;

use super::{Config, Flow};
use crate::{
    rails::{
        Email, Piece, Sources, Violation,
        facts::{self, Known},
        length, personal_data,
        regex::{Budget, HIDES},
        sender, subject, unsubscribe,
    },
    text::{
        hidden::hides,
        html::{self, Seen},
    },
};

/// What is judged.
pub(crate) enum Check {
    /// Texts that a model would be shown. Each input rail judges all of them before the next rail judges any.
    Input {
        texts: Vec<String>,
        /// What patterns judge, too: texts that the model reads one behind the other, as one text. The first of them,
        /// all as one, is put before a self check as well.
        together: Vec<String>,
    },
    /// What a chat's model answered, which is no e-mail.
    Answer(String),
    /// A piece of an e-mail, by those output rails that can judge one by itself.
    Piece { piece: Piece, text: String, sources: Sources },
    /// A whole e-mail.
    Email { email: Box<Email>, sources: Sources },
}

/// How far the rails came.
pub(crate) enum Progress {
    /// No rail is left.
    Passed,
    /// What the first rail that said no has against it.
    Refused(Vec<Violation>),
    /// All rails before this one have passed it, and this one asks a model.
    Asks { at: usize, flow: Flow },
}

impl Check {
    /// What a self check puts before its model, each by itself.
    pub(crate) fn texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Input { texts, together } => {
                // What no turn says by itself they may say one behind the other.
                texts.iter().chain(together.first()).map(|text| Cow::Borrowed(text.as_str())).collect()
            }
            Self::Answer(text) | Self::Piece { text, .. } => vec![Cow::Borrowed(text.as_str())],
            Self::Email { email, .. } => {
                let Email { subject, preheader, body, .. } = &**email;
                vec![Cow::Owned(format!("Subject: {subject}\n\n{preheader}\n\n{body}"))]
            }
        }
    }

    /// What a self check has against it.
    pub(crate) fn refused(&self, flow: Flow, reason: String) -> Vec<Violation> {
        let field = match self {
            Self::Input { .. } => "input",
            Self::Answer(_) => Piece::Body.name(),
            Self::Piece { piece, .. } => piece.name(),
            Self::Email { .. } => "email",
        };
        violations(flow, field, [reason])
    }
}

impl Config {
    /// Runs the rails from number `from` on: up to the first that says no, or to one that asks a model.
    ///
    /// Patterns of one direction are one rail, so that all that a check tries has one budget.
    pub(crate) fn run(&self, check: &Check, from: usize) -> Progress {
        let budget = Budget::default();
        match check {
            Check::Input { texts, together } => {
                // Not only patterns: neither must the model of a self check read it.
                if from == 0 && texts.iter().any(|text| hides(text)) {
                    return self.input.first().map_or(Progress::Passed, |flow| {
                        Progress::Refused(violations(*flow, "input", [HIDES.to_owned()]))
                    });
                }
                let all = || texts.iter().chain(together);
                first(&self.input, from, |flow| self.on_input(flow, all(), &budget))
            }
            Check::Answer(text) => first(&self.output, from, |flow| self.on_answer(flow, text, &budget)),
            Check::Piece { piece, text, sources } => {
                let known = Known::new(sources);
                first(&self.output, from, |flow| {
                    violations(flow, piece.name(), self.on_piece(flow, *piece, text, &known, &budget))
                })
            }
            Check::Email { email, sources } => {
                let known = Known::new(sources);
                let html = html::seen(&email.html_part);
                first(&self.output, from, |flow| self.on_email(flow, email, &html, sources, &known, &budget))
            }
        }
    }

    /// Runs the rails without a model: a self check says no.
    pub(super) fn without_model(&self, check: &Check) -> Vec<Violation> {
        match self.run(check, 0) {
            Progress::Passed => Vec::new(),
            Progress::Refused(violations) => violations,
            Progress::Asks { flow, .. } => {
                check.refused(flow, "it needs a model and was run without one".to_owned())
            }
        }
    }

    fn on_input<'a>(
        &self,
        flow: Flow,
        mut texts: impl Iterator<Item = &'a String>,
        budget: &Budget,
    ) -> Vec<Violation> {
        let reason = match flow {
            Flow::RegexCheckInput => texts.find_map(|text| self.input_patterns.check(text, budget)),
            other => Some(format!("`{}` is no input rail", other.name())),
        };
        violations(flow, "input", reason)
    }

    fn on_answer(&self, flow: Flow, text: &str, budget: &Budget) -> Vec<Violation> {
        let reasons = match flow {
            Flow::RegexCheckOutput => self.output_patterns.check(text, budget).into_iter().collect(),
            Flow::PersonalData => personal_data::piece(text),
            Flow::Length => length::check(Piece::Body, text, &self.limits).into_iter().collect(),
            // A rail that a message alone can't satisfy blocks it.
            other => vec![format!("`{}` can only judge an e-mail, by gRPC", other.name())],
        };
        violations(flow, Piece::Body.name(), reasons)
    }

    /// What a flow that needs no whole e-mail has against a piece.
    fn on_piece(&self, flow: Flow, piece: Piece, text: &str, known: &Known, budget: &Budget) -> Vec<String> {
        match flow {
            Flow::RegexCheckOutput => self.output_patterns.check(text, budget).into_iter().collect(),
            Flow::Subject if piece == Piece::Subject => subject::check(text, known, &self.limits.urgent),
            Flow::PersonalData => personal_data::piece(text),
            Flow::Length => length::check(piece, text, &self.limits).into_iter().collect(),
            Flow::Facts => facts::check(text, known),
            _ => Vec::new(),
        }
    }

    /// What a flow has against the pieces, and then against the mail around them.
    fn on_email(
        &self,
        flow: Flow,
        email: &Email,
        html: &Seen,
        sources: &Sources,
        known: &Known,
        budget: &Budget,
    ) -> Vec<Violation> {
        let pieces = email.pieces().into_iter();
        let mut out: Vec<_> = pieces
            .flat_map(|(piece, text)| {
                violations(flow, piece.name(), self.on_piece(flow, piece, text, known, budget))
            })
            .collect();
        let whole: Vec<String> = match flow {
            Flow::RegexCheckOutput => {
                let parts = [&email.text_part, &html.text].into_iter();
                parts.filter_map(|text| self.output_patterns.check(text, budget)).collect()
            }
            Flow::Unsubscribe => unsubscribe::check(email, html),
            Flow::Sender => sender::check(email, sources, html),
            Flow::PersonalData => personal_data::parts(email, html),
            _ => Vec::new(),
        };
        out.extend(violations(flow, "email", whole));
        out
    }
}

/// Runs rails that need no model until one says no.
fn first(flows: &[Flow], from: usize, judge: impl Fn(Flow) -> Vec<Violation>) -> Progress {
    for (at, flow) in flows.iter().copied().enumerate().skip(from) {
        if flow.asks_a_model() {
            return Progress::Asks { at, flow };
        }
        let found = judge(flow);
        if !found.is_empty() {
            return Progress::Refused(found);
        }
    }
    Progress::Passed
}

fn violations(flow: Flow, field: &'static str, reasons: impl IntoIterator<Item = String>) -> Vec<Violation> {
    reasons.into_iter().map(|reason| Violation { rail: flow.name(), field, reason }).collect()
}
