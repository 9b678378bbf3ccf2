//! Who objects in a list is not written to, whatever else is wrong with the row, and by no list after it.

use std::collections::BTreeMap;

use maily_compliance::api::Api;
use maily_compliance::{Error, ListFault, Sender, State};
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use tonic::Request;

use crate::common::{AS_OF, SENDER, Service, good, import, list_of, page, written};

async fn summary(state: &State, campaign: &str) -> pb::SummaryReply {
    let request = Request::new(pb::SummaryRequest { campaign_id: campaign.into() });
    Api::new(state.clone()).summary(request).await.unwrap().into_inner()
}

/// Imports the rows; who is written to, exclusions, and what is counted apart.
async fn outcome(
    state: &State,
    campaign: &str,
    rows: &[String],
) -> (Vec<String>, BTreeMap<String, u64>, BTreeMap<String, u64>) {
    import(state, campaign, list_of(rows)).await.unwrap();
    let summary = summary(state, campaign).await;
    let recipients = match summary.cohorts.is_empty() {
        true => Vec::new(),
        false => state.recipients(&page(campaign, "en-US/vip", "us", 0)).await.unwrap(),
    };
    let written = recipients.into_iter().map(|recipient| recipient.email).collect();
    (written, summary.excluded.into_iter().collect(), summary.notes.into_iter().collect())
}

fn counts<const N: usize>(pairs: [(&str, u64); N]) -> BTreeMap<String, u64> {
    pairs.map(|(code, rows)| (code.to_owned(), rows)).into()
}

