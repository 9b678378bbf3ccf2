//! What a person sees while the campaign runs: a line for each step of a cohort.

use std::collections::HashMap;

use crate::api::{CohortStatus, Status};
use maily_client::printable;

/// What was shown already.
#[derive(Default)]
pub(crate) struct Progress {
    shown: HashMap<String, (bool, bool, u32)>,
}

impl Progress {
    /// Shows what is new.
    pub(crate) fn show(&mut self, status: &Status) {
        for cohort in &status.cohorts {
            // A tenth at a time: a large cohort has hundreds of pages.
            let large = cohort.pages > 20;
            let tenth = (cohort.pages_done * 10).checked_div(cohort.pages).filter(|_| large).unwrap_or(0);
            let now = (cohort.drafted, cohort.done, tenth);
            let before = self.shown.insert(cohort.name.clone(), now).unwrap_or_default();
            if before != now {
                eprintln!("{}", line(cohort));
            }
        }
    }
}

fn line(cohort: &CohortStatus) -> String {
    let CohortStatus { recipients, pages, pages_done, .. } = cohort;
    let name = printable(&cohort.name);
    match (cohort.done, pages_done) {
        (true, _) => format!("{name}: done, {recipients} recipients"),
        (false, 0) => format!("{name}: copy written"),
        (false, _) => format!("{name}: {pages_done} of {pages} pages"),
    }
}
