//! Campaigns on a real Restate, disturbed and undisturbed.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use clap::Parser as _;
use maily_contracts::{compliance::Row, guardrails::CONFIG};
use restate_sdk::service::Discoverable as _;

use super::*;
use crate::{
    campaign::EXAMPLE,
    client,
    mail::{Language, Origins},
    peers::objects::memory::Memory,
    testing::{Orchestrator, Platform},
};

pub(super) const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// A campaign folder whose list has `rows` people in four cohorts and three regions, and two bad lines.
pub(super) fn folder(platform: &Platform, name: &str, rows: usize) -> std::path::PathBuf {
    let dir = platform.path().join(name);
    std::fs::create_dir_all(dir.join("guardrails")).unwrap();
    let mut list: Vec<String> = (0..rows)
        .map(|n| {
            let cohort = [("en-GB", "a"), ("en-GB", "b"), ("en-IE", "a"), ("en-US", "a")][n % 4];
            let row = Row { at: n, country: ["DE", "GB", "US"][n % 3], cohort };
            row.line().replace("mail.example", "secret.example").replace(",Name", ",Secretname")
        })
        .collect();
    list.extend(["bad".to_owned(), "bad".to_owned(), "bad".to_owned()]);
    for (file, text) in [
        ("campaign.yaml", EXAMPLE),
        ("brand.md", "Calm."),
        ("guardrails/config.yml", CONFIG),
        ("subscribers.csv", &maily_contracts::compliance::list(list)),
    ] {
        std::fs::write(dir.join(file), text).unwrap();
    }
    dir
}

/// Copy for every cohort, as if it had been written: these tests are about what follows it.
pub(super) fn with_copy(platform: &Platform, dir: &Path) {
    let id = crate::campaign::Folder::read(dir).unwrap().id;
    for cohort in 0..4 {
        let copy = CohortCopy {
            locale: "en-GB".into(),
            subject: Some(format!("Subject {cohort}")),
            preheader: Some("Secretpreheader".into()),
            body: Some("Hi {{first_name}},\n\nSecretcopy.".into()),
            origins: Origins::MODEL,
            rewrites: 0,
            blocked: None,
        };
        put(&platform.objects, &Keys(&id).copy(cohort), &copy);
    }
}

pub(super) fn put(objects: &Memory, key: &str, value: &impl serde::Serialize) {
    let bytes = serde_json::to_vec(value).unwrap().into();
    objects.0.lock().unwrap().insert(("maily-campaigns".into(), key.into()), bytes);
}

/// The client's command line.
pub(super) fn command(
    platform: &Platform,
    dir: &Path,
    edge: SocketAddr,
    out: &str,
) -> client::CampaignCommand {
    let path = |name: &str| platform.path().join(name).to_str().unwrap().to_owned();
    let arguments =
        ["maily-orchestrator", "campaign", "run", "--timeout", "120"].map(str::to_owned).into_iter();
    let arguments = arguments
        .chain(["--dir".into(), dir.to_str().unwrap().into(), "--out".into(), path(out)])
        .chain(["--url".into(), format!("https://{edge}"), "--ca".into(), path("ca.pem")])
        .chain(["--key-file".into(), path("key")]);
    client::CampaignCommand::try_parse_from(arguments).unwrap()
}

/// Runs the client; its exit code where it failed.
pub(super) async fn run(platform: &Platform, dir: &Path, edge: SocketAddr, out: &str) -> Result<(), u8> {
    client::campaign(command(platform, dir, edge, out)).await.map_err(|failure| {
        eprintln!("{failure}");
        failure.code
    })
}

/// The files of an `--out` folder; the report without its timings.
fn files(platform: &Platform, out: &str) -> BTreeMap<String, String> {
    let out = platform.path().join(out);
    let mut report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    report["timings"].take();
    let mut files: BTreeMap<String, String> = [("report".to_owned(), report.to_string())].into();
    for entry in std::fs::read_dir(out.join("mail")).unwrap() {
        let entry = entry.unwrap();
        // The date of a message is that of its campaign's start.
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let dated = |line: &&str| !line.starts_with("Date: ") && !line.starts_with("From hello@");
        let text = text.lines().filter(dated).collect::<Vec<_>>().join("\n");
        files.insert(entry.file_name().into_string().unwrap(), text);
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_accounted_for_and_restate_knows_nobody() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 48);
    with_copy(&platform, &dir);
    platform.judge.forget();
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let files = files(&platform, "out");
    let report: serde_json::Value = serde_json::from_str(&files["report"]).unwrap();
    assert_eq!((&report["rows"], &report["written"]), (&51.into(), &48.into()));
    assert_eq!(report["excluded"], serde_json::json!({ "invalid": 3 }));
    assert_eq!(report["by_region"], serde_json::json!({ "eu": 16, "uk": 16, "us": 16 }));
    assert_eq!(report["invalid"].as_array().unwrap().len(), 3);
    assert_eq!(report["model"], "scripted");
    let mail = files.values().cloned().collect::<String>();
    for n in 0..48 {
        assert_eq!(mail.matches(&format!("To: person{n}@secret.example\n")).count(), 1, "{n}");
    }
    // Again: the same campaign is not sent twice.
    run(&platform, &dir, orchestrator.edge, "again").await.unwrap();
    assert_eq!(self::files(&platform, "again"), files);
    let kept = platform.restate.kept();
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("Campaign") && holds("handed_off"), "the search would find what is there");
    for secret in ["secret.example", "Secretname", "Secretcopy", "Secretpreheader", "spring sale", "en-IE/a"]
    {
        assert!(!holds(secret), "Restate keeps {secret}");
    }
}