/// Rows in which `carol@example.com` objects and that can't be read, or that object in an unusual way.
fn objecting() -> Vec<(String, bool)> {
    let row = good("carol@example.com");
    let objects = row.replace("false", "true");
    vec![
        (row.replace("false", "TRUE"), true),
        (row.replace("false", "Yes"), true),
        (row.replace("false", "unsubscribed"), true),
        (row.replace("false", ""), false),
        (objects.replace(",US,", ",,"), true),
        (objects.replace(",US,", ",Atlantis,"), true),
        (row.replace("express,2025", "withdrawn,2999"), true),
        (row.replace("express,2025-01-01T00:00:00Z", "withdrawn,2027-13-01"), true),
        (row.replace("express", "opted out"), true),
        (row.replace("express", ""), false),
        (objects.replace("carol@example.com", "carol@example.com "), true),
        (objects.replace("carol@example.com", "Carol@EXAMPLE.com"), true),
        (objects.replace("carol@example.com", "Carol Jones <carol@example.com>"), true),
        (objects.replace("carol@example.com", "mailto:Carol@example.com"), true),
        (objects.replace("carol@example.com", "mailto:carol%40example.com?subject=stop"), true),
        (objects.replace("carol@example.com", "SMTP:carol@example.com"), true),
        (objects.replace("carol@example.com", "erin@example.com|carol@example.com"), true),
        (objects.replace("carol@example.com", "\"\"\"carol\"\"@example.com\""), true),
        (objects.replace("carol@example.com", "carol@example.com*"), true),
        (objects.replace("carol@example.com", "“carol@example.com”"), true),
        (objects.replace("carol@example.com", "«Carol@example.com»").replace(",US,", ",,"), true),
        (objects.replace("carol@example.com,Ada", "Ada,carol@example.com"), true),
        (objects.replace("Ada", "\"Ada\nLovelace\""), true),
        (objects.replace("Ada", "Ada, née Byron"), true),
        (row.replace("Ada", "Ada, née Byron"), false),
        (row.replace("Ada", "\"Ada\nLovelace\""), false),
        (format!("{objects},x"), true),
        (row.replace(",form,false", ""), false),
        (row.replace("Ada", "\"Ada\"x").replace("express", "withdrawn"), true),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objection_counts_whatever_else_is_wrong_with_its_row() {
    for (row, carries) in objecting() {
        for order in [false, true] {
            let service = Service::start(100).await;
            let mut rows = vec![row.clone(), good("carol@example.com"), good("dave@example.com")];
            if order {
                rows.swap(0, 1);
            }
            let (written, excluded, notes) = outcome(&service.state, "c", &rows).await;
            assert_eq!(written, ["dave@example.com"], "{row}");
            assert_eq!(excluded.values().sum::<u64>(), 2, "{row}");
            assert_eq!(
                notes.get("objection_assumed").copied().unwrap_or_default(),
                u64::from(!carries),
                "{row}"
            );
            let unknown = ["unsubscribed", "opted out"].iter().any(|word| row.contains(word));
            assert_eq!(notes.get("objection_unknown_word").copied(), unknown.then_some(1), "{row}");
            // What is clear, or a word that no table knows, holds for lists to come; what was only assumed does not.
            let rows = [good("carol@example.com"), good("dave@example.com")];
            let (written, excluded, notes) = outcome(&service.state, "later", &rows).await;
            match carries {
                true => {
                    assert_eq!(written, ["dave@example.com"], "{row}");
                    assert_eq!(excluded, counts([("suppressed", 1)]), "{row}");
                }
                false => assert_eq!(written, ["carol@example.com", "dave@example.com"], "{row}"),
            }
            assert_eq!(notes.get("claims_newer_consent"), None, "the consent is older than the objection");
            service.state.verify().await.unwrap();
        }
    }
}

/// Addresses that are one by accident, with the person's in them.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_within_another_address_is_left_out_of_the_list() {
    for mark in ["'", "`", "{", "email=", "smtp/", "ann|", "*", "_", "“"] {
        let service = Service::start(100).await;
        let gone = good(&format!("{mark}carol@example.com")).replace("false", "true");
        let rows = [gone, good("carol@example.com"), good("dave@example.com")];
        assert_eq!(outcome(&service.state, "c", &rows).await.0, ["dave@example.com"], "{mark}");
        // It may be somebody else, so it holds for this list.
        let rows = [good("carol@example.com")];
        assert_eq!(outcome(&service.state, "later", &rows).await.0, ["carol@example.com"], "{mark}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carried_over_is_there_after_a_restart_and_no_list_lifts_it() {
    let service = Service::start(100).await;
    let gone = good("carol@example.com").replace("express", "withdrawn");
    let (written, excluded, _) = outcome(&service.state, "c", &[gone, good("dave@example.com")]).await;
    assert_eq!((written, excluded), (vec!["dave@example.com".to_owned()], counts([("withdrawn", 1)])));
    let service = service.restart(100).await;
    let newer = good("Carol@Example.com").replace("2025", "2026");
    let (written, excluded, _) = outcome(&service.state, "later", &[newer]).await;
    assert_eq!((written, excluded), (vec![], counts([("suppressed", 1)])));
    let links = service.state.verify().await.unwrap().links;
    // A list that says the same again is on record again: taking the first one back must not lift the second.
    let again = good("carol@example.com").replace("express", "withdrawn");
    outcome(&service.state, "again", &[again, good("x@example.com")]).await;
    assert_eq!(service.state.verify().await.unwrap().links["us"], links["us"] + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_newer_consent_is_counted_and_lifts_nothing() {
    let service = Service::start_at(100, "2026-02-01T00:00:00Z").await;
    outcome(
        &service.state,
        "c",
        &[good("carol@example.com").replace("false", "true"), good("x@example.com")],
    )
    .await;
    let service = service.restart(100).await;
    let claims = good("Carol@example.com").replace("2025-01-01", "2026-03-01");
    let (written, excluded, notes) = outcome(&service.state, "later", &[claims.clone(), claims]).await;
    assert_eq!((written, excluded), (vec![], counts([("suppressed", 1), ("duplicate", 1)])));
    assert_eq!(notes, counts([("claims_newer_consent", 1)]), "of those that are suppressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_a_valid_row_is_refused_and_its_objections_are_kept() {
    let service = Service::start(100).await;
    let rows =
        [good("carol@example.com").replace(",US,", ",,").replace("false", "true"), "no row".to_owned()];
    for _ in 0..2 {
        let refused = import(&service.state, "c", list_of(&rows)).await;
        let Err(Error::List(ListFault::NoValidRow(refusal))) = refused else { panic!("{refused:?}") };
        assert_eq!((refusal.rows, refusal.people, refusal.column), (2, 1, None));
        let listed = service.state.imports().await.unwrap().imports;
        let said = refusal.to_string();
        assert!(
            listed.len() == 1 && said.contains("now stand as having objected, for every later list: 1 ("),
            "{said}"
        );
        assert!(said.contains(&listed[0].campaign) && listed[0].refused.as_deref() == Some("c"), "{said}");
        assert_eq!(service.state.verify().await.unwrap().links.values().sum::<u64>(), 1, "once");
    }
    let service = service.restart(100).await;
    let (written, _, _) =
        outcome(&service.state, "c", &[good("carol@example.com"), good("dave@example.com")]).await;
    assert_eq!(written, ["dave@example.com"], "the campaign is not taken, and carol is not written to");
}

#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_one_person_get_one_message_and_one_opt_out() {
    let service = Service::start(100).await;
    let spellings = [
        "Carol@example.com",
        "carol@EXAMPLE.com",
        "ada@bücher.example",
        "Ada@xn--bcher-kva.example",
        "Jörg@example.com",
        "JO\u{308}RG@example.com",
        "ΝΙΚΟΣ@example.com",
        "νικος@example.com",
    ];
    let rows = spellings.map(good);
    let (written, excluded, notes) = outcome(&service.state, "c", &rows).await;
    assert_eq!(
        written,
        ["Carol@example.com", "ada@xn--bcher-kva.example", "Jörg@example.com", "ΝΙΚΟΣ@example.com"]
    );
    assert_eq!((excluded, notes), (counts([("duplicate", 4)]), counts([("needs_smtputf8", 2)])));
    for recipient in service.state.recipients(&page("c", "en-US/vip", "us", 0)).await.unwrap() {
        service.state.opt_out(&recipient.unsubscribe_token).await.unwrap();
    }
    let (written, _, _) =
        outcome(&service.state, "later", &[&rows[..], &[good("x@example.com")]].concat()).await;
    assert_eq!(written, ["x@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_as_a_spreadsheet_saves_it() {
    let service = Service::start(100).await;
    let text = "\u{feff}Suppressed;Phone;SEGMENT;locale;Country;first_name;Email;id;birth_year;consent;consent_at;consent_source\r\n\
                No;+1;vip;en-US;United States; {{first_name}} ;\"Carol@example.com\" ;1;1980;Express;2025-01-01T00:00:00Z;form\r\n\
                0;;vip;en-US;us;*|FNAME|*;dave@example.com;2;;EXPRESS;2025-01-01T00:00:00Z;form\r\n";
    import(&service.state, "c", text).await.unwrap();
    let recipients = service.state.recipients(&page("c", "en-US/vip", "us", 0)).await.unwrap();
    let written: Vec<_> = recipients.iter().map(|to| (to.email.as_str(), to.first_name.as_str())).collect();
    assert_eq!(written, [("Carol@example.com", ""), ("dave@example.com", "")]);
    assert_eq!(summary(&service.state, "c").await.ignored_columns, ["Phone"]);
    // As PowerShell and pandas write it.
    let quoted = list_of(&[good("erin@example.com")]).replace(',', "\",\"").replace('\n', "\"\r\n\"");
    let quoted = format!("\u{feff}\"{}", quoted.strip_suffix('"').unwrap());
    import(&service.state, "quoted", quoted).await.unwrap();
    let recipients = service.state.recipients(&page("quoted", "en-US/vip", "us", 0)).await.unwrap();
    assert_eq!(recipients[0].email, "erin@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_takes_rows_into_it_silences_nobody() {
    let service = Service::start(100).await;
    // The quotes that open and close stand in rows of Ada and Bob; Carol's and Erin's are between.
    let rows = [
        good("ada@example.com").replace("Ada", "\"Ada"),
        good("carol@example.com").replace("express", "withdrawn"),
        good("erin@example.com").replace("false", "true"),
        good("bob@example.com").replace("Ada", "Bob\""),
        good("carol@example.com"),
        good("erin@example.com"),
        good("bob@example.com"),
        good("dave@example.com"),
    ];
    let (written, excluded, notes) = outcome(&service.state, "c", &rows).await;
    assert_eq!(written, ["dave@example.com"]);
    assert_eq!(excluded, counts([("invalid", 1), ("suppressed", 3)]));
    assert_eq!(notes, counts([("objection_assumed", 1)]));
    let later = ["ada@example.com", "carol@example.com", "erin@example.com", "bob@example.com"].map(good);
    let (written, _, _) = outcome(&service.state, "later", &later).await;
    assert_eq!(
        written,
        ["ada@example.com", "bob@example.com"],
        "what they said holds, what was assumed does not"
    );
    // In a column that means nothing here a note may have lines.
    let noted = list_of(&[good("frank@example.com") + ",\"a note\r\nof two lines\""])
        .replace("suppressed\n", "suppressed,note\n");
    import(&service.state, "noted", noted).await.unwrap();
    let recipients = service.state.recipients(&page("noted", "en-US/vip", "us", 0)).await.unwrap();
    assert_eq!(recipients[0].email, "frank@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_quote_takes_into_an_ignored_column_object() {
    let [ada, bob, dave] = ["ada@example.com", "bob@example.com", "dave@example.com"].map(good);
    let gone = good("carol@example.com").replace("false", "true");
    let withdrawn = good("carol@example.com").replace("express", "withdrawn");
    let noted = |row: &str, note: &str| row.replacen(",Ada,", &format!(",{note},Ada,"), 1);
    // Whole rows, halves of two, and one between two quotes that stand alone, in a column of ours that may hold anything.
    for (header, rows) in [
        ("suppressed,note", vec![format!("{ada},\"see file"), format!("{gone},"), format!("{bob},ok\"")]),
        ("email,note", vec![noted(&gone, "\"see"), noted(&bob, "ok\"")]),
        ("suppressed,implied_by", vec![format!("{ada},\""), format!("{withdrawn},\"")]),
    ] {
        let service = Service::start(100).await;
        let (column, _) = header.split_once(',').unwrap();
        let last = if column == "email" { noted(&dave, "") } else { format!("{dave},") };
        let list = list_of(&[rows, vec![last]].concat()).replacen(column, header, 1);
        assert_eq!(import(&service.state, "c", list).await.unwrap(), 2, "{header}");
        assert_eq!(written(&service.state, "c").await, ["dave@example.com"], "{header}");
        assert_eq!(summary(&service.state, "c").await.excluded.get("invalid"), Some(&1), "{header}");
        let later = [good("carol@example.com"), dave.clone()];
        assert_eq!(outcome(&service.state, "later", &later).await.0, ["dave@example.com"], "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_a_person_is_asked_for_their_age_and_country() {
    let service = Service::start(100).await;
    let bare = |email: &str| good(email).replace("express,2025-01-01T00:00:00Z,form", "none,,");
    let rows = [
        good("kid@example.com"),
        good("kid@example.com").replace("1980", "2015"),
        bare("mover@example.com"),
        bare("mover@example.com").replace(",US,", ",DE,"),
        bare("dave@example.com"),
    ];
    let (written, excluded, _) = outcome(&service.state, "c", &rows).await;
    assert_eq!(written, ["dave@example.com"]);
    assert_eq!(excluded, counts([("minor", 1), ("no_consent", 1), ("duplicate", 2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_to_be_told_that_it_is_an_advertisement() {
    let service = Service::start(100).await;
    let rows = [good("a@example.com"), good("b@example.com").replace("express", "none")];
    import(&service.state, "c", list_of(&rows)).await.unwrap();
    let recipients = service.state.recipients(&page("c", "en-US/vip", "us", 0)).await.unwrap();
    assert_eq!(recipients.iter().map(|to| to.advertisement).collect::<Vec<_>>(), [false, true]);
    // Somebody in two countries, whichever row comes first, and somebody in Canada alone.
    let implied = |email: &str| good(email).replace("express,2025-01-01", "implied,2026-01-01");
    let american = implied("mover@example.com");
    let canadian = american.replace(",US,", ",CA,");
    let other = implied("other@example.com").replace(",US,", ",CA,");
    for (sender, region, rows, advertisement) in [
        ("CA", "us", vec![american.clone(), canadian.clone()], true),
        ("CA", "ca", vec![canadian, american], true),
        ("CA", "ca", vec![other.clone()], false),
        ("US", "ca", vec![other], true),
    ] {
        let campaign = format!("{sender} {region} {}", rows.len());
        let list = futures::stream::iter([Ok(bytes::Bytes::from(list_of(&rows)))]);
        service.state.import(&campaign, AS_OF, Sender { country: sender, ..SENDER }, list).await.unwrap();
        let recipients = service.state.recipients(&page(&campaign, "en-US/vip", region, 0)).await.unwrap();
        let told: Vec<_> = recipients.iter().map(|to| to.advertisement).collect();
        assert_eq!(told, [advertisement], "{campaign}");
    }
}
