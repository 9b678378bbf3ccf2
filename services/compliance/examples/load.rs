//! Imports a list, takes it through all pages, looks people up, and prints how fast and with how much memory:
//! `cargo run -p maily-compliance --example load -- 100000`.

#![allow(clippy::indexing_slicing, reason = "run by hand, where a panic is the failure")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, stream};
use maily_compliance::api::Api;
use maily_compliance::{Config, Sender, State};
use maily_keys::LocalKeyring;
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;

const HEADER: &str =
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed\n";
const COUNTRIES: [&str; 8] = ["DE", "FR", "GB", "CH", "CA", "US", "NO", "JP"];

fn chunks(rows: usize) -> impl Iterator<Item = Bytes> {
    let block = move |first: usize| {
        let mut text = if first == 0 { HEADER.to_owned() } else { String::new() };
        for at in first..rows.min(first + 1_000) {
            let country = COUNTRIES[at % 8];
            text.push_str(&format!(
                "FH{at},person.number.{at}@example{}.org,Name{at},{country},en-GB,seg{},1980,express,2025-01-01T00:00:00Z,web form,false\n",
                at % 100, at % 6,
            ));
        }
        Bytes::from(text)
    };
    (0..rows).step_by(1_000).map(block)
}

fn report(what: &str, rows: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!("{what:10} {seconds:6.2} s {:9.0} rows/s", rows as f64 / seconds);
}

/// How long it takes to find everything about somebody.
async fn lookups(state: &State, rows: usize) -> Result<(), Box<dyn Error>> {
    let mut took = Vec::new();
    for n in 0..1_000 {
        // 7919 is prime: all over the list.
        let at = n * 7_919 % rows;
        let address = format!("person.number.{at}@example{}.org", at % 100);
        let started = Instant::now();
        let found = state.find(&address).await?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(found.rows.len(), 1, "{address}");
    }
    took.sort_by(f64::total_cmp);
    println!("lookup     {:6.2} ms in the middle, {:.2} ms for 99 of 100", took[500], took[990]);
    Ok(())
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let folder = tempfile::tempdir()?;
    let roots = Arc::new(LocalKeyring::open(folder.path().join("keyring.json"))?);
    let state = State::open(&Config::default(), folder.path(), roots).await?;
    let whole = Instant::now();
    state
        .import("load", "", Sender { country: "US", address: "" }, stream::iter(chunks(rows).map(Ok)))
        .await?;
    report("import", rows, whole);
    let request = tonic::Request::new(pb::SummaryRequest { campaign_id: "load".into() });
    let summary = Api::new(state.clone()).summary(request).await?.into_inner();
    let mut pages = Vec::new();
    for cohort in &summary.cohorts {
        for region in &cohort.regions {
            let page = |page| pb::Page {
                campaign_id: "load".into(),
                cohort: cohort.name.clone(),
                region: region.region.clone(),
                page,
            };
            pages.extend((0..region.pages).map(page));
        }
    }
    let started = Instant::now();
    let mut work = stream::iter(pages).map(|page| take(&state, page)).buffer_unordered(4);
    let mut released = 0;
    while let Some(count) = work.next().await {
        released += count?;
    }
    report("pages", released, started);
    report("together", rows, whole);
    lookups(&state, rows).await?;
    let started = Instant::now();
    println!("verified   {:?} in {:.2} s", state.verify().await?.links, started.elapsed().as_secs_f64());
    println!("peak       {}", peak_memory());
    state.close().await;
    Ok(())
}

async fn take(state: &State, page: pb::Page) -> Result<usize, maily_compliance::Error> {
    state.recipients(&page).await?;
    state.hand_off(page.clone(), "segment".into()).await?;
    Ok(state.release(&page).await?.records.len())
}
