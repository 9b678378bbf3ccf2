//! What an import decided, in counts and in lines that could not be read.

use std::collections::BTreeMap;

use maily_proto::compliance::{InvalidRow, InvalidRowsRequest};
use tonic::{Code, Status};

use super::{Calls as _, Compliance, PAGE, Row, code, list, page, plain};

/// Seven people in three cohorts and three regions, and a row that is none.
fn mixed() -> String {
    let places = [
        ("GB", ("en-GB", "new")),
        ("DE", ("en-GB", "new")),
        ("US", ("en-GB", "loyal")),
        ("GB", ("en-GB", "new")),
        ("GB", ("de-DE", "new")),
        ("GB", ("en-GB", "new")),
        ("GB", ("en-GB", "new")),
    ];
    let rows = places.iter().enumerate().map(|(at, &(country, cohort))| Row { at, country, cohort }.line());
    list(rows.chain(["no row".to_owned()]))
}

/// `rows` is what the report has to account for.
pub async fn a_summary_adds_up(service: &impl Compliance) {
    service.import("c", mixed()).await;
    let summary = service.summary("c").await.unwrap();
    assert_eq!((summary.rows, summary.page_size), (8, PAGE));
    let recipients: u64 = summary.cohorts.iter().map(|cohort| cohort.recipients).sum();
    assert_eq!(summary.rows, recipients + summary.excluded.values().sum::<u64>());
    for cohort in &summary.cohorts {
        let regions = cohort.regions.iter().map(|region| region.recipients);
        assert_eq!(cohort.recipients, regions.sum::<u64>(), "{}", cohort.name);
    }
}

/// The codes are those of the law's table, the first rule that holds, and none without rows.
pub async fn every_exclusion_is_counted(service: &impl Compliance) {
    let gb = |at| Row { at, country: "GB", cohort: ("en-GB", "all") }.line();
    let ca = |at| Row { at, country: "CA", cohort: ("en-CA", "all") }.line();
    service
        .import(
            "c",
            list([
                gb(0),
                gb(0),
                gb(1).replace("1980", "2010"),
                gb(2).replace("express", "none"),
                gb(3).replace("express", "withdrawn"),
                gb(4).replace("false", "true"),
                ca(5).replace("express,2025", "implied,2020"),
                gb(6).replace("GB", "XX"),
                gb(7).replace("mail.example", "MAIL.example"),
                // The person of the row above, who takes it all back.
                gb(7).replace("express", "withdrawn"),
            ]),
        )
        .await;
    let summary = service.summary("c").await.unwrap();
    let excluded: BTreeMap<&str, u64> =
        summary.excluded.iter().map(|(code, rows)| (code.as_str(), *rows)).collect();
    let wanted = [
        ("duplicate", 2),
        ("implied_expired", 1),
        ("invalid", 1),
        ("minor", 1),
        ("no_consent", 1),
        ("suppressed", 1),
        ("withdrawn", 2),
    ];
    assert_eq!(excluded, wanted.into());
    assert_eq!(summary.cohorts.len(), 1);
}

/// Workflows name a cohort by its place in this order, and ask for as many pages as it says.
pub async fn cohorts_come_by_name_with_the_pages_of_their_regions(service: &impl Compliance) {
    service.import("c", mixed()).await;
    let summary = service.summary("c").await.unwrap();
    let names: Vec<_> = summary.cohorts.iter().map(|cohort| cohort.name.as_str()).collect();
    assert_eq!(names, ["de-DE/new", "en-GB/loyal", "en-GB/new"]);
    let regions = |at: usize| -> Vec<_> {
        let regions = summary.cohorts[at].regions.iter();
        regions.map(|region| (region.region.as_str(), region.recipients, region.pages)).collect()
    };
    assert_eq!(regions(0), [("uk", 1, 1)]);
    assert_eq!(regions(1), [("us", 1, 1)]);
    assert_eq!(regions(2), [("eu", 1, 1), ("uk", 4, 2)]);
}

/// A list without anybody to write to is a list.
pub async fn a_list_may_have_nobody_to_write_to(service: &impl Compliance) {
    assert_eq!(service.try_import("c", plain(0)).await.unwrap(), 0);
    let summary = service.summary("c").await.unwrap();
    assert_eq!((summary.rows, summary.cohorts.len(), summary.excluded.len()), (0, 0, 0));
}

async fn invalid(
    service: &impl Compliance,
    campaign: &str,
    after_line: u64,
    limit: u32,
) -> Result<Vec<InvalidRow>, Status> {
    let request = InvalidRowsRequest { campaign_id: campaign.into(), after_line, limit };
    Ok(service.client().invalid_rows(request).await?.into_inner().rows)
}

/// The report asks for them from line to line, until none comes.
pub async fn invalid_rows_come_by_line_and_from_a_line_on(service: &impl Compliance) {
    let good = |at| Row { at, country: "GB", cohort: ("en-GB", "all") }.line();
    let lines = [
        good(0),
        "no row".to_owned(),
        // A value of two lines may be two rows: it is no name, and the next begins at line 6.
        good(1).replace("Name1", "\"Secret,\nname\""),
        good(2).replace("GB", "Secretland"),
        good(3),
        good(4).replace("@", " at "),
    ];
    service.import("c", list(lines)).await;
    let all = invalid(service, "c", 0, 0).await.unwrap();
    let places: Vec<_> = all.iter().map(|row| (row.line, row.field.as_str())).collect();
    assert_eq!(places, [(3, "row"), (4, "first_name"), (6, "country"), (8, "email")]);
    for row in &all {
        assert!(!row.reason.is_empty() && !row.reason.contains("Secret") && !row.reason.contains("person"));
    }
    assert_eq!(invalid(service, "c", 0, 2).await.unwrap(), all[..2]);
    assert_eq!(invalid(service, "c", 3, 3).await.unwrap(), all[1..]);
    assert_eq!(invalid(service, "c", 5, 1).await.unwrap(), all[2..3]);
    assert_eq!(invalid(service, "c", 8, 0).await.unwrap(), []);
    assert_eq!(invalid(service, "c", u64::MAX, 0).await.unwrap(), []);
    assert_eq!(code(invalid(service, "c", 0, 10_001).await), Code::InvalidArgument);
}

/// Every call about a campaign that has no list yet says so in the same way: it may come.
pub async fn what_was_not_imported_is_not_found(service: &impl Compliance) {
    service.import("other", plain(1)).await;
    assert_eq!(code(service.summary("c").await), Code::NotFound);
    assert_eq!(code(invalid(service, "c", 0, 0).await), Code::NotFound);
    assert_eq!(code(service.recipients(&page("c", 0)).await), Code::NotFound);
    assert_eq!(code(service.hand_off(&page("c", 0), "s").await), Code::NotFound);
    assert_eq!(code(service.release(&page("c", 0)).await), Code::NotFound);
}
