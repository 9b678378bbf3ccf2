//! What a campaign is: its settings, the brand's voice and its guardrails, read strictly.

mod folder;
mod settings;

use serde::{Deserialize, Serialize};

pub(crate) use folder::Folder;
#[cfg(test)]
pub(crate) use settings::tests::GOOD as EXAMPLE;
pub(crate) use settings::{Sender, Settings, deceives};

/// The most bytes of campaign.yaml and of brand.md.
pub(crate) const TEXT_LIMIT: u64 = 64 << 10;
/// The most files of a guardrails folder, and their bytes together; the guardrails service has the same.
pub(crate) const GUARDRAILS_FILES: usize = 64;
pub(crate) const GUARDRAILS_BYTES: usize = 1 << 20;

/// A fault of the campaign's own files, in one sentence: the same files fail again.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) String);

impl Fault {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// One file of the guardrails folder.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardrailsFile {
    /// Relative, with `/`.
    pub(crate) path: String,
    /// UTF-8 text.
    pub(crate) content: String,
}

/// Everything about a campaign but its subscribers. It holds no personal data.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Campaign {
    pub(crate) settings: Settings,
    /// brand.md
    pub(crate) brand: String,
    pub(crate) guardrails: Vec<GuardrailsFile>,
}

impl Campaign {
    /// Puts a campaign together from its texts.
    ///
    /// # Errors
    /// The first fault, in one sentence.
    pub(crate) fn new(yaml: &str, brand: String, mut guardrails: Vec<GuardrailsFile>) -> Result<Self, Fault> {
        let settings = Settings::parse(yaml)?;
        if brand.len() as u64 > TEXT_LIMIT {
            return Err(Fault::new(format!("brand.md is longer than {TEXT_LIMIT} bytes")));
        }
        if let Some(why) = deceives(&brand) {
            return Err(Fault::new(format!("brand.md {why}")));
        }
        check_guardrails(&guardrails)?;
        guardrails.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { settings, brand, guardrails })
    }
}

fn check_guardrails(files: &[GuardrailsFile]) -> Result<(), Fault> {
    if !files.iter().any(|file| matches!(file.path.as_str(), "config.yml" | "config.yaml")) {
        return Err(Fault::new("the guardrails folder has no config.yml"));
    }
    if files.len() > GUARDRAILS_FILES
        || files.iter().map(|f| f.content.len()).sum::<usize>() > GUARDRAILS_BYTES
    {
        return Err(Fault::new(format!(
            "the guardrails folder has more than {GUARDRAILS_FILES} files or {GUARDRAILS_BYTES} bytes"
        )));
    }
    let plain = |path: &str| path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    match files.iter().find(|file| file.path.len() > 255 || !plain(&file.path)) {
        Some(_) => Err(Fault::new("a path in the guardrails folder is not plain and relative")),
        None => Ok(()),
    }
}

/// Names a campaign in every key and path: `[a-z0-9-]`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CampaignId(String);

impl CampaignId {
    /// The id of a campaign whose client gave it none: the digest of what was given.
    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        Self(hex::encode(digest.get(..16).unwrap_or(digest)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CampaignId {
    type Error = Fault;

    fn try_from(id: String) -> Result<Self, Fault> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match !id.is_empty() && id.len() <= 64 && id.bytes().all(plain) && !id.starts_with('-') {
            true => Ok(Self(id)),
            false => Err(Fault::new("a campaign's id is 1 to 64 of a-z, 0-9 and -")),
        }
    }
}

impl std::fmt::Display for CampaignId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
