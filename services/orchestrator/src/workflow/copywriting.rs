//! The copy of one cohort: written, checked as a whole mail, kept.

use jiff::Timestamp;
use maily_chassis::Hold;
use serde::{Deserialize, Serialize};

use super::{
    Deps, Keys, Leg, Span, StepError,
    asking::{Attended, Trouble},
    campaign::{Brief, load, started},
    ending,
    step::now,
};
use crate::{
    campaign::{Campaign, CampaignId},
    copy::{self, CopyError, Draft, Written},
    mail::{Language, Origins, Template},
    peers::{Guard, PeerError},
    segment,
};

/// The most bytes of a reason that are kept: a report may have one for each cohort.
const REASON: usize = 4 << 10;

/// The copy of a cohort, or why there is none. Lies in storage, never in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CohortCopy {
    pub(crate) locale: String,
    pub(crate) subject: Option<String>,
    pub(crate) preheader: Option<String>,
    pub(crate) body: Option<String>,
    /// Who wrote them.
    #[serde(default = "Origins::unsaid")]
    pub(crate) origins: Origins,
    pub(crate) rewrites: u32,
    pub(crate) blocked: Option<String>,
}

impl CohortCopy {
    /// The draft, unless the cohort is blocked.
    pub(crate) fn draft(&self) -> Option<Draft> {
        match (&self.subject, &self.preheader, &self.body, &self.blocked) {
            (Some(subject), Some(preheader), Some(body), None) => {
                Some(Draft { subject: subject.clone(), preheader: preheader.clone(), body: body.clone() })
            }
            _ => None,
        }
    }

    fn written(locale: &str, draft: Draft, origins: Origins, rewrites: u32) -> Self {
        let Draft { subject, preheader, body } = draft;
        let (subject, preheader, body) = (Some(subject), Some(preheader), Some(body));
        Self { locale: locale.to_owned(), subject, preheader, body, origins, rewrites, blocked: None }
    }

    /// That of a cohort whose import was taken back before any was written.
    pub(crate) fn none(name: &str) -> Self {
        let (locale, origins) = (split(name).0.to_owned(), Origins::unsaid());
        Self { locale, subject: None, preheader: None, body: None, origins, rewrites: 0, blocked: None }
    }

    fn blocked(locale: &str, reason: &str, rewrites: u32) -> Self {
        let (locale, mut reason) = (locale.to_owned(), reason.to_owned());
        reason.truncate(reason.floor_char_boundary(REASON));
        let origins = Origins::unsaid();
        Self { locale, subject: None, preheader: None, body: None, origins, rewrites, blocked: Some(reason) }
    }
}

/// The journaled result: where there is copy, the legs to send.
#[derive(Serialize, Deserialize)]
pub(crate) struct Drafted {
    /// Empty for a blocked cohort.
    pub(crate) legs: Vec<Leg>,
    pub(crate) span: Option<Span>,
    /// The import was taken back before there was copy: there is none, and so no message of the cohort.
    #[serde(default)]
    pub(crate) import_undone: bool,
}

/// Has the copy written unless there is some, a text of the whole campaign is `refused`, or the import was taken back.
pub(crate) async fn draft(
    deps: &Deps,
    id: &CampaignId,
    cohort: u32,
    refused: bool,
) -> Result<Drafted, StepError> {
    ending::check(deps, id).await?;
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let found = summary.cohorts.get(cohort as usize).ok_or(StepError::Impossible("the cohort is gone"))?;
    let key = Keys(id).copy(cohort);
    let mut span = None;
    let copy = match deps.objects.read_json::<CohortCopy>(&key).await? {
        Some(copy) => copy,
        None => {
            let _turn =
                deps.drafts.take(id.clone(), Hold::Long).await.map_err(|_| StepError::Again("no turn"))?;
            // Only now: the turn may have been long in coming.
            if deps.compliance.is_undone(id).await? {
                return Ok(Drafted { legs: Vec::new(), span: None, import_undone: true });
            }
            let start = now();
            let copy = match refused {
                true => refused_with_the_campaign(deps, id, &found.name).await?,
                false => write(deps, id, &found.name, summary.page_size).await?,
            };
            span = Some(Span::since(start));
            deps.objects.settle_json(&key, copy).await?
        }
    };
    let legs = match copy.blocked {
        Some(_) => Vec::new(),
        None => found.regions.iter().map(|r| Leg { region: r.region.clone(), pages: r.pages }).collect(),
    };
    Ok(Drafted { legs, span, import_undone: false })
}

/// A cohort is `<locale>/<segment>`; the segment may hold a `/` itself.
fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}

