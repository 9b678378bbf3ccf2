//! A process of the service, killed with SIGKILL at any moment and started again.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream;
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_client::ComplianceClient;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;

use crate::api::{connect, parts, serve};
use crate::common::{AS_OF, list, open, pages};

const FOLDER: &str = "MAILY_COMPLIANCE_TEST_FOLDER";
const PAGE: u32 = 25;

/// The service as a process: not a test, but what the tests below start.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of the kill tests"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let state = open(Path::new(&folder), PAGE).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edge = listener.local_addr().unwrap().port();
    let router = maily_compliance::opt_out::router(state.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    println!("\nready {} {edge}", serve(state.clone()).await);
    panic!("{}", state.lost().await);
}

struct Process {
    child: Child,
    client: ComplianceClient<Channel>,
    edge: u16,
}

impl Process {
    async fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports = loop {
            let line = lines.next_line().await.unwrap().expect("the child ended before it was ready");
            if let Some(ports) = line.strip_prefix("ready ") {
                break ports.to_owned();
            }
        };
        let (grpc, edge) = ports.split_once(' ').unwrap();
        Self { child, client: connect(grpc.parse().unwrap()).await, edge: edge.parse().unwrap() }
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    async fn kill_after(self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.kill().await;
    }
}

/// Opens what the killed process left, checks it, and closes it.
async fn verify(folder: &Path) {
    let state = open(folder, PAGE).await;
    state.verify().await.unwrap();
    state.close().await;
}

