//! Files that are refused as a whole: one sentence, nothing left behind.

use maily_compliance::{Config, Error, State};

use crate::common::{AS_OF, HEADER, SENDER, Service, clock, config, import, import_in, list, roots};

const GOOD: &str = "1,a@b.de,Ada,DE,en,all,1980,express,2025-01-01T00:00:00Z,form,false\n";

async fn refused(state: &State, campaign: &str, list: &[u8]) -> String {
    match import_in(state, campaign, list, 50_000).await {
        Err(Error::List(fault)) => fault.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_one_sentence_and_leaves_nothing() {
    let service = Service::start(100).await;
    let columns = HEADER.trim_end();
    let lacks = |column: &str| format!("line 1: the header has no column {column}; it has to have {columns}");
    let foreign =
        "not UTF-8, perhaps Windows-1252 or another encoding of one byte a letter; save the list as UTF-8";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| HEADER.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let with = |tail: &[u8]| [HEADER.as_bytes(), GOOD.as_bytes(), tail].concat();
    for (list, sentence) in [
        (b"".to_vec(), format!("the list is empty: its first line must be {columns}")),
        (b"\n\r\n".to_vec(), format!("the list is empty: its first line must be {columns}")),
        // A person's line is not quoted.
        (GOOD.as_bytes().to_vec(), lacks("id")),
        (HEADER.replace("email", "mail").into_bytes(), lacks("email")),
        (HEADER.replace(",suppressed", "").into_bytes(), lacks("suppressed")),
        (HEADER.replace("id,", "id,ID,").into_bytes(), "line 1: the header has the column id twice".into()),
        (utf16(u16::to_le_bytes), "the list is UTF-16 (little-endian); save it as UTF-8".into()),
        (utf16(u16::to_be_bytes), "the list is UTF-16 (big-endian); save it as UTF-8".into()),
        (b"\xff\xfei\0d\0".to_vec(), "the list is UTF-16 (little-endian); save it as UTF-8".into()),
        (
            b"PK\x03\x04\x14\0".to_vec(),
            "the list is an Excel workbook or another ZIP file; save it as UTF-8".into(),
        ),
        (with(b"2,\"a@b.de\n,x\n"), "line 3: a quote is opened and never closed".into()),
        (with(b"\n2,\xe9@b.de\n"), format!("line 4: {foreign}")),
        (with(b"2,caf\xc3"), format!("line 3: {foreign}")),
        (
            with(format!("2,{}", "x".repeat(10 << 20)).as_bytes()),
            "line 3: a field is longer than 64 KiB".into(),
        ),
    ] {
        assert_eq!(refused(&service.state, "bad", &list).await, sentence);
    }
    assert!(std::fs::read_dir(service.folder.path().join("data/staging")).unwrap().next().is_none());
    // The name is still free.
    assert_eq!(import(&service.state, "bad", format!("{HEADER}{GOOD}")).await.unwrap(), 1);
    service.state.verify().await.unwrap();
}

/// What objections take is bounded by rows, not by bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_names_no_more_people_than_it_may_have_rows() {
    let folder = tempfile::tempdir().unwrap();
    let limited = Config { max_rows: 1_500, ..config(folder.path(), 100) };
    let state =
        State::open_with(&limited, &folder.path().join("data"), roots(&limited), clock()).await.unwrap();
    let people = |from: usize, to: usize| (from..to).map(|at| format!("p{at}@b.us;")).collect::<String>();
    let row = |people: &str| format!("{HEADER}{GOOD}{people},withdrawn\n");
    assert_eq!(
        refused(&state, "row", row(&people(0, 1_001)).as_bytes()).await,
        "line 3: the row can't be read, somebody may object in it, and it has more than 1000 @ signs"
    );
    // Where nobody objects they may be as many as fit.
    let clear = format!("{HEADER}{GOOD}{}", GOOD.replace("a@b.de", &people(0, 1_001)));
    assert_eq!(import(&state, "clear", clear).await.unwrap(), 2);
    let many = format!("{}{},withdrawn\n", row(&people(0, 900)), people(900, 1_600));
    assert_eq!(
        refused(&state, "many", many.as_bytes()).await,
        "the list has more than 1500 people, or more than as many objections"
    );
    let again = format!("{}{},withdrawn\n", row(&people(0, 900)), people(0, 900));
    assert!(
        refused(&state, "again", again.as_bytes()).await.starts_with("the list has more than 1500 people")
    );
    assert!(!state.find("p1@b.us").await.unwrap().suppressed, "nothing of it is kept");
    import(&state, "fits", row(&people(0, 900))).await.unwrap();
    for person in ["p0@b.us", "p899@b.us"] {
        assert!(state.find(person).await.unwrap().suppressed, "{person}");
    }
    state.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_objects_behind_what_is_kept_of_a_row_is_not_passed_over() {
    let service = Service::start(100).await;
    let with = |row: &str| format!("{HEADER}{GOOD}{row}\n").into_bytes();
    let (wide, filled) = (",".repeat(257), format!("{},", "x".repeat(60_000)));
    // The first MiB ends within the domain.
    let torn =
        format!("{}{} late@b.example,true", filled.repeat(17), "x".repeat((1 << 20) - 17 * 60_000 - 11));
    for row in [
        format!("{wide}late@b.de,true"),
        format!("{wide}mailto:late%40b.de,true"),
        format!("{}late@b.de,true", filled.repeat(18)),
        torn,
    ] {
        assert_eq!(
            refused(&service.state, "bad", &with(&row)).await,
            "line 3: the row can't be read, and may have addresses behind its 257th field or its first MiB"
        );
    }
    // Who objects before that is known, and nobody is in the rest.
    for (at, rest) in [wide, filled.repeat(18)].into_iter().enumerate() {
        let row = format!("early{at}@b.de,true,{rest}");
        assert_eq!(import(&service.state, &format!("c{at}"), with(&row)).await.unwrap(), 2);
        let early = service.state.find(&format!("early{at}@b.de")).await.unwrap();
        assert!(early.rows.is_empty() && !early.suppressed, "what is assumed holds for its list");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_limits() {
    let folder = tempfile::tempdir().unwrap();
    let regions = vec!["eu".to_owned()];
    let limited = Config { max_rows: 3, max_bytes: 2_000, regions, ..config(folder.path(), 100) };
    let state =
        State::open_with(&limited, &folder.path().join("data"), roots(&limited), clock()).await.unwrap();
    let rows = |count| format!("{HEADER}{}", GOOD.repeat(count));
    assert_eq!(import(&state, "three", rows(3)).await.unwrap(), 3);
    assert_eq!(refused(&state, "four", rows(4).as_bytes()).await, "the list has more than 3 rows");
    assert_eq!(refused(&state, "long", rows(100).as_bytes()).await, "the list is longer than 2000 bytes");
    let american = format!("{HEADER}{GOOD}{}", GOOD.replace("DE", "US"));
    let sentence = "line 3: the row belongs to region us, which is not kept here";
    assert_eq!(refused(&state, "us", american.as_bytes()).await, sentence);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_cohorts_are_refused() {
    let service = Service::start(100).await;
    let row = |at: usize| GOOD.replace("all", &format!("s{at}"));
    let list: String = std::iter::once(HEADER.to_owned()).chain((0..=1_000).map(row)).collect();
    let sentence = refused(&service.state, "wide", list.as_bytes()).await;
    assert_eq!(sentence, "the list has more than 1000 cohorts, or more than 512 KiB of cohort names");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_is_refused_before_the_list_is_read() {
    let service = Service::start(100).await;
    let none = || futures::stream::pending();
    for (campaign, as_of) in [
        ("", AS_OF),
        ("a\nb", AS_OF),
        (&*"x".repeat(257), AS_OF),
        ("c", "2026-04-01"),
        ("c", "2026-07-01T00:00:00Z"),
    ] {
        assert!(matches!(
            service.state.import(campaign, as_of, SENDER, none()).await,
            Err(Error::Request(_))
        ));
    }
    let chunk = vec![b'x'; (256 << 10) + 1];
    let long = import_in(&service.state, "c", chunk, usize::MAX).await;
    assert!(matches!(long, Err(Error::Request("a chunk is longer than 256 KiB"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_leaves_nothing() {
    let service = Service::start(100).await;
    let good = list(2_000);
    let chunks = [Ok(good.clone().into_bytes().into()), Err(Error::BrokenOff)];
    let broken = service.state.import("c", AS_OF, SENDER, futures::stream::iter(chunks)).await;
    assert!(matches!(broken, Err(Error::BrokenOff)));
    assert_eq!(import(&service.state, "c", list(5)).await.unwrap(), 5, "the campaign is not taken");
}
