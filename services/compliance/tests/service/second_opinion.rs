//! Random lists, decided here and by `tests/reference/decide.py`, which shares nothing with us.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use maily_compliance::api::Api;
use maily_compliance::{Sender, State};
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::Request;

use crate::common::{AS_OF, SENDER, Service, page};

const ROWS: usize = 20_000;
const EMAILS: &[&str] = &[
    "a b@c.de",
    "a@b",
    "@b.c",
    "a@@b.c",
    ".a@b.c",
    "a..b@c.d",
    "a@-b.c",
    "\"\"\"q\"\"@b.c\"",
    "ü@bücher.example",
    "a\u{200b}@b.example",
    "\u{feff}a@b.example",
    "a\u{200d}b@c.example",
    "a@b\u{ad}.example",
    "a@b.example\u{202c}",
    "a@b.c.",
    "",
    "P1@example.org ",
    "Pat <p2@Example.org>",
    "mailto:p3@example.org",
    "p4@BÜCHER.example",
    "P4@xn--bcher-kva.example",
    "Jörg@example.org",
    "JO\u{308}RG@example.org",
    "(p5@example.org)",
    "SMTP:p6@example.org",
    "p7@example.org|p8@example.org",
    "p7@example.org/P9@example.org",
    "mailto:p6%2Bnews@example.org?subject=stop",
    "P6+news@example.org",
    "\"\"\"p8\"\"@example.org\"",
    "ΝΙΚΟΣ@example.org",
    "νικος@example.org",
    "STRASSE@example.org",
    "straße@example.org",
    "*p3@example.org*",
    "\"\"\"p4\"\"@example.org#\"",
    "'p5@example.org",
    "email=p6@example.org",
    "“p7@example.org”",
    "»Jörg@BÜCHER.example«",
];
const COUNTRIES: &[&str] = &[
    "DE",
    "FR",
    "NO",
    "RE",
    "AX",
    "GB",
    "CH",
    "CA",
    "CA",
    "US",
    "US",
    "JP",
    "PR",
    "JE",
    "UK",
    "XK",
    "de",
    "Germany",
    " united states",
    "",
];
const YEARS: &[&str] = &["", "", "1980", "2006", "2007", "2008", "2030", "80", "+198", "0000", "١٩٨٠"];
const CONSENTS: &[&str] = &[
    "express",
    "express",
    "express",
    "implied",
    "implied",
    "withdrawn",
    "none",
    "",
    "Express",
    " IMPLIED",
    "Withdrawn ",
    "opted out",
];
const MOMENTS: &[&str] = &[
    "2025-01-01T00:00:00Z",
    "2025-01-01T00:00:00Z",
    "2025-06-01T12:00:00.5+05:30",
    "",
    "2024-04-30T09:00:00+00:00",
    "2024-04-30T08:59:59.999Z",
    "2024-04-30T10:00:00+01:00",
    "2025-10-30T09:00:00Z",
    "2025-10-30T08:59:59Z",
    "2026-04-01T07:00:00Z",
    "2026-04-01T07:00:01Z",
    "2999-01-01T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2025-01-01",
    "2025-01-01 00:00:00Z",
    "2025-01-01T00:00:00",
    "2025-01-01t00:00:00z",
];
const NAMES: &[&str] = &[
    "",
    "Ada",
    "\"Jo; \"\"JJ\"\"\"",
    "{{first_name}}",
    "<b>x</b>",
    "Ünï",
    "Tim",
    "Eva",
    "Ida",
    "p9@example.org",
    "\"two\r\nlines\"",
    // A quote that stood in one row and another in a row below.
    "\"Ada;DE;en-GB;all;;express;;form;false\r\n;7;p3@example.org;Bo;US;en-GB;vip;;withdrawn;;;true\n;8;p4@example.org;Bo\"",
];

/// Of a column that means nothing here.
const NOTES: &[&str] = &[
    "",
    "called p9@example.org",
    "\"two\nlines\"",
    "\"p3@example.org called;\nthen p4@example.org\"",
    // Rows that stand behind a stray quote, whole ones and halves of two, and what is no row by one separator.
    "\"see file\r\n;7;p3@example.org;Bo;US;en-GB;vip;;withdrawn;;;true;\n;8;p4@example.org;Bo;US;en-GB;vip;;none;;;no;ok\"",
    "\"\n;7;p5@example.org;Bo;US;en-GB;vip;;express;;;yes;\"",
    "\"x;Bo;US;en-GB;vip;;;\n;7;p6@example.org;Bo;US;\"",
    "\"x;Bo;US;en-GB;vip;;;\n;7;p7@example.org;Bo;US;;\"",
];

/// What spreadsheets leave behind the data.
const BLANKS: &[&str] =
    &[";;;;;;;;;;;;\n", ";\n", " ; ;\u{a0}\r\n", "\"\";\"\r\n\";\n", "  \n", ";;;;;;;;;;;;;;;;;;\n"];

