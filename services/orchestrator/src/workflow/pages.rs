//! Pages of recipients: merged, sealed, stored, handed off.

use std::{ops::Range, sync::Arc};

use futures::{StreamExt as _, TryStreamExt as _};
use maily_keys::DataKey;
use maily_proto::compliance::{HandOffReply, Page, Recipient};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::{
    CohortCopy, Deps, Keys, Span, StepError,
    campaign::{load, started},
    step::now,
};
use crate::{
    campaign::CampaignId,
    mail::{self, Template},
    metrics,
    peers::{Bucket, objects},
    segment::{Place, Writer},
};

/// Pages in one step: enough to make the journal's cost small, few enough to lose little by a crash.
pub(crate) const BATCH: u32 = 16;

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
    let campaign = load(deps, id).await?;
    let copy = deps.objects.read_json::<CohortCopy>(&Keys(id).copy(cohort)).await?;
    let copy = copy.ok_or(StepError::Impossible("a cohort's copy is gone"))?;
    let draft = copy.draft().ok_or(StepError::Impossible("a blocked cohort has no mail"))?;
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let date = started(deps, id).await?;
    let template = Arc::new(Template::new(id, &campaign.settings, &copy.locale, &draft, copy.origins, date));
    let name = summary.cohorts.get(cohort as usize).ok_or(StepError::Impossible("the cohort is gone"))?;
    let page = |page| Page {
        campaign_id: id.to_string(),
        cohort: name.name.clone(),
        region: region.to_owned(),
        page,
    };
    let sums = futures::stream::iter(pages)
        .map(|number| one(deps, template.clone(), page(number), Keys(id).segment(cohort, number)))
        .buffer_unordered(deps.pages_in_flight)
        .try_fold((0, 0, 0), |(handed_off, suppressed, expired), reply| async move {
            Ok((
                handed_off + u64::from(reply.handed_off),
                suppressed + u64::from(reply.suppressed),
                expired + u64::from(reply.expired),
            ))
        });
    let (handed_off, suppressed, expired) = sums.await?;
    metrics::handed_off(region, handed_off, suppressed + expired);
    Ok(Batch { handed_off, suppressed, expired, span: Span::since(start) })
}

/// The segment is created before the hand-off and never replaced. A later attempt may know fewer recipients (opt-outs
/// only grow), so the first segment holds every message that any hand-off can still release.
async fn one(
    deps: &Deps,
    template: Arc<Template>,
    page: Page,
    key: String,
) -> Result<HandOffReply, StepError> {
    let _turn = deps.pages.acquire().await.map_err(|_| StepError::Again("shutting down"))?;
    let recipients = deps.compliance.recipients(&page).await?;
    let place = place(&page);
    let sealed = tokio::task::spawn_blocking(move || seal(&template, place, recipients)).await;
    let segment = sealed.map_err(|_| StepError::Again("merging was interrupted"))??;
    // What can't be read back must not be handed off.
    objects::check_length(&segment)?;
    deps.objects.create(&Bucket::Mail(page.region.clone()), &key, segment.into()).await?;
    Ok(deps.compliance.hand_off(&page, &key).await?)
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

fn seal(template: &Template, place: Place, recipients: Vec<Recipient>) -> Result<Vec<u8>, StepError> {
    let mut writer = Writer::new(place);
    let mut message = Vec::with_capacity(8 << 10);
    for mut recipient in recipients {
        let key = DataKey::try_from(recipient.record_key.as_slice());
        recipient.record_key.zeroize();
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
