//! The report: every row of the list accounted for, or no report.

use std::collections::BTreeMap;

use maily_proto::compliance::{Cohort, SummaryReply};
use serde::{Deserialize, Serialize};

use crate::workflow::{CohortCopy, Span, StepError, cohort::CohortDone};

/// What became of a campaign; `report.json` but for the rows that could not be read, which compliance keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Rows of the list: `written` + all of `excluded` + recipients of blocked cohorts.
    pub(crate) rows: u64,
    /// Messages handed off.
    pub(crate) written: u64,
    /// Exclusion code to rows; `import_undone` is whoever was not written to because the import was taken back.
    pub(crate) excluded: BTreeMap<String, u64>,
    /// Region to messages handed off.
    pub(crate) by_region: BTreeMap<String, u64>,
    pub(crate) cohorts: Vec<CohortReport>,
    pub(crate) timings: Timings,
    /// The model that wrote the copy.
    pub(crate) model: String,
    /// Rows that can't be read, and whose fault lets one assume that they object; they count as `invalid`, too.
    #[serde(default)]
    pub(crate) objection_assumed: u64,
    /// Rows that can't be read, and object by a word that no table knows: who they name is on the suppression list.
    #[serde(default)]
    pub(crate) objection_unknown_word: u64,
    /// Rows that claim a newer consent of a person on the suppression list: nothing is lifted by them.
    #[serde(default)]
    pub(crate) claims_newer_consent: u64,
    /// Recipients whom only servers with SMTPUTF8 (RFC 6531) can reach.
    #[serde(default)]
    pub(crate) needs_smtputf8: u64,
    /// Columns of the list that mean nothing here.
    #[serde(default)]
    pub(crate) ignored_columns: Vec<String>,
    /// Messages handed off whose recipients have objected since: they leave no more. As of when the report was fetched; it is
    /// kept as 0, and is absent where compliance can't say any more.
    #[serde(default)]
    pub(crate) left_out_after_hand_off: u64,
}

/// One cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CohortReport {
    pub(crate) name: String,
    /// Eligible rows, less those who objected, whose implied consent ended, or whose import was taken back, before their
    /// message was handed off.
    pub(crate) recipients: u64,
    pub(crate) subject: Option<String>,
    pub(crate) preheader: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) rewrites: u32,
    /// Why nothing was sent, if so.
    pub(crate) blocked: Option<String>,
}

/// Seconds. What differs between two runs of one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timings {
    /// While copy was being written, for whichever cohort.
    pub(crate) copy_seconds: f64,
    /// While messages were being merged, sealed, stored or handed off.
    pub(crate) mail_seconds: f64,
    /// From the first step to the last.
    pub(crate) total_seconds: f64,
}

impl Report {
    /// Adds everything up.
    ///
    /// # Errors
    /// Rows are missing or counted twice.
    pub(crate) fn new(
        summary: &SummaryReply,
        cohorts: Vec<(&Cohort, CohortCopy, CohortDone)>,
        whole: Span,
        model: String,
    ) -> Result<Self, StepError> {
        let note = |name: &str| summary.notes.get(name).copied().unwrap_or_default();
        let (copies, mails): (Vec<_>, Vec<_>) =
            cohorts.iter().map(|(_, _, done)| (done.copy, done.mail)).unzip();
        let mut report = Self {
            rows: summary.rows,
            written: 0,
            excluded: summary.excluded.clone().into_iter().collect(),
            by_region: BTreeMap::new(),
            cohorts: Vec::with_capacity(cohorts.len()),
            timings: Timings {
                copy_seconds: covered(copies),
                mail_seconds: covered(mails),
                total_seconds: covered(vec![Some(whole)]),
            },
            model,
            objection_assumed: note("objection_assumed"),
            objection_unknown_word: note("objection_unknown_word"),
            claims_newer_consent: note("claims_newer_consent"),
            needs_smtputf8: note("needs_smtputf8"),
            ignored_columns: summary.ignored_columns.clone(),
            left_out_after_hand_off: 0,
        };
        for (cohort, copy, done) in cohorts {
            report.add(cohort, copy, &done)?;
        }
        report.check().map(|()| report)
    }

    fn add(&mut self, cohort: &Cohort, copy: CohortCopy, done: &CohortDone) -> Result<(), StepError> {
        let handed_off: u64 = done.handed_off.values().sum();
        let due = if copy.blocked.is_some() { 0 } else { cohort.recipients };
        // Compliance counts what becomes of a page that is handed off, and all others are of pages that are not.
        let undone = due.checked_sub(handed_off + done.suppressed + done.expired);
        let undone = undone
            .filter(|undone| *undone == 0 || done.import_undone)
            .ok_or(StepError::Impossible("a cohort's recipients were not all accounted for"))?;
        self.written += handed_off;
        for (region, count) in done.handed_off.iter().filter(|(_, count)| **count > 0) {
            *self.by_region.entry(region.clone()).or_default() += count;
        }
        let left_out =
            [("suppressed", done.suppressed), ("implied_expired", done.expired), ("import_undone", undone)];
        for (code, rows) in left_out.into_iter().filter(|(_, rows)| *rows > 0) {
            *self.excluded.entry(code.to_owned()).or_default() += rows;
        }
        self.cohorts.push(CohortReport {
            name: cohort.name.clone(),
            recipients: cohort.recipients - done.suppressed - done.expired - undone,
            subject: copy.subject,
            preheader: copy.preheader,
            body: copy.body,
            rewrites: copy.rewrites,
            blocked: copy.blocked,
        });
        Ok(())
    }

    fn check(&self) -> Result<(), StepError> {
        match self.is_balanced() {
            true => Ok(()),
            false => Err(StepError::Impossible("the rows of the list were not all accounted for")),
        }
    }

