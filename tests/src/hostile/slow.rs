//! Who sends slowly, and who begins to send and does not go on.

use std::{io::Result, net::Ipv4Addr, slice::Chunks, time::Duration};

use aws_sdk_s3::{
    presigning::PresigningConfig,
    types::{BucketLocationConstraint, CreateBucketConfiguration},
};
use maily_testkit::{Plan, Service, pause, pause_for};

use super::{
    Caller, HOSTILE, INFERS, TRICKLES, broken,
    campaigns::created,
    connections::{IDLE, OF_ONE},
    requests::{CAMPAIGNS, CHAT},
};
use crate::{
    folder,
    https::{Begun, Https},
    s3,
};

/// Uploads at once: more than there are places for.
pub(super) const SENDERS: u64 = 8;
/// Lists at once, of two keys: more than each may have, and than there are places for.
pub(super) const LISTS: u64 = 24;
/// What each sends once a second: more than the 1.6 KB for which nobody is refused (`docs/edge.md`).
const PIECE: usize = 4 << 10;
const SECOND: Duration = Duration::from_secs(1);
/// What each announces.
const BODY: usize = 1 << 20;
/// Together more than bodies under way may have.
pub(super) const UNFINISHED: u64 = 100;
/// As much as the orchestrator takes of a request that is gathered.
const LARGEST: usize = 4 << 20;
/// What each of very many announces: together what one key may have of bodies under way.
const ANNOUNCED: usize = 128 << 10;
/// What each of those sends once a second: more than the 1.6 KB for which nobody is refused, and far less than what is work.
const DRIP: usize = 2 << 10;
/// How long an answer that may be there is waited for.
const LOOK: Duration = Duration::from_millis(1);

pub(super) fn uploads(caller: &Caller<'_>) {
    let plan = &caller.all.plan;
    let client = Https::new(&plan.ca(), &plan.edge(Service::Storage));
    let client = client.calling_from(Ipv4Addr::new(127, 0, 6, 1));
    let mut links = caller.all.links.iter().cycle();
    trickle(caller, SENDERS, &vec![b'x'; BODY], || {
        let link = links.next().map(String::as_str).unwrap_or_default();
        client.begin("PUT", link, "", BODY)
    });
}

/// Through the orchestrator to compliance, which reads each as it comes. They hold all places that they can get, so that the
/// honest campaign's list is one of those for which another gives way.
pub(super) fn lists(caller: &Caller<'_>) {
    let mut list = format!("{}\n", folder::HEADER);
    for n in 800_000.. {
        if list.len() >= BODY {
            break;
        }
        list += &(folder::row(n, "GB", "en-GB", "loyal-customers") + "\n");
    }
    let mut ids = (0..).map(|n| format!("trickled-{n}"));
    let mut keys = TRICKLES.into_iter().cycle();
    let (list, length) = (list.as_bytes(), list.len());
    trickle(caller, LISTS, list, || {
        let id = ids.next().unwrap_or_default();
        let client = created(caller, &id, 13)?.bearer(keys.next().unwrap_or(HOSTILE));
        client.begin("PUT", &format!("{CAMPAIGNS}/{id}/subscribers"), "Content-Type: text/csv\r\n", length)
    });
}