async fn refused_with_the_campaign(
    deps: &Deps,
    id: &CampaignId,
    name: &str,
) -> Result<CohortCopy, StepError> {
    let brief: Option<Brief> = deps.objects.read_json(&Keys(id).brief()).await?;
    let reason = brief.and_then(|brief| brief.blocked);
    let reason = reason.unwrap_or_else(|| "a text of the campaign was refused".to_owned());
    Ok(CohortCopy::blocked(split(name).0, &reason, 0))
}

async fn write(deps: &Deps, id: &CampaignId, name: &str, page_size: u32) -> Result<CohortCopy, StepError> {
    let campaign = load(deps, id).await?;
    let guard = deps.guardrails.guard(id, &campaign).await?;
    let trouble = Trouble::default();
    let rails = Attended { asked: &guard, deps, id, trouble: &trouble };
    let brief = brief(&campaign, name);
    let refused = brief.cohort_refused(&rails).await.map_err(|error| trouble.behind(error))?;
    if let Some(reason) = refused {
        return Ok(CohortCopy::blocked(&brief.locale, &reason, 0));
    }
    let Some(language) = Language::of(&brief.locale) else {
        return Ok(CohortCopy::blocked(&brief.locale, Language::UNKNOWN, 0));
    };
    let writer = deps.inference.model().await?;
    let model = Attended { asked: &writer, deps, id, trouble: &trouble };
    let settings = &campaign.settings;
    let date = started(deps, id).await?;
    // All that was written again, pieces and whole mails.
    let mut rewrites = 0;
    let mut seed = settings.seed;
    let mut wrong = Vec::new();
    for round in 0..=settings.max_rewrites {
        rewrites += u32::from(round > 0);
        let Written { draft, rewrites: pieces } =
            match copy::write(&brief, seed, settings.max_rewrites, &model, &rails).await {
                Ok(written) => written,
                Err(CopyError::Blocked { reason, rewrites: pieces }) => {
                    return Ok(CohortCopy::blocked(&brief.locale, &reason, rewrites + pieces));
                }
                Err(CopyError::Refused(reason)) => {
                    return Ok(CohortCopy::blocked(&brief.locale, &reason, rewrites));
                }
                Err(error @ CopyError::Unavailable(_)) => return Err(trouble.behind(error)),
            };
        rewrites += pieces;
        let draft = language.greet(draft);
        // Every piece is the model's, or there is no copy: nothing canned takes the place of one that did not pass.
        let origins = Origins::MODEL;
        ending::check(deps, id).await?;
        let judged = judge(&guard, id, &campaign, language, (&draft, origins), page_size, date).await;
        wrong = match judged {
            Ok(wrong) => wrong,
            Err(error) if error.is_about_the_request() => {
                let reason = format!("whole mail: {}", error.reason());
                return Ok(CohortCopy::blocked(&brief.locale, &reason, rewrites));
            }
            Err(error) => return Err(error.into()),
        };
        if wrong.is_empty() {
            return Ok(CohortCopy::written(&brief.locale, draft, origins, rewrites));
        }
        // Another draw, and the same one each time the campaign runs (2^64 over the golden ratio).
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    Ok(CohortCopy::blocked(&brief.locale, &wrong.join("; "), rewrites))
}

/// Which text of the whole campaign the input rails refuse, and why, if they do.
pub(super) async fn campaign_refused(
    deps: &Deps,
    id: &CampaignId,
    campaign: &Campaign,
) -> Result<Option<String>, StepError> {
    let guard = deps.guardrails.guard(id, campaign).await?;
    let trouble = Trouble::default();
    let rails = Attended { asked: &guard, deps, id, trouble: &trouble };
    brief(campaign, "").campaign_refused(&rails).await.map_err(|error| trouble.behind(error))
}

/// What the copy of this cohort is written from.
fn brief(campaign: &Campaign, name: &str) -> copy::Brief {
    let (locale, segment) = split(name);
    let settings = &campaign.settings;
    copy::Brief {
        brand: settings.brand.clone(),
        brief: settings.brief.clone(),
        offer: settings.offer.clone(),
        voice: campaign.brand.clone(),
        sender_name: settings.sender.name.clone(),
        locale: locale.to_owned(),
        segment: segment.to_owned(),
    }
}

/// What is wrong with the mail as it would be sent.
async fn judge(
    guard: &Guard<'_>,
    id: &CampaignId,
    campaign: &Campaign,
    language: Language<'_>,
    (draft, origins): (&Draft, Origins),
    page_size: u32,
    date: Timestamp,
) -> Result<Vec<String>, PeerError> {
    let mut flaws = crate::mail::flaws(draft);
    let template = Template::new(id, &campaign.settings, language, draft, origins, date);
    // Found here, it stops the cohort; found when the page is written, others would have been sent to already.
    if !segment::fits(page_size, template.longest()) {
        flaws.push(format!("layout (body): {page_size} messages of it are too long for one page"));
    }
    match flaws.is_empty() {
        true => guard.check_email(draft, &template).await,
        false => Ok(flaws),
    }
}
