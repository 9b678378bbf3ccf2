//! Where a campaign's objects lie.

use crate::campaign::CampaignId;

/// The object keys of one campaign. Cohorts are named by their place in compliance's sorted list, which is fixed
/// once the import has finished: a segment's name is the customer's text and stays out of keys.
pub(crate) struct Keys<'a>(pub(crate) &'a CampaignId);

impl Keys<'_> {
    pub(crate) fn campaign(&self) -> String {
        format!("{}/campaign.json", self.0)
    }

    /// What the input rails said of the campaign's texts.
    pub(crate) fn brief(&self) -> String {
        format!("{}/brief.json", self.0)
    }

    pub(crate) fn copy(&self, cohort: u32) -> String {
        format!("{}/cohorts/{cohort:05}.json", self.0)
    }

    pub(crate) fn segment(&self, cohort: u32, page: u32) -> String {
        format!("{}/{cohort:05}/{page:06}.seg", self.0)
    }

    /// What the keys of a cohort's segments begin with.
    pub(crate) fn segments(&self, cohort: u32) -> String {
        format!("{}/{cohort:05}/", self.0)
    }

    /// What the keys of all begin with.
    pub(crate) fn all(&self) -> String {
        format!("{}/", self.0)
    }

    /// How the campaign ended.
    pub(crate) fn end(&self) -> String {
        format!("{}/end.json", self.0)
    }

    /// How far it was when it was cancelled or failed.
    pub(crate) fn tally(&self) -> String {
        format!("{}/tally.json", self.0)
    }

    pub(crate) fn report(&self) -> String {
        format!("{}/report.json", self.0)
    }
}
