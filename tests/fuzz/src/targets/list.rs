//! A subscriber list, imported into a state of its own: bytes to rows to verdicts to pages.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use maily_compliance::{Config, Error, Sender, State};
use maily_keys::LocalKeyring;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Kind, Target, runtime};
use crate::corpus::sample;

/// Imports into one state; then there is a new one, so that none grows for ever.
const IMPORTS: u64 = 200;
/// Lines of the sample that are a seed.
const LINES: usize = 25;
/// Bytes that come at once.
const CHUNK: usize = 97;
const SENDER: Sender<'_> = Sender { country: "US", address: "news@brand.example" };

/// A whole list.
pub(super) const LIST: Kind = Kind {
    name: "list",
    what: "a subscriber list, imported (maily_compliance)",
    dictionary: &[
        "id",
        "email",
        "first_name",
        "country",
        "locale",
        "segment",
        "birth_year",
        "consent",
        "consent_at",
        "consent_source",
        "suppressed",
        "implied_by",
        "\"",
        "\"\"",
        "\r\n",
        "\r",
        ";",
        "\t",
        "true",
        "withdrawn",
        "express",
        "DE",
        "2025-01-01T00:00:00Z",
        "a@b.example",
        "sep=,\n",
    ],
    longest: 8 << 10,
    runs: 30,
    seeds: || {
        let list =
            String::from_utf8_lossy(&sample("services/orchestrator/samples/spring-sale/subscribers.csv")?)
                .into_owned();
        let lines: Vec<&str> = list.lines().take(LINES).collect();
        Ok(vec![lines.join("\n").into_bytes(), lines.join("\r\n").into_bytes()])
    },
    make: || Ok(Box::new(List { runtime: runtime()?, place: None, imports: 0 })),
};

/// An open state, and its folder.
pub(super) struct Place {
    pub(super) state: State,
    _folder: TempDir,
}

/// Opens a state in a folder of its own.
pub(super) fn place(runtime: &Runtime) -> Result<Place, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
    let roots = Arc::new(LocalKeyring::open(&config.keyring).map_err(|error| error.to_string())?);
    let data = folder.path().join("data");
    let state = runtime.block_on(State::open(&config, &data, roots)).map_err(|error| error.to_string())?;
    Ok(Place { state, _folder: folder })
}

/// Imports a list in small pieces.
pub(super) fn import(runtime: &Runtime, state: &State, campaign: &str, list: &[u8]) -> Result<u64, Error> {
    let chunks: Vec<Result<Bytes, Error>> =
        list.chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    runtime.block_on(state.import(campaign, "", SENDER, stream::iter(chunks)))
}

struct List {
    runtime: Runtime,
    place: Option<Place>,
    imports: u64,
}

impl Target for List {
    fn run(&mut self, input: &[u8]) -> String {
        self.imports += 1;
        if self.imports.is_multiple_of(IMPORTS)
            && let Some(old) = self.place.take()
        {
            self.runtime.block_on(old.state.close());
        }
        let place = match self.place.take().map_or_else(|| place(&self.runtime), Ok) {
            Ok(place) => place,
            Err(error) => return error,
        };
        let done = import(&self.runtime, &place.state, &format!("campaign {}", self.imports), input);
        self.place = Some(place);
        match done {
            Ok(_) => "imported".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}