/// A fixed sequence that looks random.
fn moments(seed: u64, below: u64) -> impl Iterator<Item = u64> {
    let next = move |state: &u64| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(seed), next).map(move |state| (state >> 33) % below).skip(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_whole_or_absent() {
    let folder = tempfile::tempdir().unwrap();
    let list = list(20_000);
    let (mut acknowledged, mut absent) = (HashSet::new(), 0);
    for (round, moment) in moments(1, 900).take(10).enumerate() {
        let campaign = format!("c{}", round / 2);
        let process = Process::start(folder.path()).await;
        let mut client = process.client.clone();
        let request = stream::iter(parts(&campaign, AS_OF, list.as_bytes()));
        let import = tokio::spawn(async move { client.import(request).await });
        process.kill_after(moment).await;
        if import.await.unwrap().is_ok() {
            acknowledged.insert(campaign.clone());
        }
        verify(folder.path()).await;
        let mut process = Process::start(folder.path()).await;
        match process.client.summary(pb::SummaryRequest { campaign_id: campaign.clone() }).await {
            Ok(summary) => {
                let summary = summary.into_inner();
                let recipients: u64 = summary.cohorts.iter().map(|cohort| cohort.recipients).sum();
                assert_eq!((summary.rows, recipients), (20_000, 20_000));
            }
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound);
                assert!(!acknowledged.contains(&campaign));
                absent += 1;
            }
        }
        process.kill().await;
    }
    assert!(absent > 0 || acknowledged.len() < 5, "no kill hit an import");
    let mut process = Process::start(folder.path()).await;
    let request = stream::iter(parts("c0", AS_OF, list.as_bytes()));
    assert_eq!(process.client.import(request).await.unwrap().into_inner().rows, 20_000);
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hand_offs_and_opt_outs_hold() {
    const PEOPLE: usize = 1_500;
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path()).await;
    process.client.import(stream::iter(parts("c", AS_OF, list(PEOPLE).as_bytes()))).await.unwrap();
    let mut tokens = Vec::new();
    for page in pages("c", PEOPLE, PAGE as usize) {
        let reply =
            process.client.recipients(pb::RecipientsRequest { page: Some(page.clone()) }).await.unwrap();
        let recipients = reply.into_inner().recipients.into_iter();
        tokens.push((
            page,
            recipients.map(|recipient| (recipient.line, recipient.unsubscribe_token)).collect::<Vec<_>>(),
        ));
    }
    process.kill().await;
    let mut gone = HashSet::new();
    let mut answers = HashMap::new();
    // The first answer to who is on a page, as a segment that is written once keeps it.
    let segments = Arc::new(Mutex::new(HashMap::new()));
    for (round, moment) in moments(7, 400).take(8).enumerate() {
        let process = Process::start(folder.path()).await;
        let mut calls = JoinSet::new();
        for (at, (page, people)) in tokens.iter().enumerate().filter(|(at, _)| at % 8 >= round) {
            for (line, token) in people.iter().take(round + 1).cloned() {
                calls.spawn(opt_out(process.edge, line, token));
            }
            if at % 8 == round {
                calls.spawn(hand_off(process.client.clone(), at, page.clone(), Arc::clone(&segments)));
            }
        }
        process.kill_after(moment).await;
        for outcome in calls.join_all().await.into_iter().flatten() {
            match outcome {
                Acknowledged::OptOut(line) => drop(gone.insert(line)),
                Acknowledged::HandOff(at, answer) => drop(answers.insert(at, answer)),
            }
        }
        verify(folder.path()).await;
    }
    assert!(!gone.is_empty() && !answers.is_empty(), "the kills came before everything");
    let mut process = Process::start(folder.path()).await;
    let segments = Arc::into_inner(segments).unwrap().into_inner().unwrap();
    for (at, (page, people)) in tokens.iter().enumerate() {
        let reply =
            process.client.recipients(pb::RecipientsRequest { page: Some(page.clone()) }).await.unwrap();
        let left: HashSet<u64> =
            reply.into_inner().recipients.iter().map(|recipient| recipient.line).collect();
        assert!(
            people.iter().all(|(line, _)| !(gone.contains(line) && left.contains(line))),
            "an opt-out was lost"
        );
        if let Some(answer) = answers.get(&at) {
            let request = pb::HandOffRequest { page: Some(page.clone()), segment: format!("s{at}") };
            let again = process.client.hand_off(request).await.unwrap().into_inner();
            assert_eq!(&(again.handed_off, again.suppressed), answer, "a hand-off was lost");
        }
        if let Some(segment) = segments.get(&at) {
            let request = pb::HandOffRequest { page: Some(page.clone()), segment: format!("s{at}") };
            process.client.hand_off(request).await.unwrap();
            let request = pb::ReleaseRequest { page: Some(page.clone()) };
            let released = process.client.release(request).await.unwrap().into_inner().records;
            let written = |record: &pb::ReleasedRecord| segment.contains(&record.line);
            assert!(released.iter().all(written), "a message that was never written is released");
        }
    }
    process.kill().await;
    verify(folder.path()).await;
}

enum Acknowledged {
    OptOut(u64),
    HandOff(usize, (u32, u32)),
}

/// What the orchestrator does with a page: asks who is on it, writes their messages once, and hands it off.
async fn hand_off(
    mut client: ComplianceClient<Channel>,
    at: usize,
    page: pb::Page,
    segments: Arc<Mutex<HashMap<usize, HashSet<u64>>>>,
) -> Option<Acknowledged> {
    let request = pb::RecipientsRequest { page: Some(page.clone()) };
    let recipients = client.recipients(request).await.ok()?.into_inner().recipients;
    let lines = recipients.iter().map(|recipient| recipient.line).collect();
    segments.lock().unwrap().entry(at).or_insert(lines);
    let request = pb::HandOffRequest { page: Some(page), segment: format!("s{at}") };
    let reply = client.hand_off(request).await.ok()?.into_inner();
    Some(Acknowledged::HandOff(at, (reply.handed_off, reply.suppressed)))
}

/// A plain HTTP/1.1 request, as a mail provider would send it.
async fn opt_out(port: u16, line: u64, token: String) -> Option<Acknowledged> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!(
        "POST /u/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 26\r\n\r\nList-Unsubscribe=One-Click"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.ok()?;
    (&answer == b"HTTP/1.1 200").then_some(Acknowledged::OptOut(line))
}
