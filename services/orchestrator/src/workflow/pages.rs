//! Pages of recipients: merged, sealed, stored, handed off.

use std::{
    collections::HashSet,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::StreamExt as _;
use maily_chassis::{Hold, WorkError, blocking};
use maily_crypto::DataKey;
use maily_proto::compliance::{Cohort, HandOffReply, Page, Recipient};
use serde::{Deserialize, Serialize};
use tokio::select;

use super::{
    CohortCopy, Deps, Keys, Span, StepError,
    campaign::{load, started},
    cohort::Progress,
    ending,
    step::now,
};
use crate::{
    campaign::CampaignId,
    mail::{self, Language, Template},
    metrics,
    peers::{Bucket, objects},
    segment::{Place, Writer},
};

/// Pages in one step: enough to make the journal's cost small, few enough to lose little by a crash.
pub(crate) const BATCH: u32 = 16;

/// How long a hand-off may still be under way when its campaign is found to have ended.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The pages of one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) region: String,
    pub(crate) pages: u32,
}

/// What became of some pages.
#[derive(Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) handed_off: u64,
    pub(crate) suppressed: u64,
    #[serde(default)]
    pub(crate) expired: u64,
    /// The import was taken back before some of these pages were handed off.
    #[serde(default)]
    pub(crate) import_undone: bool,
    pub(crate) span: Span,
}

/// Hands off some pages of one cohort and region.
pub(crate) async fn hand_off(
    deps: &Deps,
    id: &CampaignId,
    cohort: u32,
    region: &str,
    pages: Range<u32>,
) -> Result<Batch, StepError> {
    let start = now();
    ending::check(deps, id).await?;
    let campaign = load(deps, id).await?;
    let copy = deps.objects.read_json::<CohortCopy>(&Keys(id).copy(cohort)).await?;
    let copy = copy.ok_or(StepError::Impossible("a cohort's copy is gone"))?;
    let draft = copy.draft().ok_or(StepError::Impossible("a blocked cohort has no mail"))?;
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let date = started(deps, id).await?;
    let language = Language::of_kept(&copy.locale);
    let template = Arc::new(Template::new(id, &campaign.settings, language, &draft, copy.origins, date));
    let name = summary.cohorts.get(cohort as usize).ok_or(StepError::Impossible("the cohort is gone"))?;
    let page = |page| Page {
        campaign_id: id.to_string(),
        cohort: name.name.clone(),
        region: region.to_owned(),
        page,
    };
    // After a failure no page is begun, but those under way are waited for: what becomes of them has to be known.
    let failed = AtomicBool::new(false);
    let sums = futures::stream::iter(pages)
        .map(|number| {
            let (template, page, key) = (template.clone(), page(number), Keys(id).segment(cohort, number));
            let failed = &failed;
            async move {
                if failed.load(Relaxed) {
                    return Err(StepError::Again("another page failed"));
                }
                let reply = one(deps, id, template, page, key).await;
                failed.fetch_or(reply.is_err(), Relaxed);
                reply
            }
        })
        .buffer_unordered(deps.pages_in_flight)
        .fold(Ok((0, 0, 0, false)), |sums, reply| std::future::ready(added(sums, reply)));
    let (handed_off, suppressed, expired, import_undone) = sums.await?;
    metrics::handed_off(region, handed_off, suppressed + expired);
    Ok(Batch { handed_off, suppressed, expired, import_undone, span: Span::since(start) })
}

/// Messages handed off, suppressed and expired, and whether the import was taken back before any page.
type Sums = (u64, u64, u64, bool);

/// The first failure is told.
fn added(sums: Result<Sums, StepError>, reply: Result<HandOffReply, StepError>) -> Result<Sums, StepError> {
    let ((handed_off, suppressed, expired, import_undone), reply) = (sums?, reply?);
    Ok((
        handed_off + u64::from(reply.handed_off),
        suppressed + u64::from(reply.suppressed),
        expired + u64::from(reply.expired),
        import_undone | reply.undone,
    ))
}

async fn one(
    deps: &Deps,
    id: &CampaignId,
    template: Arc<Template>,
    page: Page,
    key: String,
) -> Result<HandOffReply, StepError> {
    let _turn = deps.pages.take(id.clone(), Hold::Long).await.map_err(|_| StepError::Again("no turn"))?;
    // The turn may have been long in coming.
    ending::check(deps, id).await?;
    let recipients = deps.compliance.recipients(&page).await;
    let is_ended = recipients.as_ref().is_err_and(|error| error.is_ended());
    // Where the import was taken back nobody is written to, and the hand-off does no more than tell whether this page came before.
    if !(is_ended && deps.compliance.is_undone(id).await?) {
        keep(deps, template, &page, &key, recipients?).await?;
    }
    // As late as can be: whoever cancels before this has none of the page's messages handed off.
    ending::check(deps, id).await?;
    // One that is on its way is waited for, so that it is known what became of it; one that can't be, is not made again.
    let ended = async {
        ending::ended(deps, id).await;
        tokio::time::sleep(ON_ITS_WAY).await;
    };
    select! {
        reply = deps.compliance.hand_off(&page, &key) => Ok(reply?),
        () = ended => Err(StepError::Ended),
    }
}