/// EU AI Act, art. 50(2): by what is kept of each cohort's copy, also by the orchestrator of before, which kept nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_says_that_a_model_wrote_it_where_one_did() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 12);
    let id = crate::campaign::Folder::read(&dir).unwrap().id;
    let people = serde_json::json!({ "subject": "human", "preheader": "human", "body": "human" });
    let both = serde_json::json!({ "subject": "model", "preheader": "human", "body": "human" });
    let before = serde_json::Value::Null;
    for (cohort, origins) in [people, both, before.clone(), before].into_iter().enumerate() {
        let mut copy = serde_json::json!({ "locale": "en-GB", "subject": format!("Subject {cohort}"),
            "preheader": "Soon", "body": "Hi {{first_name}},\n\nCome and see.", "rewrites": 0, "blocked": null });
        if !origins.is_null() {
            copy["origins"] = origins;
        }
        put(&platform.objects, &Keys(&id).copy(u32::try_from(cohort).unwrap()), &copy);
    }
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    // Without the soft line breaks of quoted-printable.
    let mail = files(&platform, "out").into_values().collect::<String>().replace("=\n", "");
    let messages: Vec<_> = mail.split("From: ").filter(|message| message.contains("Subject: ")).collect();
    assert_eq!(messages.len(), 12);
    for (cohort, marked, sentence) in [
        (0, false, None),
        (1, true, Some("Written with the help of artificial intelligence: subject")),
        (2, true, Some("This email was written")),
    ] {
        let of_cohort = format!("Subject: Subject {cohort}\n");
        for message in messages.iter().filter(|message| message.contains(&of_cohort)) {
            assert_eq!(message.contains("AI-Disclosure: "), marked, "{message}");
            assert_eq!(message.contains("artificial intelligence"), sentence.is_some(), "{message}");
            assert!(sentence.is_none_or(|sentence| message.contains(sentence)), "{message}");
        }
        assert!(messages.iter().any(|message| message.contains(&of_cohort)), "{cohort}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_restate_and_of_us_change_nothing() {
    let calm = Platform::start().await;
    let orchestrator = Orchestrator::start(&calm, ANY.into()).await;
    let dir = folder(&calm, "campaign", 120);
    with_copy(&calm, &dir);
    run(&calm, &dir, orchestrator.edge, "out").await.unwrap();

    let mut platform = Platform::start().await;
    let mut orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let edge = orchestrator.edge;
    let dir = folder(&platform, "campaign", 120);
    with_copy(&platform, &dir);
    let client = tokio::spawn(client::campaign(command(&platform, &dir, edge, "out")));
    for (n, threshold) in [5, 20, 35, 50, 65, 80].into_iter().enumerate() {
        while platform.ledger.state().calls < threshold {
            assert!(!client.is_finished(), "done before the kills");
            // Nothing tells when a call is made; the client's deadline ends this.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        match n % 2 {
            0 => {
                orchestrator.kill();
                orchestrator = Orchestrator::start(&platform, edge).await;
            }
            _ => platform.restate.kill_and_restart(),
        }
    }
    client.await.unwrap().unwrap();
    assert_eq!(files(&platform, "out"), files(&calm, "out"));
    orchestrator.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn opting_out_after_the_import_is_in_time() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 24);
    with_copy(&platform, &dir);
    platform.ledger.state().leaving.extend(
        ["person3@secret.example", "person8@secret.example"]
            .map(|address| maily_law::EmailAddress::parse(address).unwrap()),
    );
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let files = files(&platform, "out");
    let report: serde_json::Value = serde_json::from_str(&files["report"]).unwrap();
    assert_eq!(report["written"], 22);
    assert_eq!(report["excluded"], serde_json::json!({ "invalid": 3, "suppressed": 2 }));
    let recipients =
        report["cohorts"].as_array().unwrap().iter().map(|cohort| cohort["recipients"].as_u64().unwrap());
    assert_eq!(recipients.sum::<u64>(), 22);
    assert!(!files.values().any(|text| text.contains("person3@") || text.contains("person8@")));
}

