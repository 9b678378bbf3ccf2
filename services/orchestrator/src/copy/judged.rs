//! What the input rails let through: nothing else is put before the model.
//!
//! Each text of a campaign is judged under its name, so that a report can say which one is refused, and then each
//! request as the model reads it: what is harmless in two texts may not be so where they stand together. A
//! [`Chat`](super::Chat) is made around a [`Judged`] request, and only the rails make one of those.

use super::{Brief, CopyError, Rails, prompt, text};

/// A text that the input rails have nothing against.
pub(super) struct Judged(String);

impl Judged {
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Puts a text before the input rails; what they have against it where they refuse it.
///
/// # Errors
/// As [`Rails::input`].
pub(super) async fn judge(text: String, rails: &impl Rails) -> Result<Result<Judged, String>, CopyError> {
    let wrong = rails.input(&text).await?;
    Ok(if wrong.is_empty() { Ok(Judged(text)) } else { Err(wrong.join("; ")) })
}

/// A text that requests are made of, or that mails are, which a judge's model reads.
struct Source {
    /// What a report calls it.
    name: &'static str,
    /// As it is written, and as a request has it: white space and marks may part words there that here stand together.
    forms: Vec<String>,
}

impl Source {
    fn new(name: &'static str, written: &str, asked: String) -> Self {
        let mut forms = vec![written.to_owned(), asked];
        // A blank text says nothing.
        forms.retain(|form| !form.trim().is_empty());
        forms.dedup();
        Self { name, forms }
    }
}

impl Brief {
    /// Which text of the whole campaign the input rails refuse, and why: no cohort may be written then.
    ///
    /// # Errors
    /// As [`Rails::input`].
    pub(crate) async fn campaign_refused(&self, rails: &impl Rails) -> Result<Option<String>, CopyError> {
        let sources = [
            Source::new("brief", &self.brief, text::one_line(&self.brief)),
            Source::new("offer", &self.offer, text::one_line(&self.offer)),
            Source::new("brand", &self.brand, text::one_line(&self.brand)),
            Source::new("sender name", &self.sender_name, text::one_line(&self.sender_name)),
            Source::new("brand voice", &self.voice, prompt::voice(&self.voice)),
        ];
        first_refused(&sources, rails).await
    }

    /// Which text of the cohort's own, which comes from the subscriber list, the input rails refuse, and why.
    ///
    /// # Errors
    /// As [`Rails::input`].
    pub(crate) async fn cohort_refused(&self, rails: &impl Rails) -> Result<Option<String>, CopyError> {
        let sources = [
            Source::new("locale", &self.locale, prompt::tag(&self.locale)),
            Source::new("segment", &self.segment, prompt::readers(&self.segment)),
        ];
        first_refused(&sources, rails).await
    }
}

/// Up to the first: a failure at a later text must not take the place of a no.
async fn first_refused(sources: &[Source], rails: &impl Rails) -> Result<Option<String>, CopyError> {
    for source in sources {
        for form in &source.forms {
            if let Err(wrong) = judge(form.clone(), rails).await? {
                return Ok(Some(format!("{}: {wrong}", source.name)));
            }
        }
    }
    Ok(None)
}