/// A semicolon between the columns, which stand in another order, one of them optional and one of no meaning.
const MIXED: &str = "implied_by;id;Email; first_name;country;locale;segment;birth_year;consent;consent_at;consent_source;suppressed;note\n";

/// The same, with the flag in the first column.
const FLAG_FIRST: &str = "suppressed;implied_by;id;Email; first_name;country;locale;segment;birth_year;consent;consent_at;consent_source;note\n";

/// A row of mostly good values of one of so many people, sometimes with a field too few or too many.
fn row(random: &mut ChaCha8Rng, at: usize, people: usize, flag_first: bool) -> String {
    let mut pick = |values: &[&'static str], bad: u32| {
        let common = values.first().copied().unwrap_or_default();
        let other = random.random_ratio(bad, 100);
        if other { values.choose(random).copied().unwrap_or(common) } else { common }
    };
    let (email, country, year, consent) =
        (pick(EMAILS, 6), pick(COUNTRIES, 90), pick(YEARS, 40), pick(CONSENTS, 60));
    let (odd, name, moment) = (email != EMAILS[0], pick(NAMES, 50), pick(MOMENTS, 60));
    let source = pick(&["form", "", "\"a; b\""], 30);
    let suppressed =
        pick(&["false", "true", "false", "No", "TRUE", "yes", "1", "0", " false", "unsubscribed", ""], 20);
    let by = pick(&["", "purchase", "Contract", "inquiry", "x"], 60);
    let (segment, note) = (pick(&["all", "vip", "new", ""], 30), pick(NOTES, 10));
    let tail = pick(&["", ";x", ";other@example.org", "\r"], 3);
    let domain = ["Example.org", "example.org", "EXAMPLE.net"][random.random_range(0..3)];
    let letter = ["P", "p"][random.random_range(0..2)];
    let usual = format!("{letter}{}@{domain}", random.random_range(0..people));
    let email = if odd { email } else { usual.as_str() };
    let blank = if at.is_multiple_of(5) { BLANKS[at / 5 % BLANKS.len()] } else { "" };
    let rest =
        format!("{by};{at};{email};{name};{country};en-GB;{segment};{year};{consent};{moment};{source}");
    match flag_first {
        true => format!("{blank}{suppressed};{rest};{note}{tail}\n"),
        false => format!("{blank}{rest};{suppressed};{note}{tail}\n"),
    }
}

async fn ours(state: &State, campaign: &str, as_of: &str, sender: &str, list: Vec<u8>) -> Value {
    let chunks: Vec<_> = list.chunks(4_096).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
    let sender = Sender { country: sender, address: "" };
    state.import(campaign, as_of, sender, futures::stream::iter(chunks)).await.unwrap();
    let api = Api::new(state.clone());
    let campaign_id = campaign.to_owned();
    let summary = api.summary(Request::new(pb::SummaryRequest { campaign_id: campaign_id.clone() })).await;
    let summary = summary.unwrap().into_inner();
    let (mut regions, mut cohorts) = (BTreeMap::new(), BTreeMap::new());
    for cohort in summary.cohorts {
        cohorts.insert(cohort.name, cohort.recipients);
        for region in cohort.regions {
            *regions.entry(region.region).or_insert(0) += region.recipients;
        }
    }
    let mut invalid: Vec<Value> = Vec::new();
    let mut after_line = 0;
    loop {
        let request = pb::InvalidRowsRequest { campaign_id: campaign_id.clone(), after_line, limit: 3_000 };
        let rows = api.invalid_rows(Request::new(request)).await.unwrap().into_inner().rows;
        let Some(last) = rows.last() else { break };
        after_line = last.line;
        invalid.extend(rows.iter().map(|row| json!({ "line": row.line, "field": row.field })));
    }
    let excluded: BTreeMap<_, _> = summary.excluded.into_iter().collect();
    let written: u64 = cohorts.values().sum();
    let note = |name: &str| summary.notes.get(name).copied().unwrap_or_default();
    json!({ "objection_assumed": note("objection_assumed"), "objection_unknown_word": note("objection_unknown_word"),
            "rows": summary.rows, "written": written, "excluded": excluded, "by_region": regions, "cohorts": cohorts,
            "invalid": invalid })
}

