//! `rails.config.email`: our own settings for the e-mail rails.

use super::{LoadError, table::Field};

/// Limits in characters, and further phrases that a subject may not press with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A subject has at least these; default 3.
    pub subject_min: usize,
    /// A subject has at most these; default 78 (RFC 5322 2.1.1: one header line).
    pub subject_max: usize,
    /// A preheader has at most these; default 140.
    pub preheader_max: usize,
    /// A body has at least these; default 1.
    pub body_min: usize,
    /// A body has at most these; default 4000.
    pub body_max: usize,
    /// Phrases in lower case.
    pub(crate) urgent: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            subject_min: 3,
            subject_max: 78,
            preheader_max: 140,
            body_min: 1,
            body_max: 4000,
            urgent: Vec::new(),
        }
    }
}

pub(crate) fn read(field: &Field<'_>) -> Result<Limits, LoadError> {
    let keys = ["subject_min", "subject_max", "preheader_max", "body_min", "body_max", "urgent_phrases"];
    let table = field.table(&keys, &[])?;
    let mut limits = Limits::default();
    for (key, field) in table.fields() {
        match key {
            "subject_min" => limits.subject_min = field.number(1, 200)?,
            "subject_max" => limits.subject_max = field.number(1, 200)?,
            "preheader_max" => limits.preheader_max = field.number(0, 500)?,
            "body_min" => limits.body_min = field.number(1, 20_000)?,
            "body_max" => limits.body_max = field.number(1, 20_000)?,
            _ => {
                for item in field.list(200)? {
                    limits.urgent.push(item.text()?.trim().to_lowercase());
                }
            }
        }
    }
    if limits.subject_min > limits.subject_max || limits.body_min > limits.body_max {
        return Err(field.error(format!("{}: a minimum is above its maximum", field.path)));
    }
    Ok(limits)
}
