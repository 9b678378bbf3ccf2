//! From blobs to a response: any range of an object, decrypting only the chunks it touches.
//!
//! Before the first byte of a blob goes out, its last chunk has been authenticated: that tells a blob that was cut at
//! a chunk's border.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cobblestone::{Key256, RandomAccessDecryptor};
use futures::{Stream, StreamExt, future, stream};
use maily_chassis::WorkError;
use maily_crypto::DataKey;
use maily_keys::KeyTable;
use maily_store::StoreFailure;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use crate::blobs::{Blobs, Held, compute};
use crate::error::Error;
use crate::rows::Blob;

/// Sizes of the format (c2sp.org/chunked-encryption).
const HEADER: u64 = 56;
const CHUNK: u64 = 16 << 10;
const SEALED_CHUNK: u64 = CHUNK + 16;
/// Plaintext decrypted at once.
const WINDOW: u64 = 512 << 10;
/// Blobs up to this size of ciphertext are fetched as a whole: those that are one window.
const WHOLE: u64 = HEADER + WINDOW / CHUNK * SEALED_CHUNK;
/// Windows ready before the client takes them.
const AHEAD: usize = 1;
/// Plaintext in memory at most: a window that is sent, those ahead, and one that waits to be so or is being decrypted.
const PLAIN: u64 = 3 * WINDOW;
/// How long a store may take to say a blob's size, once it has failed to give its bytes.
const SIZING: Duration = Duration::from_secs(5);
/// How long a client may take nothing.
const IDLE: Duration = Duration::from_secs(60);

/// A range of an object, blob after blob.
pub(crate) struct Reader {
    blobs: Blobs,
    /// What is left to open: blob, its key, the range of its plaintext.
    rest: std::vec::IntoIter<(Blob, DataKey, Range<u64>)>,
    open: Option<BlobReader>,
    _held: Held,
}

impl Reader {
    /// Reads `range` of the bytes of `parts`, which `held` keeps from being deleted.
    pub(crate) fn new(
        blobs: &Blobs,
        keys: &KeyTable,
        parts: Vec<Blob>,
        range: Range<u64>,
        held: Held,
    ) -> Result<Self, Error> {
        let (mut touched, mut from) = (Vec::new(), 0);
        for part in parts {
            let to = from + part.size;
            if range.start < to && from < range.end {
                let within = range.start.max(from) - from..range.end.min(to) - from;
                let key = keys.unwrap(&part.wrapped, &part.id()?)?;
                touched.push((part, key, within));
            }
            from = to;
        }
        Ok(Self { blobs: blobs.clone(), rest: touched.into_iter(), open: None, _held: held })
    }

    /// The next bytes, or `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(blob) = &mut self.open
                && let Some(bytes) = blob.next().await?
            {
                return Ok(Some(bytes));
            }
            let Some((blob, key, range)) = self.rest.next() else { return Ok(None) };
            // What it holds goes before the next one's comes.
            self.open = None;
            self.open = Some(BlobReader::open(&self.blobs, &blob, &key, range).await?);
        }
    }

    /// What is left of it, [`ahead`] of whoever takes it.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + Sync + 'static {
        ahead(stream::try_unfold(self, |mut reader| async move {
            Ok::<_, Error>(reader.next().await?.map(|bytes| (bytes, reader)))
        }))
    }
}

/// A stream that reads ahead a little and gives up on a client that takes nothing. Who comes back after that is told so by an
/// error: an end would pass for that of the object.
fn ahead(
    bytes: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + Sync + 'static {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reading = tokio::spawn(async move {
        let mut bytes = std::pin::pin!(bytes);
        while let Some(next) = bytes.next().await {
            if let Err(error) = &next {
                tracing::error!(%error, "an object's bytes can't be read");
            }
            let last = next.is_err();
            let sent = timeout(IDLE, sender.send(next)).await;
            if last || !matches!(sent, Ok(Ok(()))) {
                return matches!(sent, Ok(Ok(())));
            }
        }
        true
    });
    // Whether all was passed on, an error at the end as well.
    let end = stream::once(reading).filter_map(|passed_on| {
        future::ready(match passed_on {
            Ok(true) => None,
            Ok(false) => Some(Err(Error::Slow)),
            Err(error) => Some(Err(WorkError::from(error).into())),
        })
    });
    ReceiverStream::new(receiver).chain(end)
}

/// Bytes of memory at most, while `bytes` of an object of `size` are read: a window's ciphertext and some plaintext.
pub(crate) fn held(size: u64, bytes: u64) -> usize {
    // The chunk at each end of a range, and the last one of the blob.
    let ends = 3 * SEALED_CHUNK;
    let most = size.min(WINDOW) + bytes.min(PLAIN) + ends.min(size);
    usize::try_from(most).unwrap_or(usize::MAX)
}

struct BlobReader {
    sealed: SealedBlob,
    left: Range<u64>,
    source: Source,
    decryptor: Option<RandomAccessDecryptor<Source>>,
}