fn theirs(folder: &Path, imported: &str) -> Value {
    let script = root().join("tests/reference/decide.py");
    let output = Command::new("python3").arg(script).arg(folder).arg(imported).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn root() -> PathBuf {
    maily_testkit::workspace()
}

#[tokio::test(flavor = "multi_thread")]
async fn random_lists_are_decided_alike() {
    for (seed, as_of, sender) in [
        (1, "2026-04-30T09:00:00Z", SENDER.country),
        (2, "2026-04-30T10:00:00+01:00", "CA"),
        (3, "2020-01-01T00:00:00Z", "GB"),
    ] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let flag_first = seed == 2;
        let header = if flag_first { FLAG_FIRST } else { MIXED };
        let rows = (0..ROWS).map(|at| row(&mut random, at, ROWS * 2, flag_first));
        let list: String = std::iter::once(header.to_owned()).chain(rows).collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("campaign.yaml"), format!("as_of: {as_of}\ncountry: {sender}\n"))
            .unwrap();
        std::fs::write(folder.path().join("subscribers.csv"), &list).unwrap();
        let service = Service::start(1_000).await;
        let (ours, theirs) =
            (ours(&service.state, "c", as_of, sender, list.into_bytes()).await, theirs(folder.path(), AS_OF));
        let invalid = |opinion: &Value| opinion["invalid"].as_array().unwrap().clone();
        let differs = invalid(&ours).into_iter().zip(invalid(&theirs)).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differs, None, "the first invalid row that differs, with seed {seed}");
        let counted = ["rows", "written", "excluded", "by_region", "cohorts"];
        for key in counted.into_iter().chain(["objection_assumed", "objection_unknown_word"]) {
            assert_eq!(ours[key], theirs[key], "{key} with seed {seed}");
        }
        assert_eq!(ours["excluded"].as_object().unwrap().len(), 7, "every code is met");
    }
}

/// Lists of a few people each, who stand in many rows; no two lists have anybody in common.
fn lists(count: usize) -> Vec<Value> {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let list = |at: usize| {
        let flag_first = at % 2 == 1;
        let header = if flag_first { FLAG_FIRST } else { MIXED };
        let rows: String = (0..30).map(|line| row(&mut random, line, 12, flag_first)).collect();
        let sender = [SENDER.country, "CA", "GB"][at % 3];
        let as_of = ["2026-04-30T10:00:00+01:00", "", "2020-01-01T00:00:00Z"][at / 3 % 3];
        // Perhaps they leave some before the header, too.
        let list = [["", ";;;\n"][at / 2 % 2], header, &rows]
            .concat()
            .replace("xample", &format!("x{at}ample"))
            .replace("XAMPLE", &format!("X{at}AMPLE"));
        json!({ "list": list, "imported": AS_OF, "as_of": as_of, "sender": sender })
    };
    (0..count).map(list).collect()
}

fn their_opinions(lists: &[Value]) -> Vec<Value> {
    let script = root().join("tests/reference/decide.py");
    let mut child = Command::new("python3")
        .arg(script)
        .arg("--lists")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text: String = lists.iter().map(|list| format!("{list}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let written = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    written.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines that are written to.
async fn written(state: &State, campaign: &str) -> Vec<u64> {
    let request = Request::new(pb::SummaryRequest { campaign_id: campaign.to_owned() });
    let mut lines = Vec::new();
    for cohort in Api::new(state.clone()).summary(request).await.unwrap().into_inner().cohorts {
        for region in &cohort.regions {
            for number in 0..region.pages {
                let page = page(campaign, &cohort.name, &region.region, number);
                lines.extend(state.recipients(&page).await.unwrap().iter().map(|recipient| recipient.line));
            }
        }
    }
    lines.sort_unstable();
    lines
}

async fn decided_alike(count: usize) {
    let lists = Arc::new(lists(count));
    let theirs = Arc::new(their_opinions(&lists));
    assert_eq!(theirs.len(), count);
    let mut work = JoinSet::new();
    // An import waits for the disk rather than for a processor.
    for worker in 0..4 {
        let (lists, theirs) = (Arc::clone(&lists), Arc::clone(&theirs));
        work.spawn(async move {
            let service = Service::start(7).await;
            for at in (worker..count).step_by(4) {
                let (one, theirs, campaign) = (&lists[at], &theirs[at], format!("list {at}"));
                let text = |key: &str| one[key].as_str().unwrap();
                let list = text("list").as_bytes().to_vec();
                let mut ours = ours(&service.state, &campaign, text("as_of"), text("sender"), list).await;
                ours["lines"] = json!(written(&service.state, &campaign).await);
                assert_eq!(&ours, theirs, "{}", text("list"));
            }
            service.state.verify().await.unwrap();
        });
    }
    work.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_lists_full_of_the_same_people_are_decided_alike() {
    decided_alike(200).await;
}

mod soak {
    #[tokio::test(flavor = "multi_thread")]
    async fn ten_thousand_lists_are_decided_alike() {
        super::decided_alike(10_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_decided_alike() {
    let folder = maily_testkit::sample().unwrap();
    let service = Service::start_now(1_000).await;
    let ours =
        ours(&service.state, "c", "", "GB", std::fs::read(folder.join("subscribers.csv")).unwrap()).await;
    let theirs = theirs(&folder, &jiff::Timestamp::now().to_string());
    assert_eq!(ours, theirs);
    let expected = root().join("services/orchestrator/samples/spring-sale/expected.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    assert_eq!(ours, expected, "the README's report is true on every day");
}
