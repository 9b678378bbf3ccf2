//! The finished report, with the rows that could not be read streamed in from compliance.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use http::header;
use maily_proto::compliance::InvalidRow;
use serde::Serialize;

use super::{Api, problem::Refusal};
use crate::{
    campaign::CampaignId,
    peers::PeerError,
    report::{CohortReport, Report, Timings},
};

#[derive(Serialize)]
struct Head<'a> {
    rows: u64,
    written: u64,
    excluded: &'a BTreeMap<String, u64>,
    by_region: &'a BTreeMap<String, u64>,
    cohorts: &'a [CohortReport],
    objection_assumed: u64,
    objection_unknown_word: u64,
    claims_newer_consent: u64,
    needs_smtputf8: u64,
    /// None where compliance can't say any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out_after_hand_off: Option<u64>,
    ignored_columns: &'a [String],
}

#[derive(Serialize)]
struct Tail<'a> {
    timings: Timings,
    model: &'a str,
}

#[derive(Serialize)]
struct Invalid {
    line: u64,
    field: String,
    reason: String,
}

/// `GET /v1/campaigns/{id}/report`: also when the import was taken back or its time is over, for then the report is what is
/// left to say who was written to.
pub(crate) async fn report(State(api): State<Api>, Path(id): Path<CampaignId>) -> Result<Response, Refusal> {
    api.campaign(&id).await?;
    let report = api.finished(&id).await?;
    let left_out = match api.deps.compliance.left_out(&id).await {
        Err(error) if error.is_ended() => None,
        left_out => Some(left_out?),
    };
    let (head, tail) =
        frame(&report, left_out).ok_or_else(|| Refusal::unusable("the report has no JSON form"))?;
    let rows = invalid_rows(api, id);
    let body =
        stream::once(async move { Ok(head) }).chain_ok(rows).chain_ok(stream::once(async move { Ok(tail) }));
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Two streams, one behind the other.
trait ChainOk: Stream<Item = Result<Bytes, PeerError>> + Sized {
    fn chain_ok(
        self,
        next: impl Stream<Item = Result<Bytes, PeerError>>,
    ) -> impl Stream<Item = Result<Bytes, PeerError>> {
        futures::StreamExt::chain(self, next)
    }
}

impl<S: Stream<Item = Result<Bytes, PeerError>>> ChainOk for S {}

/// The JSON text before and behind the elements of `invalid`.
fn frame(report: &Report, left_out_after_hand_off: Option<u64>) -> Option<(Bytes, Bytes)> {
    let head = Head {
        rows: report.rows,
        written: report.written,
        excluded: &report.excluded,
        by_region: &report.by_region,
        cohorts: &report.cohorts,
        objection_assumed: report.objection_assumed,
        objection_unknown_word: report.objection_unknown_word,
        claims_newer_consent: report.claims_newer_consent,
        needs_smtputf8: report.needs_smtputf8,
        left_out_after_hand_off,
        ignored_columns: &report.ignored_columns,
    };
    let head = serde_json::to_string_pretty(&head).ok()?;
    let tail = serde_json::to_string_pretty(&Tail { timings: report.timings, model: &report.model }).ok()?;
    let head = format!("{},\n  \"invalid\": [", head.strip_suffix("\n}")?);
    let tail = format!("],{}\n", tail.strip_prefix('{')?);
    Some((head.into(), tail.into()))
}

/// The elements of `invalid`, page after page.
fn invalid_rows(api: Api, id: CampaignId) -> impl Stream<Item = Result<Bytes, PeerError>> {
    stream::try_unfold((api, id, Some(0)), |(api, id, after)| async move {
        let Some(after) = after else { return Ok::<_, PeerError>(None) };
        let rows = match api.deps.compliance.invalid_rows(&id, after).await {
            Err(error) if error.is_ended() => Vec::new(),
            rows => rows?,
        };
        let next = rows.last().map(|row| row.line).filter(|line| *line > after);
        Ok(next.map(|line| (elements(rows, after == 0), (api, id, Some(line)))))
    })
    .map_ok(Bytes::from)
}

fn elements(rows: Vec<InvalidRow>, first: bool) -> String {
    let mut text = String::new();
    for (n, row) in rows.into_iter().enumerate() {
        let row = Invalid { line: row.line, field: row.field, reason: row.reason };
        text.push_str(if first && n == 0 { "\n    " } else { ",\n    " });
        text.push_str(&serde_json::to_string(&row).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_one_json_document() {
        let report = Report {
            rows: 3,
            written: 1,
            excluded: [("invalid".to_owned(), 2)].into(),
            by_region: [("eu".to_owned(), 1)].into(),
            cohorts: Vec::new(),
            timings: Timings { copy_seconds: 1.0, mail_seconds: 2.0, total_seconds: 3.0 },
            model: "m".into(),
            objection_assumed: 1,
            objection_unknown_word: 5,
            claims_newer_consent: 2,
            needs_smtputf8: 3,
            ignored_columns: vec!["Phone".into()],
            left_out_after_hand_off: 4,
        };
        let (head, tail) = frame(&report, Some(4)).unwrap();
        let row = |line| InvalidRow { line, field: "email".into(), reason: "has no \"@\"".into() };
        let text = [
            std::str::from_utf8(&head).unwrap(),
            &elements(vec![row(2)], true),
            &elements(vec![row(5)], false),
            std::str::from_utf8(&tail).unwrap(),
        ]
        .concat();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["invalid"][1]["line"], 5);
        let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "rows",
                "written",
                "excluded",
                "by_region",
                "cohorts",
                "objection_assumed",
                "objection_unknown_word",
                "claims_newer_consent",
                "needs_smtputf8",
                "left_out_after_hand_off",
                "ignored_columns",
                "invalid",
                "timings",
                "model"
            ]
        );
        let told = include_str!("../../../../docs/lists.md");
        for key in keys {
            assert!(told.contains(&format!("\n| `{key}` |")), "docs/lists.md says nothing of {key}");
        }
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