impl BlobReader {
    async fn open(blobs: &Blobs, blob: &Blob, key: &DataKey, left: Range<u64>) -> Result<Self, Error> {
        let id = blob.id()?;
        let size = cobblestone::ciphertext_size(blob.size).ok_or(Error::Row)?;
        let sealed = SealedBlob { store: Arc::clone(&blobs.store), path: Blobs::path(&id), size };
        let source = Source::new(size);
        if size <= WHOLE {
            source.keep(0, sealed.whole().await?);
        } else {
            let tail = HEADER + (size - HEADER) / SEALED_CHUNK * SEALED_CHUNK;
            let ends = sealed.ranges(&[0..HEADER, tail..size]).await?;
            ends.into_iter().zip([0, tail]).for_each(|(bytes, at)| source.keep(at, bytes));
        }
        let (key, theirs) = (Key256::from_bytes(key.expose()), source.clone());
        let decryptor = RandomAccessDecryptor::new(&key, &id, theirs).map_err(corrupt)?;
        Ok(Self { sealed, left, source, decryptor: Some(decryptor) })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let start = self.left.start;
        let end = ((start / CHUNK * CHUNK) + WINDOW).min(self.left.end);
        if self.sealed.size > WHOLE {
            let from = HEADER + start / CHUNK * SEALED_CHUNK;
            let to = (HEADER + end.div_ceil(CHUNK) * SEALED_CHUNK).min(self.sealed.size);
            self.source.window(0, Bytes::new());
            let bytes = self.sealed.range(from..to).await?;
            self.source.window(from, bytes);
        }
        let mut decryptor = self.decryptor.take().ok_or(Error::Worker)?;
        let length = usize::try_from(end - start).map_err(|_| Error::Row)?;
        let (decryptor, bytes) = compute(length, move || {
            let mut bytes = vec![0; length];
            let read = decryptor.read_exact_at(&mut bytes, start).map_err(corrupt);
            read.map(|()| (decryptor, bytes))
        })
        .await??;
        self.decryptor = Some(decryptor);
        self.left.start = end;
        Ok(Some(bytes.into()))
    }
}

fn corrupt(error: io::Error) -> Error {
    Error::Damaged(error.to_string())
}

/// A blob as it lies in the store, where the index says that it is there and has this size.
struct SealedBlob {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl SealedBlob {
    async fn whole(&self) -> Result<Bytes, Error> {
        let reading = async {
            let found = self.store.get(&self.path).await?;
            if found.meta.size != self.size {
                return Ok(None);
            }
            found.bytes().await.map(Some)
        };
        match reading.await {
            Ok(None) => Err(wrong_size()),
            Ok(Some(bytes)) if bytes.len() as u64 == self.size => Ok(bytes),
            Ok(Some(_)) => Err(self.fault(cut_short()).await),
            Err(error) => Err(self.fault(error).await),
        }
    }

    async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        match self.store.get_ranges(&self.path, ranges).await {
            Ok(read) if are_whole(&read, ranges) => Ok(read),
            Ok(_) => Err(self.fault(cut_short()).await),
            Err(error) => Err(self.fault(error).await),
        }
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let read = self.ranges(std::slice::from_ref(&range)).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    /// Why it can't be read. Missing or of another size it is damaged; of one in a store that is away nothing is known.
    async fn fault(&self, error: object_store::Error) -> Error {
        if StoreFailure::of_objects(&error) == StoreFailure::Missing {
            return Error::Damaged("it is missing".into());
        }
        // That a range lies beyond the end each store says in words of its own. The size says it in one.
        match timeout(SIZING, self.store.head(&self.path)).await {
            Ok(Ok(meta)) if meta.size != self.size => wrong_size(),
            _ => error.into(),
        }
    }
}

fn are_whole(read: &[Bytes], ranges: &[Range<u64>]) -> bool {
    let wanted = ranges.iter().map(|range| range.end - range.start);
    read.iter().map(|bytes| bytes.len() as u64).eq(wanted)
}

fn wrong_size() -> Error {
    Error::Damaged("its size is wrong".into())
}

/// An answer that ended early, as where a connection breaks off.
fn cut_short() -> object_store::Error {
    object_store::Error::Generic { store: "blobs", source: "an answer ended early".into() }
}

/// The parts of a ciphertext that were fetched, as a file to read and seek in.
#[derive(Clone)]
struct Source(Arc<Mutex<Spans>>);

struct Spans {
    size: u64,
    at: u64,
    kept: Vec<(u64, Bytes)>,
    window: (u64, Bytes),
}

impl Source {
    fn new(size: u64) -> Self {
        Self(Arc::new(Mutex::new(Spans { size, at: 0, kept: Vec::new(), window: (0, Bytes::new()) })))
    }

    fn spans(&self) -> std::sync::MutexGuard<'_, Spans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, at: u64, bytes: Bytes) {
        self.spans().kept.push((at, bytes));
    }