    /// Recipients of blocked cohorts.
    pub(crate) fn blocked(&self) -> u64 {
        self.cohorts.iter().filter(|c| c.blocked.is_some()).map(|c| c.recipients).sum()
    }

    /// Whether every row is accounted for, once.
    pub(crate) fn is_balanced(&self) -> bool {
        let sent: u64 = self.cohorts.iter().filter(|c| c.blocked.is_none()).map(|c| c.recipients).sum();
        let by_region: u64 = self.by_region.values().sum();
        self.rows == self.written + self.excluded.values().sum::<u64>() + self.blocked()
            && self.written == sent
            && self.written == by_region
    }
}

/// Seconds that at least one of the spans covers.
fn covered(spans: Vec<Option<Span>>) -> f64 {
    let mut spans: Vec<Span> = spans.into_iter().flatten().collect();
    spans.sort_by_key(|span| span.from);
    let (mut until, mut sum) = (0, 0);
    for span in spans {
        let from = span.from.max(until);
        sum += span.to.saturating_sub(from);
        until = until.max(span.to);
    }
    std::time::Duration::from_millis(sum).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> SummaryReply {
        let cohort = |name: &str, recipients| Cohort { name: name.into(), recipients, regions: Vec::new() };
        SummaryReply {
            rows: 12,
            excluded: [("minor".to_owned(), 2)].into(),
            cohorts: vec![cohort("en-GB/a", 4), cohort("en-IE/b", 6)],
            page_size: 3,
            ..SummaryReply::default()
        }
    }

    fn copy(blocked: Option<&str>) -> CohortCopy {
        let text = || blocked.is_none().then(|| "x".to_owned());
        CohortCopy {
            locale: "en".into(),
            subject: text(),
            preheader: text(),
            body: text(),
            origins: crate::mail::Origins::MODEL,
            rewrites: 1,
            blocked: blocked.map(Into::into),
        }
    }

    fn done(uk: u64, suppressed: u64) -> CohortDone {
        let span = |from, to| Some(Span { from, to });
        CohortDone {
            handed_off: [("uk".to_owned(), uk)].into(),
            suppressed,
            expired: 0,
            copy: span(0, 2000),
            mail: span(1000, 3000),
            ..CohortDone::default()
        }
    }

    fn report(
        first: (CohortCopy, CohortDone),
        second: (CohortCopy, CohortDone),
    ) -> Result<Report, StepError> {
        let summary = summary();
        let cohorts =
            vec![(&summary.cohorts[0], first.0, first.1), (&summary.cohorts[1], second.0, second.1)];
        Report::new(&summary, cohorts, Span { from: 0, to: 3000 }, "m".into())
    }

    #[test]
    fn late_opt_outs_are_suppressed_rows_and_no_recipients() {
        let report = report((copy(None), done(3, 1)), (copy(Some("rude")), done(0, 0))).unwrap();
        assert_eq!((report.rows, report.written), (12, 3));
        assert_eq!(report.excluded, [("minor".to_owned(), 2), ("suppressed".to_owned(), 1)].into());
        assert_eq!(report.by_region, [("uk".to_owned(), 3)].into());
        assert_eq!(report.cohorts.iter().map(|c| c.recipients).collect::<Vec<_>>(), [3, 6]);
        assert!(report.is_balanced());
        assert_eq!(report.timings, Timings { copy_seconds: 2.0, mail_seconds: 2.0, total_seconds: 3.0 });
    }

    #[test]
    fn whom_a_list_that_was_taken_back_did_not_come_to_is_counted_apart() {
        let undone = |uk, suppressed| CohortDone { import_undone: true, ..done(uk, suppressed) };
        let report = report((copy(None), undone(2, 1)), (CohortCopy::none("en-IE/b"), undone(0, 0))).unwrap();
        let excluded = [("import_undone", 1 + 6), ("minor", 2), ("suppressed", 1)];
        assert_eq!(report.excluded, excluded.map(|(code, rows)| (code.to_owned(), rows)).into());
        assert_eq!((report.written, report.cohorts[0].recipients, report.cohorts[1].recipients), (2, 2, 0));
        assert_eq!((&report.cohorts[1].subject, &report.cohorts[1].blocked), (&None, &None));
        assert!(report.is_balanced());
        // Everybody was written to before it.
        for (first, second) in [((4, 0), (5, 1)), ((3, 1), (6, 0))] {
            let (first, second) = (undone(first.0, first.1), undone(second.0, second.1));
            let report = self::report((copy(None), first), (copy(None), second)).unwrap();
            assert!(!report.excluded.contains_key("import_undone"));
        }
        assert!(self::report((copy(None), undone(4, 1)), (copy(None), done(6, 0))).is_err());
    }

    #[test]
    fn nobody_is_undone_in_a_journal_of_before() {
        let before = r#"{"handed_off": {"uk": 3}, "suppressed": 1, "copy": null, "mail": null}"#;
        let first: CohortDone = serde_json::from_str(before).unwrap();
        let report = report((copy(None), first.clone()), (copy(None), done(6, 0))).unwrap();
        assert!(!first.import_undone && !report.excluded.contains_key("import_undone"));
    }

    #[test]
    fn a_lost_or_doubled_message_is_no_report() {
        for (first, second) in [((3, 0), (6, 0)), ((4, 1), (6, 0)), ((4, 0), (5, 0))] {
            let (first, second) = (done(first.0, first.1), done(second.0, second.1));
            assert!(report((copy(None), first), (copy(None), second)).is_err());
        }
        assert!(report((copy(Some("rude")), done(1, 0)), (copy(None), done(6, 0))).is_err());
    }
}