/// Sends this body piece by piece on so many connections, and begins another in the place of each that has ended.
fn trickle(caller: &Caller<'_>, at_once: u64, body: &[u8], mut begin: impl FnMut() -> Result<Begun>) {
    let mut open: Vec<(Begun, Chunks<'_, u8>)> = Vec::new();
    while caller.goes_on() {
        for _ in open.len()..at_once as usize {
            match begin() {
                Ok(begun) => open.push((begun, body.chunks(PIECE))),
                Err(error) => caller.tally.answer(broken(&error)),
            }
        }
        open.retain_mut(|(begun, pieces)| goes_on(caller, more(caller, begun, pieces)));
        pause_for(SECOND);
    }
    open.iter().for_each(|_| caller.tally.answer("unfinished"));
}

/// Sends one more piece, unless there is an answer.
fn more(caller: &Caller<'_>, begun: &mut Begun, pieces: &mut Chunks<'_, u8>) -> Result<Option<u16>> {
    let status = begun.status(LOOK)?;
    if let (None, Some(piece)) = (status, pieces.next()) {
        caller.tally.send();
        begun.send(piece)?;
        caller.tally.answer("piece");
    }
    Ok(status)
}

/// All of a body but its last byte, and then silence.
pub(super) fn unfinished_bodies(caller: &Caller<'_>) {
    // One client may have 64 connections.
    let clients = [1, 2].map(|last| {
        let client = caller.client(Service::Orchestrator, HOSTILE, last);
        client.calling_from(Ipv4Addr::new(127, 0, 5, last))
    });
    let mut turns = clients.iter().cycle();
    let mut open: Vec<Begun> = Vec::new();
    while caller.goes_on() {
        match turns.next().filter(|_| open.len() < UNFINISHED as usize) {
            Some(client) => {
                caller.tally.send();
                match unfinished(client) {
                    Ok(begun) => open.push(begun),
                    Err(error) => caller.tally.answer(broken(&error)),
                }
            }
            None => pause(),
        }
        open.retain_mut(|begun| goes_on(caller, begun.status(LOOK)));
    }
    open.iter().for_each(|_| caller.tally.answer("unfinished"));
}

/// On as many connections as a listener has places, from as many addresses as it takes to fill it: each has a request under way.
pub(super) fn dripping_bodies(caller: &Caller<'_>) {
    let hosts = 1..=IDLE.div_ceil(OF_ONE as u64) as u8;
    let client = |host| {
        let client = caller.client(Service::Inference, INFERS, host);
        client.calling_from(Ipv4Addr::new(127, 0, 7, host))
    };
    let clients: Vec<Https> = hosts.map(client).collect();
    let mut turns = clients.iter().cycle();
    let body = vec![b' '; ANNOUNCED];
    let mut open: Vec<(Begun, Chunks<'_, u8>)> = Vec::new();
    while caller.goes_on() {
        // Some at a time, and then more of each that is open: for 10 s without a byte one is refused.
        let lacking = (IDLE as usize).saturating_sub(open.len()).min(OF_ONE);
        for client in turns.by_ref().take(lacking).take_while(|_| caller.may_send()) {
            caller.tally.send();
            match client.begin("POST", CHAT, "Content-Type: application/json\r\n", body.len()) {
                Ok(begun) => {
                    caller.tally.answer("begun");
                    open.push((begun, body.chunks(DRIP)));
                }
                Err(error) => caller.tally.answer(broken(&error)),
            }
        }
        // Only whoever has sent all looks for an answer: a look at each would take longer than a second.
        open.retain_mut(|(begun, pieces)| {
            let status = match pieces.next() {
                Some(piece) => begun.send(piece).map(|()| None),
                None => begun.status(LOOK),
            };
            goes_on(caller, status)
        });
        pause_for(SECOND);
    }
    open.iter().for_each(|_| caller.tally.answer("unfinished"));
}

fn unfinished(client: &Https) -> Result<Begun> {
    let mut begun = client.begin("POST", CAMPAIGNS, "Content-Type: application/json\r\n", LARGEST)?;
    let blanks = [b' '; 64 << 10];
    for _ in 1..LARGEST / blanks.len() {
        begun.send(&blanks)?;
    }
    begun.send(&blanks[1..])?;
    Ok(begun)
}

/// Whether there is no answer yet; one is counted.
fn goes_on(caller: &Caller<'_>, status: Result<Option<u16>>) -> bool {
    let answer = match status {
        Ok(None) => return true,
        Ok(Some(status)) => status.to_string(),
        Err(error) => broken(&error),
    };
    caller.tally.answer(answer);
    false
}

/// Signed links of uploads to a bucket of this stack's storage, as paths; good for an hour.
///
/// # Panics
/// Storage does not make the bucket.
#[must_use]
pub fn links(plan: &Plan) -> Vec<String> {
    const BUCKET: &str = "trickled";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = s3::client(plan);
        let place =
            CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from("eu"));
        let create = client.create_bucket().bucket(BUCKET).create_bucket_configuration(place.build());
        create.send().await.unwrap();
        let valid = PresigningConfig::expires_in(Duration::from_secs(3_600)).unwrap();
        let storage = format!("https://{}", plan.edge(Service::Storage));
        let mut links = Vec::new();
        for n in 0..SENDERS {
            let put = client.put_object().bucket(BUCKET).key(format!("object-{n}"));
            let link = put.presigned(valid.clone()).await.unwrap();
            links.push(link.uri().strip_prefix(&storage).unwrap().to_owned());
        }
        links
    })
}