    fn window(&self, at: u64, bytes: Bytes) {
        self.spans().window = (at, bytes);
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut spans = self.spans();
        let at = spans.at;
        let inside = |(from, bytes): &&(u64, Bytes)| *from <= at && at < from + bytes.len() as u64;
        let Some((from, bytes)) = std::iter::once(&spans.window).chain(&spans.kept).find(inside) else {
            return Ok(0);
        };
        let skip = usize::try_from(at - from).map_err(io::Error::other)?;
        let length = bytes.get(skip..).unwrap_or_default().read(buffer)?;
        spans.at += length as u64;
        Ok(length)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut spans = self.spans();
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => spans.size.checked_add_signed(by),
            SeekFrom::Current(by) => spans.at.checked_add_signed(by),
        };
        spans.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(spans.at)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use maily_store::{StoreSettings, StoreUrl};
    use object_store::memory::InMemory;

    use super::*;

    /// What comes of three pieces, or of the first two and an error, to whom waits so long before taking any.
    async fn taken(whole: bool, wait: Duration) -> Vec<Result<Bytes, String>> {
        let piece = |n: u8| Ok(Bytes::from(vec![n]));
        let last = if whole { piece(3) } else { Err(Error::Row) };
        let pieces = ahead(stream::iter([piece(1), piece(2), last]));
        tokio::time::sleep(wait).await;
        pieces.map(|piece| piece.map_err(|error| error.to_string())).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_too_late_does_not_take_it_for_the_end() {
        let piece = |n: u8| Ok(Bytes::from(vec![n]));
        let second = Duration::from_secs(1);
        assert_eq!(taken(true, IDLE - second).await, [piece(1), piece(2), piece(3)]);
        assert_eq!(taken(false, second).await, [piece(1), piece(2), Err(Error::Row.to_string())]);
        // One is ready, and the next has waited for too long.
        assert_eq!(taken(true, IDLE + second).await, [piece(1), Err(Error::Slow.to_string())]);
    }

    #[tokio::test]
    async fn a_reader_that_panics_does_not_pass_for_the_end() {
        let pieces = ahead(stream::iter([()]).map(|()| -> Result<Bytes, Error> { panic!("a secret") }));
        let taken: Vec<_> = pieces.map(|piece| piece.map_err(|error| error.to_string())).collect().await;
        assert_eq!(taken, [Err(Error::Panicked.to_string())]);
    }

    fn blob(store: Arc<dyn ObjectStore>, size: u64) -> SealedBlob {
        SealedBlob { store, path: Path::from("blobs/a"), size }
    }

    #[tokio::test]
    async fn a_blob_of_another_size_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let stores: [Arc<dyn ObjectStore>; 2] =
            [maily_store::folder(dir.path()).unwrap(), Arc::new(InMemory::new())];
        for store in stores {
            let missing = blob(Arc::clone(&store), 100).range(0..10).await.unwrap_err();
            assert!(matches!(missing, Error::Damaged(_)), "{missing}");
            store.put(&Path::from("blobs/a"), vec![7_u8; 100].into()).await.unwrap();
            let whole = blob(Arc::clone(&store), 100);
            assert_eq!(whole.whole().await.unwrap(), vec![7_u8; 100]);
            assert_eq!(whole.ranges(&[0..10, 90..100]).await.unwrap().len(), 2);
            let longer = blob(store, 200);
            for damaged in [
                longer.whole().await.map(drop).unwrap_err(),
                longer.range(150..200).await.map(drop).unwrap_err(),
                longer.range(50..150).await.map(drop).unwrap_err(),
            ] {
                assert!(matches!(damaged, Error::Damaged(_)), "{damaged}");
            }
        }
    }

    #[tokio::test]
    async fn a_blob_in_a_store_that_is_away_is_not_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys.toml");
        std::fs::write(&keys, "access_key_id = 'id'\nsecret_access_key = 'a secret'\n").unwrap();
        std::fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
        // Whoever had this port has just left it.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = StoreSettings {
            endpoint: Some(format!("http://127.0.0.1:{port}").try_into().unwrap()),
            credentials: Some(keys),
            ..StoreSettings::from("s3://bucket/eu".parse::<StoreUrl>().unwrap())
        };
        let away = blob(maily_store::open(&settings).unwrap(), 100);
        for error in
            [away.whole().await.map(drop).unwrap_err(), away.range(0..10).await.map(drop).unwrap_err()]
        {
            assert!(
                matches!(&error, Error::Store(cause) if StoreFailure::of_objects(cause) == StoreFailure::Away),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_held_is_bounded_however_long_the_object_is() {
        assert!(held(1 << 40, 1 << 40) <= 2_150_000);
        assert!(held(1 << 40, 100) <= 600_000, "a window of ciphertext");
        assert_eq!(held(0, 0), 0);
        assert_eq!(held(1_000, 1_000), 3_000);
    }
}