/// The segment is created before the hand-off and never replaced. A later attempt may know fewer recipients (opt-outs
/// only grow), so the first segment holds every message that any hand-off can still release.
async fn keep(
    deps: &Deps,
    template: Arc<Template>,
    page: &Page,
    key: &str,
    recipients: Vec<Recipient>,
) -> Result<(), StepError> {
    let place = place(page);
    let sealed = blocking(move || seal(&template, place, recipients)).await;
    let segment = sealed.map_err(|error| match error {
        WorkError::Panicked => StepError::Panicked,
        WorkError::Interrupted => StepError::Again("merging was interrupted"),
    })??;
    // What can't be read back must not be handed off.
    objects::check_length(&segment)?;
    deps.objects.create(&Bucket::Mail(page.region.clone()), key, segment.into()).await?;
    Ok(())
}

/// How many of these pages were handed off, and how many messages in them, where handing them off was stopped midway.
/// Only a page that has a segment can have been; compliance tells.
pub(crate) async fn count(
    deps: &Deps,
    id: &CampaignId,
    cohort: u32,
    region: &str,
    pages: Range<u32>,
) -> Result<(u32, u64), StepError> {
    let found = cohort_of(deps, id, cohort).await?;
    counted(deps, id, cohort, &found.name, region, pages).await
}

/// The cohort with this number, as compliance has it.
async fn cohort_of(deps: &Deps, id: &CampaignId, cohort: u32) -> Result<Cohort, StepError> {
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let found = summary.cohorts.into_iter().nth(cohort as usize);
    found.ok_or(StepError::Impossible("the cohort is gone"))
}

async fn counted(
    deps: &Deps,
    id: &CampaignId,
    cohort: u32,
    name: &str,
    region: &str,
    pages: Range<u32>,
) -> Result<(u32, u64), StepError> {
    // Their names say that they are there: each may have megabytes, and nobody's turn is taken here.
    let segments = deps.objects.list(&Bucket::Mail(region.to_owned()), &Keys(id).segments(cohort)).await?;
    let segments: HashSet<String> = segments.into_iter().map(|segment| segment.key).collect();
    let (mut done, mut messages) = (0, 0);
    for number in pages {
        let key = Keys(id).segment(cohort, number);
        if !segments.contains(&key) {
            continue;
        }
        let page = Page {
            campaign_id: id.to_string(),
            cohort: name.to_owned(),
            region: region.to_owned(),
            page: number,
        };
        if let Some(handed_off) = handed_off(deps, id, &page, &key).await? {
            done += 1;
            messages += handed_off;
        }
    }
    Ok((done, messages))
}

/// How many messages of a page were handed off; none where the page was not.
async fn handed_off(deps: &Deps, id: &CampaignId, page: &Page, key: &str) -> Result<Option<u64>, StepError> {
    if let Some(messages) = deps.compliance.handed_off(page).await? {
        return Ok(Some(messages));
    }
    // Nothing is released any more of an import that was taken back, also of pages that came before. A hand-off tells of
    // those, and makes none of the others.
    if !deps.compliance.is_undone(id).await? {
        return Ok(None);
    }
    let reply = deps.compliance.hand_off(page, key).await?;
    Ok((!reply.undone).then_some(reply.handed_off.into()))
}

/// What each record of the page is bound to.
pub(crate) fn place(page: &Page) -> Place {
    Place {
        campaign: page.campaign_id.clone(),
        cohort: page.cohort.clone(),
        region: page.region.clone(),
        page: page.page,
    }
}

/// How far a cohort came whose workflow was killed, and so told nothing: whether it has copy, and what compliance has of its
/// pages.
pub(crate) async fn came(deps: &Deps, id: &CampaignId, cohort: u32) -> Result<Progress, StepError> {
    let found = cohort_of(deps, id, cohort).await?;
    let copy = deps.objects.read_json::<CohortCopy>(&Keys(id).copy(cohort)).await?;
    let mut progress = Progress { drafted: copy.is_some(), ..Progress::default() };
    for region in &found.regions {
        let (pages, messages) =
            counted(deps, id, cohort, &found.name, &region.region, 0..region.pages).await?;
        progress.pages_done += pages;
        progress.handed_off += messages;
    }
    Ok(progress)
}

fn seal(template: &Template, place: Place, recipients: Vec<Recipient>) -> Result<Vec<u8>, StepError> {
    let mut writer = Writer::new(place);
    let mut message = Vec::with_capacity(8 << 10);
    // All of them at once: what a failure leaves over is wiped, too.
    let keyed = recipients.into_iter().map(|mut recipient| {
        let key = DataKey::taken(std::mem::take(&mut recipient.record_key));
        (recipient, key)
    });
    for (recipient, key) in keyed.collect::<Vec<_>>() {
        let key = key.map_err(|_| StepError::Impossible("compliance gave a record key of another length"))?;
        message.clear();
        template.merge(
            &mail::Recipient {
                line: recipient.line,
                email: &recipient.email,
                first_name: &recipient.first_name,
                token: &recipient.unsubscribe_token,
                advertisement: recipient.advertisement,
            },
            &mut message,
        )?;
        writer.append(recipient.line, &key, &message)?;
    }
    Ok(writer.finish())
}
