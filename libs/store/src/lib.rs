//! Object storage by URL: a folder, S3 and what speaks it, Azure Blob Storage, Google Cloud Storage; SlateDB on it; and the one
//! place that says what their errors mean.
//!
//! * [`StoreUrl`] says where a store is, [`StoreSettings`] how it is reached and by whom, [`open`] opens it. Without a file of
//!   credentials it is whom the machine or the pod is (workload identity); no access key comes from the environment.
//! * A request is answered or fails by a deadline: the clients' timeouts and retries are bounded.
//! * A [`folder`] can do what the clouds can: it syncs what it acknowledges, replaces a file only where it still is what it was
//!   (`If-Match`), and what a cut-off write left goes with the file.
//! * [`db`] opens SlateDB for everybody, with one set of settings, one block cache and encrypted blocks.
//! * [`StoreFailure`] tells what a retry, an operator, or nobody can mend. A store that is away is never damaged data.
//!
//! What every store has to do is `tests/suite`, which runs on each.

mod blocks;
mod cloud;
#[cfg(test)]
mod collection_tests;
mod credentials;
pub mod db;
mod error;
mod files;
mod open;
mod permanence;
mod settings;
mod store_url;

pub use error::StoreError;
pub use files::folder;
pub use open::open;
pub use permanence::StoreFailure;
pub use settings::{Endpoint, StoreSettings};
pub use store_url::{StoreUrl, UrlError};
