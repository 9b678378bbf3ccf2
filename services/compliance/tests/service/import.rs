//! Importing good lists: every code of the table, counts, repetition, and what the disk holds afterwards.

use bytes::Bytes;
use futures::{StreamExt, stream};
use maily_compliance::api::Api;
use maily_compliance::{Error, Sender};
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use tokio::sync::oneshot;
use tonic::Request;

use crate::common::{AS_OF, HEADER, SENDER, Service, import, import_in, list, page};

/// One row for every line of DESIGN.md's table.
const EVERY_CODE: &str = "\
1,Ada@Example.DE,Ada,DE,en-GB,vip,1980,express,2025-01-01T00:00:00Z,form,false
2,Ada@example.de,Ada again,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
3,s@example.de,S,DE,en-GB,vip,1980,express,2025-01-01T00:00:00Z,form,false
4,s@example.de,S,US,en-US,vip,1980,express,,,true
5,w@example.us,W,US,en-US,vip,1980,express,,,false
6,w@example.us,W,US,en-US,vip,1980,withdrawn,,,false
7,m@example.us,M,US,en-US,vip,2008,express,,,false
8,n@example.fr,N,FR,en-GB,vip,,implied,2025-01-01T00:00:00Z,form,false
9,i@example.ca,I,CA,en-CA,vip,,implied,2025-10-01T06:59:59Z,shop,false
10,j@example.ca,J,CA,en-CA,vip,,implied,2025-10-01T07:00:00Z,shop,false
11,u@example.us,\"Jo, \"\"JJ\"\" <b>{{x}}</b>\",US,en-US,vip,,none,,,false
12,not an address,X,DE,en-GB,vip,,express,2025-01-01T00:00:00Z,form,false
13,k@example.jp,K,JP,en-GB,vip,,express,2025-01-01T00:00:00Z,form,false
14,l@example.ch,L,CH,en-GB,vip,,express,2025-01-01T00:00:00Z,form,false
15,o@example.uk,O,GB,en-GB,vip,,express,2026-04-02T00:00:00Z,form,false
16,p@example.de,P,DE,en-GB,vip,,express,2025-01-01T00:00:00Z,form,fal";

fn summary(summary: &pb::SummaryReply) -> String {
    let mut excluded: Vec<_> = summary.excluded.iter().map(|(code, rows)| format!("{code}={rows}")).collect();
    excluded.sort();
    let mut lines = vec![format!("rows={} {}", summary.rows, excluded.join(" "))];
    for cohort in &summary.cohorts {
        let region =
            |region: &pb::CohortRegion| format!("{}:{}/{}", region.region, region.recipients, region.pages);
        let regions: Vec<_> = cohort.regions.iter().map(region).collect();
        lines.push(format!("{}={} {}", cohort.name, cohort.recipients, regions.join(" ")));
    }
    lines.join("\n")
}

async fn ask(service: &Service, campaign: &str) -> pb::SummaryReply {
    let request = Request::new(pb::SummaryRequest { campaign_id: campaign.into() });
    Api::new(service.state.clone()).summary(request).await.unwrap().into_inner()
}