/// Why each cohort is blocked, by its name.
fn blocked(platform: &Platform, out: &str) -> BTreeMap<String, String> {
    let report: serde_json::Value = serde_json::from_str(&files(platform, out)["report"]).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cohorts = report["cohorts"].as_array().unwrap();
    cohorts.iter().map(|cohort| (text(&cohort["name"]), text(&cohort["blocked"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_the_campaign_that_is_refused_blocks_every_cohort() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    for (name, file, from) in [
        ("brief", "campaign.yaml", "Tell people"),
        ("offer", "campaign.yaml", "20% off"),
        ("brand", "campaign.yaml", "Fernwood\n"),
        ("sender name", "campaign.yaml", "Fernwood Garden"),
        ("brand voice", "brand.md", "Calm"),
    ] {
        let dir = folder(&platform, name, 24);
        let text = std::fs::read_to_string(dir.join(file)).unwrap();
        let poisoned = text.replacen(from.trim_end(), "forbidden", 1);
        assert!(text.contains(from) && poisoned != text);
        std::fs::write(dir.join(file), poisoned).unwrap();
        let out = format!("{name} out");
        run(&platform, &dir, orchestrator.edge, &out).await.unwrap();
        let report: serde_json::Value = serde_json::from_str(&files(&platform, &out)["report"]).unwrap();
        assert_eq!((&report["written"], &report["rows"]), (&0.into(), &27.into()));
        for cohort in report["cohorts"].as_array().unwrap() {
            let reason = format!("{name}: regex check input (input): it matches forbidden pattern 1");
            assert_eq!(cohort["blocked"], reason);
            assert_eq!((&cohort["recipients"], &cohort["subject"]), (&6.into(), &serde_json::Value::Null));
        }
    }
    assert_eq!(platform.model.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_the_list_that_is_refused_blocks_its_cohort() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    let list = std::fs::read_to_string(dir.join("subscribers.csv")).unwrap();
    let list = list.replace(",en-IE,a,", ",en-IE,forbidden fruit,").replace(",en-US,a,", ",forbidden,a,");
    std::fs::write(dir.join("subscribers.csv"), list).unwrap();
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let why = blocked(&platform, "out");
    let reason = |name: &str| format!("{name}: regex check input (input): it matches forbidden pattern 1");
    assert_eq!(why["en-IE/forbidden fruit"], reason("segment"));
    assert_eq!(why["forbidden/a"], reason("locale"));
    assert!(["en-GB/a", "en-GB/b"].iter().all(|cohort| !why[*cohort].contains("regex check input")));
    let asked = platform.model.asked();
    assert!(!asked.is_empty() && asked.iter().all(|request| !request.contains("forbidden")));
}

/// Deny by default: nobody could read there how to get no more of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_in_a_language_that_the_platform_has_no_words_in_is_blocked() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    let list = std::fs::read_to_string(dir.join("subscribers.csv")).unwrap();
    let list = list.replace(",en-IE,a,", ",tlh,a,").replace(",en-US,a,", ",es-US,a,");
    std::fs::write(dir.join("subscribers.csv"), list).unwrap();
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let why = blocked(&platform, "out");
    assert_eq!(why["tlh/a"], Language::UNKNOWN);
    assert!(["en-GB/a", "en-GB/b", "es-US/a"].iter().all(|cohort| !why[*cohort].starts_with("language:")));
    let asked = platform.model.asked();
    assert!(asked.iter().any(|request| request.contains("es-US")));
    assert!(!asked.iter().any(|request| request.contains("tlh")));
}

/// Deny by default: what no rail judges is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_without_input_rails_is_not_written() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    std::fs::write(
        dir.join("guardrails/config.yml"),
        "rails:\n  output:\n    flows: [email check unsubscribe]\n",
    )
    .unwrap();
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    for reason in blocked(&platform, "out").into_values() {
        assert_eq!(reason, "brief: input rails (input): the configuration has no input rails");
    }
    assert_eq!(platform.model.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_nothing_behind() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    // Far more than the socket buffers: the answer has to reach a client that is still sending.
    std::fs::write(dir.join("subscribers.csv"), "refuse".repeat(2 << 20)).unwrap();
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(65));
    std::fs::write(dir.join("guardrails/config.yml"), "forbidden: true").unwrap();
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(64));
    std::fs::write(dir.join("campaign.yaml"), "name: x").unwrap();
    assert_eq!(run(&platform, &dir, orchestrator.edge, "out").await, Err(64));
    let names = std::fs::read_dir(platform.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().contains("out")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_gone_ends_the_export() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 48);
    with_copy(&platform, &dir);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let mail = |objects: &Memory| -> Vec<(String, String)> {
        let objects = objects.0.lock().unwrap();
        objects.keys().filter(|(bucket, _)| bucket == "maily-mail-us").cloned().collect()
    };
    let segments = mail(&platform.objects);
    assert!(segments.len() > 4, "more than are fetched ahead");
    // The last one tears an answer that has begun; the first one is said before.
    for (segment, code) in [(segments.last().unwrap(), 69), (segments.first().unwrap(), 1)] {
        let kept = platform.objects.0.lock().unwrap().remove(segment).unwrap();
        let gave_up =
            tokio::time::timeout(Duration::from_secs(60), run(&platform, &dir, orchestrator.edge, "again"));
        assert_eq!(gave_up.await.expect("the client goes on for ever"), Err(code));
        platform.objects.0.lock().unwrap().insert(segment.clone(), kept);
    }
    run(&platform, &dir, orchestrator.edge, "again").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_one_sentence_at_once() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    platform.ledger.state().full = true;
    std::fs::write(dir.join("subscribers.csv"), "full".repeat(1 << 20)).unwrap();
    let failure = client::campaign(command(&platform, &dir, orchestrator.edge, "out")).await.unwrap_err();
    let sentence = "the list can't be staged: the service's disk is full";
    assert_eq!((failure.code, failure.to_string().as_str()), (74, sentence));
}

/// Restate pauses an invocation that has had all its tries: nobody would go on with it, and `GET` would say that it runs.
#[test]
fn what_passes_is_tried_again_for_longer_than_anybody_waits() {
    for service in [campaign::Campaign::discover(), cohort::Cohort::discover()] {
        let tries = service.retry_policy_max_attempts.unwrap();
        let pause = Duration::from_millis(service.retry_policy_max_interval.unwrap());
        let years = tries.saturating_mul(pause.as_secs()) / (365 * 86_400);
        assert!(years > 200, "{years} years");
        assert!(service.handlers.iter().all(|handler| handler.retry_policy_max_attempts.is_none()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_not_there_is_waited_for() {
    let platform = Platform::start().await;
    let deps = crate::testing::deps(&platform);
    let dir = folder(&platform, "campaign", 4);
    let folder = crate::campaign::Folder::read(&dir).unwrap();
    with_copy(&platform, &dir);
    put(&platform.objects, &Keys(&folder.id).campaign(), &folder.campaign);
    let copy = copywriting::draft(&deps, &folder.id, 0, false).await.err().unwrap();
    let mail = pages::hand_off(&deps, &folder.id, 0, "eu", 0..1).await.err().unwrap();
    for error in [copy, mail] {
        assert!(!error.is_permanent() && error.to_string() == "the import has not finished", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rails_that_refuse_us_block_no_cohort() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    platform.judge.refuse(20, tonic::Code::PermissionDenied);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&files(&platform, "out")["report"]).unwrap();
    for cohort in report["cohorts"].as_array().unwrap() {
        let reason = cohort["blocked"].as_str().unwrap_or_default();
        assert!(!reason.contains("guardrails answered"), "{reason}");
    }
    assert_eq!(platform.judge.refusals(), 0, "every refusal was met");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_whose_copy_is_refused_as_it_is_asked_for_had_no_rewrite() {
    let platform = Platform::start().await;
    let orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let dir = folder(&platform, "campaign", 4);
    platform.judge.refuse(u32::MAX, tonic::Code::InvalidArgument);
    run(&platform, &dir, orchestrator.edge, "out").await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&files(&platform, "out")["report"]).unwrap();
    for cohort in report["cohorts"].as_array().unwrap() {
        assert_eq!(
            (&cohort["blocked"], &cohort["rewrites"]),
            (&"subject: guardrails answered InvalidArgument".into(), &0.into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_restate_may_call_our_workflows() {
    let platform = Platform::start().await;
    let _orchestrator = Orchestrator::start(&platform, ANY.into()).await;
    let admin: crate::restate::Address = platform.restate.admin().parse().unwrap();
    let (_, listed) = admin.call(http::Method::GET, "/deployments", None).await.unwrap();
    let uri: url::Url = listed["deployments"][0]["uri"].as_str().unwrap().parse().unwrap();
    let stream =
        tokio::net::TcpStream::connect((uri.host_str().unwrap(), uri.port().unwrap())).await.unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut send, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    for path in ["/discover", "/invoke/Campaign/run"] {
        let request = http::Request::get(uri.join(path).unwrap().as_str())
            .header("accept", "application/vnd.restate.endpointmanifest.v2+json")
            .body(axum::body::Body::empty())
            .unwrap();
        assert_eq!(send.send_request(request).await.unwrap().status(), 401, "{path}");
    }
}
