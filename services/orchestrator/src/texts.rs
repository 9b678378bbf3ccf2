//! A campaign's texts by themselves, without a service: whether they make a campaign, and what a message of it would be.

use jiff::Timestamp;

use crate::{
    campaign::{Campaign, CampaignId, GuardrailsFile, Settings},
    copy::Draft,
    mail::{self, Language, Origins, Recipient, Template},
};

/// Whether campaign.yaml, brand.md and the files of a guardrails folder, each by its path, make a campaign.
///
/// # Errors
/// The first fault, in one sentence.
pub fn check_campaign(
    yaml: &str,
    brand: String,
    guardrails: impl IntoIterator<Item = (String, String)>,
) -> Result<(), String> {
    let files = guardrails.into_iter().map(|(path, content)| GuardrailsFile { path, content });
    Campaign::new(yaml, brand, files.collect()).map(drop).map_err(|fault| fault.0)
}

/// The message that a recipient of a campaign would get of a copy: its subject, preheader and body.
///
/// # Errors
/// The campaign's, the copy's or the recipient's first fault, in one sentence.
pub fn message(yaml: &str, copy: [&str; 3], email: &str, first_name: &str) -> Result<Vec<u8>, String> {
    let settings = Settings::parse(yaml).map_err(|fault| fault.0)?;
    let [subject, preheader, body] = copy.map(ToOwned::to_owned);
    let draft = Draft { subject, preheader, body };
    if let Some(flaw) = mail::flaws(&draft).into_iter().next() {
        return Err(flaw);
    }
    let (campaign, origins) = (CampaignId::of_digest(&[0; 16]), Origins::MODEL);
    let language = Language::of_kept("en-GB");
    let template = Template::new(&campaign, &settings, language, &draft, origins, Timestamp::UNIX_EPOCH);
    let to = Recipient { line: 1, email, first_name, token: "token", advertisement: false };
    let mut message = Vec::new();
    template.merge(&to, &mut message).map_err(|error| error.to_string())?;
    Ok(message)
}