async fn invalid(service: &Service, after_line: u64, limit: u32) -> Vec<(u64, String, String)> {
    let request = Request::new(pb::InvalidRowsRequest { campaign_id: "c".into(), after_line, limit });
    let reply = Api::new(service.state.clone()).invalid_rows(request).await.unwrap().into_inner();
    reply.rows.into_iter().map(|row| (row.line, row.field, row.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_the_table() {
    let service = Service::start(1_000).await;
    assert_eq!(import_in(&service.state, "c", format!("{HEADER}{EVERY_CODE}"), 7).await.unwrap(), 16);
    let wanted = "rows=16 duplicate=3 implied_expired=1 invalid=3 minor=1 no_consent=1 suppressed=1 withdrawn=1\n\
                  en-CA/vip=1 ca:1/1\nen-GB/vip=3 eu:2/1 ch:1/1\nen-US/vip=1 us:1/1";
    assert_eq!(summary(&ask(&service, "c").await), wanted);
    let faults = [
        (13, "email", "is not local@domain"),
        (16, "consent_at", "is after the import"),
        (17, "suppressed", "is not true or false, yes or no, 1 or 0"),
    ];
    let faults = faults.map(|(line, field, reason)| (line, field.to_owned(), reason.to_owned()));
    assert_eq!(invalid(&service, 0, 0).await, faults);
    assert_eq!(invalid(&service, 13, 1).await, faults[1..2]);
    assert_eq!(invalid(&service, 17, 0).await, []);

    let us = service.state.recipients(&page("c", "en-US/vip", "us", 0)).await.unwrap();
    assert_eq!((us[0].line, us[0].email.as_str()), (12, "u@example.us"));
    assert_eq!(us[0].first_name, "Jo, \"JJ\" <b>{{x}}</b>", "a name is data");
    let eu = service.state.recipients(&page("c", "en-GB/vip", "eu", 0)).await.unwrap();
    let eu: Vec<_> = eu.iter().map(|recipient| (recipient.line, recipient.email.as_str())).collect();
    assert_eq!(eu, [(2, "Ada@example.de"), (14, "k@example.jp")]);
    assert_eq!(
        service.state.verify().await.unwrap().links["eu"],
        2,
        "the import, and the word that no table knows"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_spreadsheet_leaves_behind_the_data_is_no_row() {
    let service = Service::start(10).await;
    let left = ",,,,,,,,,,\r\n \n, ,\u{a0}\n";
    let text = format!("{left}{HEADER}{EVERY_CODE}\n{left}");
    assert_eq!(import_in(&service.state, "c", text, 7).await.unwrap(), 16);
    let lines: Vec<_> = invalid(&service, 0, 0).await.into_iter().map(|(line, _, _)| line).collect();
    assert_eq!(lines, [16, 19, 20], "lines are those of the file");
    // Nobody is in such a list, and it is not refused for that.
    assert_eq!(import(&service.state, "nobody", format!("{HEADER}{left}")).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_listed_with_what_tells_them_apart() {
    let service = Service::start(10).await;
    import(&service.state, "first", list(5)).await.unwrap();
    let planned = "2026-04-30T09:00:00+02:00";
    let sender = Sender { country: "Germany", ..SENDER };
    let chunks = stream::iter([Ok(list(7).into_bytes().into())]);
    service.state.import("second", planned, sender, chunks).await.unwrap();
    let refused = [HEADER, "1,a@b.us,Ada,,en-US,vip,1980,withdrawn,,,false\n"].concat();
    import(&service.state, "third", refused).await.unwrap_err();
    let imports = service.state.imports().await.unwrap().imports;
    let listed = |campaign: &str| {
        let import =
            imports.iter().find(|import| import.refused.as_deref().unwrap_or(&import.campaign) == campaign);
        let import = import.unwrap();
        (import.rows, import.sender_country.clone().unwrap(), import.planned.clone().unwrap())
    };
    assert_eq!(listed("first"), (5, "US".to_owned(), "2026-04-01T07:00:00Z".to_owned()));
    assert_eq!(listed("second"), (7, "DE".to_owned(), "2026-04-30T07:00:00Z".to_owned()));
    assert_eq!(listed("third"), (1, "US".to_owned(), "2026-04-01T07:00:00Z".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_answers_the_same_and_another_list_is_refused() {
    let service = Service::start(10).await;
    assert_eq!(import(&service.state, "c", list(50)).await.unwrap(), 50);
    let first = ask(&service, "c").await;
    let service = service.restart(20).await;
    assert_eq!(import_in(&service.state, "c", list(50), 999).await.unwrap(), 50);
    assert!(matches!(import(&service.state, "c", list(51)).await, Err(Error::OtherList)));
    assert!(matches!(import(&service.state, "c", list(49)).await, Err(Error::OtherList)));
    let bytes = list(50).into_bytes();
    let chunks = stream::iter([Ok(bytes.into())]);
    assert!(matches!(
        service.state.import("c", "2026-04-01T07:00:00Z", SENDER, chunks).await,
        Err(Error::OtherList)
    ));
    // The same list at the same moment: the sentence names what is left that may differ.
    for sender in [Sender { country: "CA", ..SENDER }, Sender { address: "", ..SENDER }] {
        let chunks = stream::iter([Ok(list(50).into_bytes().into())]);
        let refused = service.state.import("c", AS_OF, sender, chunks).await.unwrap_err();
        assert!(matches!(refused, Error::OtherList) && refused.to_string().contains("sender"), "{refused}");
    }
    assert_eq!(ask(&service, "c").await, first, "the page size of the import stays");
    assert_eq!(first.page_size, 10);
    assert_eq!(service.state.verify().await.unwrap().links.values().sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_campaign_is_imported_by_one_call_at_a_time() {
    let service = Service::start(10).await;
    let (reading, is_reading) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let chunk = async move {
        reading.send(()).unwrap();
        may_go_on.await.unwrap();
        Ok(HEADER.into())
    };
    let state = service.state.clone();
    let first =
        tokio::spawn(async move { state.import("c", AS_OF, SENDER, Box::pin(stream::once(chunk))).await });
    is_reading.await.unwrap();
    let second = import(&service.state, "c", "").await.unwrap_err();
    assert!(matches!(second, Error::Importing) && !second.is_permanent());
    go_on.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap(), 0);
    assert_eq!(ask(&service, "c").await.rows, 0);
}

/// A list whose second part never comes, and a signal that its first was asked for.
fn stalled(
    first: &str,
) -> (impl futures::Stream<Item = Result<Bytes, Error>> + Unpin + use<>, oneshot::Receiver<()>) {
    let (reading, is_reading) = oneshot::channel();
    let first = Bytes::copy_from_slice(first.as_bytes());
    let begin = stream::once(async move {
        reading.send(()).unwrap();
        Ok(first)
    });
    (Box::pin(begin.chain(stream::pending())), is_reading)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_comes_again_disturbs_nobody() {
    let service = Service::start(10).await;
    import(&service.state, "c", list(50)).await.unwrap();
    let first = ask(&service, "c").await;
    let mut under_way = Vec::new();
    // More than are judged at once: a comparison takes no such place.
    for _ in 0..3 {
        let (chunks, is_reading) = stalled(HEADER);
        let state = service.state.clone();
        under_way.push(tokio::spawn(async move { state.import("c", AS_OF, SENDER, chunks).await }));
        is_reading.await.unwrap();
    }
    assert_eq!(ask(&service, "c").await, first);
    let at = page("c", "en-GB/seg0", "us", 0);
    assert_eq!(service.state.recipients(&at).await.unwrap().len(), 9);
    assert_eq!(service.state.hand_off(at, "s".into()).await.unwrap().handed_off, 9);
    assert_eq!(import(&service.state, "c", list(50)).await.unwrap(), 50);
    assert_eq!(import(&service.state, "d", list(20)).await.unwrap(), 20);
    under_way.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_do_not_go_on_keep_no_other_out() {
    let service = Service::start(10).await;
    let mut under_way = Vec::new();
    // More than are judged at once.
    for n in 0..3 {
        let (chunks, is_reading) = stalled(HEADER);
        let state = service.state.clone();
        let import = async move { state.import(&format!("slow {n}"), AS_OF, SENDER, chunks).await };
        under_way.push(tokio::spawn(import));
        is_reading.await.unwrap();
    }
    assert_eq!(import(&service.state, "quick", list(50)).await.unwrap(), 50);
    under_way.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Lists of one caller that may be under way at once.
const SHARE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_trickle_lists_keep_no_other_out() {
    let service = Service::start(10).await;
    import(&service.state, "first", list(50)).await.unwrap();
    let mut under_way = tokio::task::JoinSet::new();
    for caller in ["ann", "bob"] {
        for n in 0..SHARE {
            let (chunks, is_reading) = stalled(HEADER);
            let state = service.state.clone();
            // Half of them come for the second time, and are compared.
            let campaign = if n % 2 == 0 { "first".to_owned() } else { format!("{caller} {n}") };
            under_way.spawn(async move { state.import_for(caller, &campaign, AS_OF, SENDER, chunks).await });
            is_reading.await.unwrap();
        }
        let more = service.state.import_for(caller, "more", AS_OF, SENDER, stream::empty()).await;
        assert!(matches!(more, Err(Error::Busy)), "{more:?}");
        // One who has none finds a place, also where all are taken.
        let chunks = stream::iter([Ok(Bytes::from(list(50)))]);
        let quick = format!("quick beside {caller}");
        let imported = service.state.import_for("cid", &quick, AS_OF, SENDER, chunks).await;
        assert_eq!(imported.unwrap(), 50);
    }
    // It was the place of one of them.
    let gone = under_way.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(matches!(gone, Error::GaveWay) && !gone.is_permanent());
    assert!(under_way.try_join_next().is_none());
    assert_eq!(import(&service.state, "first", list(50)).await.unwrap(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_lies_in_the_open() {
    let service = Service::start(10).await;
    import(&service.state, "c", list(40)).await.unwrap();
    let at = page("c", "en-GB/seg0", "us", 0);
    let token = service.state.recipients(&at).await.unwrap()[0].unsubscribe_token.clone();
    service.state.opt_out(&token).await.unwrap();
    service.state.hand_off(at, "segment".into()).await.unwrap();
    service.state.close().await;
    let (mut folders, mut files, mut found) = (vec![service.folder.path().to_owned()], 0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            files += 1;
            let needles: [&[u8]; 4] = [b"@mail.example", b"Name12", b"2025-01-01T00", b"en-GB"];
            let holds = |needle: &&[u8]| bytes.windows(needle.len()).any(|window| window == *needle);
            found.extend(needles.iter().filter(|needle| holds(needle)).map(|_| path.clone()));
        }
    }
    assert!(files > 20, "{files} files");
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}
