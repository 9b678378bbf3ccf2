//! Importing: all of a list or nothing, once, and again as often as it comes.

use std::time::Duration;

use futures::StreamExt as _;
use tonic::Code;

use super::{AS_OF, Calls as _, Compliance, HEADER, Row, chunk, code, header, list, parts, plain};

/// How long something may take that is under way already.
const SOON: Duration = Duration::from_secs(20);

/// Every row but the header counts, whatever is decided of it and however the list is cut.
pub async fn an_import_answers_its_rows(service: &impl Compliance) {
    let lines = [
        Row { at: 0, country: "GB", cohort: ("en-GB", "all") }.line(),
        "this is no row".to_owned(),
        Row { at: 0, country: "GB", cohort: ("en-GB", "all") }.line(),
        Row { at: 1, country: "US", cohort: ("en-US", "all") }.line().replace("false", "true"),
    ];
    assert_eq!(service.send(parts("cut", AS_OF, list(lines.clone()).as_bytes(), 7)).await.unwrap(), 4);
    // The last line needs no end, and an empty one is no row.
    let open = format!("{HEADER}\r\n\r\n{}", lines.join("\r\n"));
    assert_eq!(service.try_import("open", open).await.unwrap(), 4);
    let cohorts = |summary: maily_proto::compliance::SummaryReply| (summary.excluded, summary.cohorts);
    let [cut, open] = [service.summary("cut").await.unwrap(), service.summary("open").await.unwrap()];
    assert_eq!(cohorts(cut), cohorts(open));
}

/// A client that never saw the answer imports again; another list may not take the first one's place.
pub async fn the_same_list_again_answers_as_the_first(service: &impl Compliance) {
    let bytes = plain(5);
    service.import("c", &bytes).await;
    let first = service.summary("c").await.unwrap();
    assert_eq!(service.send(parts("c", AS_OF, bytes.as_bytes(), 10)).await.unwrap(), 5);
    for other in [plain(4), plain(6), String::new()] {
        assert_eq!(code(service.try_import("c", other).await), Code::AlreadyExists);
    }
    let later = service.send(parts("c", "2026-04-02T09:00:00+02:00", bytes.as_bytes(), 10)).await;
    assert_eq!(code(later), Code::AlreadyExists);
    assert_eq!(service.summary("c").await.unwrap(), first);
}

/// A fault of the file is one sentence with its line, for the people whose list it is, and leaves nothing.
pub async fn a_faulty_list_is_refused_whole(service: &impl Compliance) {
    let good = plain(1);
    let with = |tail: &[u8]| [good.as_bytes(), tail].concat();
    let wrong_header = format!("line 1: the header has no column id; it has to have {HEADER}");
    let foreign =
        "not UTF-8, perhaps Windows-1252 or another encoding of one byte a letter; save the list as UTF-8";
    for (bytes, sentence) in [
        (Vec::new(), format!("the list is empty: its first line must be {HEADER}")),
        (b"a,b,c\n1,2,3\n".to_vec(), wrong_header),
        (with(b"2,\"person@mail.example\n"), "line 3: a quote is opened and never closed".into()),
        (with(b"2,\xe9@mail.example\n"), format!("line 3: {foreign}")),
        (with(&[b'x'; 70 << 10]), "line 3: a field is longer than 64 KiB".into()),
    ] {
        let refused = service.try_import("c", bytes).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, sentence.as_str()));
    }
    assert_eq!(code(service.summary("c").await), Code::NotFound);
    assert_eq!(service.try_import("c", good).await.unwrap(), 1, "the campaign is not taken");
}

/// The uploading client is told at once, not behind a gigabyte.
pub async fn a_refusal_does_not_wait_for_the_end_of_the_list(service: &impl Compliance) {
    let begun = [header("c", AS_OF), chunk(b"no header\n"), chunk(b"and so on\n")];
    let endless = futures::stream::iter(begun).chain(futures::stream::pending());
    let mut client = service.client();
    let refused = tokio::time::timeout(SOON, client.import(endless)).await.expect("is answered");
    assert_eq!(code(refused), Code::InvalidArgument);
}

/// A torn upload cancels the call; what came of the list is not taken for a whole one.
pub async fn a_list_that_breaks_off_is_none(service: &impl Compliance) {
    let begun = parts("c", AS_OF, plain(5).as_bytes(), 64 << 10);
    let torn = futures::stream::iter(begun).chain(futures::stream::pending());
    let mut client = service.client();
    let cancelled = tokio::time::timeout(Duration::from_millis(200), client.import(torn)).await;
    assert!(cancelled.is_err(), "an import ends where its list does");
    assert_eq!(code(service.summary("c").await), Code::NotFound);
    let again = async {
        // Nothing tells when the service has heard of the cancelled call; until then it says that it is busy.
        loop {
            match service.try_import("c", plain(2)).await {
                Err(busy) if busy.code() == Code::Aborted => tokio::task::yield_now().await,
                answer => return answer,
            }
        }
    };
    let again = tokio::time::timeout(SOON, again).await.expect("the cancelled call ends");
    assert_eq!(again.unwrap(), 2, "the campaign is not taken");
}

/// What the stream has to be made of.
pub async fn a_malformed_import_is_refused(service: &impl Compliance) {
    let bytes = plain(1);
    let whole = |campaign: &str, as_of: &str| parts(campaign, as_of, bytes.as_bytes(), 64 << 10);
    let long = [header("c", AS_OF), chunk(&[b'x'; (256 << 10) + 1])].to_vec();
    for parts in [
        Vec::new(),
        whole("c", AS_OF).split_off(1),
        [whole("c", AS_OF), whole("c", AS_OF)].concat(),
        long,
        whole("", AS_OF),
        whole("a\nb", AS_OF),
        whole("c", "2026-04-01"),
        whole("c", "2999-01-01T00:00:00Z"),
    ] {
        assert_eq!(code(service.send(parts).await), Code::InvalidArgument);
    }
    assert_eq!(code(service.summary("c").await), Code::NotFound);
}

/// The orchestrator gives up at once on this code, and hands the sentence on: it must name no path.
pub async fn a_disk_that_refuses_is_told_as_such(service: &impl Compliance) {
    service.break_disk();
    let refused = service.try_import("c", plain(1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let sentence = "the list can't be staged: the service's disk ";
    assert!(refused.message().starts_with(sentence) && !refused.message().contains('/'), "{refused}");
    assert_eq!(code(service.summary("c").await), Code::NotFound);
}
