//! From a request's body to a blob: hashed, encrypted in the C2SP chunked-encryption format, stored; with bounded memory.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cobblestone::{EncryptWriter, Key256};
use futures::{Stream, StreamExt};
use maily_chassis::PoolPlace;
use maily_crypto::DataKey;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use tokio::time::{Instant, timeout, timeout_at};

use crate::blobs::{Blobs, compute};
use crate::error::Error;
use crate::region::NewBlob;
use crate::rows::{BlobId, Sums};

/// Bytes hashed and encrypted at once, while the next are being received.
const UNIT: usize = 1 << 20;
/// Longer blobs go to the store in parts of this size; it also bounds what one upload keeps in memory, twice.
const PART: usize = 6 << 20;
/// Bytes that one upload keeps in memory at most: two parts, a unit in the clear, and its ciphertext.
pub(crate) const HELD: usize = 2 * PART + 2 * UNIT;
/// How long a client may send nothing.
const IDLE: Duration = Duration::from_secs(60);
/// How long the first unit may take, which holds no place: 256 KiB a minute.
const FIRST: Duration = Duration::from_secs(240);
/// How long each unit behind it may take, while a place is held: 1 MiB a minute. Whoever sends less loses the place, and
/// takes none again: the first unit would be too slow.
const MOVING: Duration = Duration::from_secs(60);
/// How long the store may take until it has room for a unit more, or has given a blob up: a place is kept no longer by
/// whatever is stuck, whichever side is.
const STORING: Duration = MOVING;

/// What was written.
pub(crate) struct Written {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) sums: Sums,
}

/// A body whose pieces come as they come.
pub(crate) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

impl Blobs {
    /// Receives the rest of `body` and seals it for `blob`, which comes to be with [`Sealed::publish`].
    pub(crate) async fn seal(
        &self,
        blob: &NewBlob,
        body: Begun,
        hasher: ChecksumHasher,
        limit: u64,
    ) -> Result<Sealed, Error> {
        let sealer = Sealer::new(&blob.key, &blob.id, hasher);
        let store = Arc::clone(&self.store);
        let mut output = Output { store, path: Self::path(&blob.id), small: Vec::new(), large: None };
        match seal(body, sealer, limit, blob, &mut output).await {
            Ok(written) => Ok(Sealed { output, written }),
            Err(error) => {
                output.abort().await;
                Err(error)
            }
        }
    }
}

/// A body that was received as a whole, and is no blob yet.
pub(crate) struct Sealed {
    output: Output,
    pub(crate) written: Written,
}

impl Sealed {
    /// Makes it the blob `blob`, as a whole, once a crash could not make the blob be forgotten. To be done to the end: cut
    /// short, the store might write the blob after the sweeper has deleted it.
    pub(crate) async fn publish(self, blob: NewBlob) -> Result<(NewBlob, Written), Error> {
        if let Err(error) = blob.journaled().await {
            self.output.abort().await;
            return Err(error);
        }
        self.output.publish().await?;
        Ok((blob, self.written))
    }

    /// Gives it up.
    pub(crate) async fn abort(self) {
        self.output.abort().await;
    }
}

/// A body that is proven to move: its first unit, or all of it, has come.
pub(crate) struct Begun {
    first: Unit,
    rest: Body,
}

impl Begun {
    /// Receives the first unit of a body of at most `limit` bytes.
    pub(crate) async fn receive(mut body: Body, limit: u64) -> Result<Self, Error> {
        let first = gather(&mut body, limit, FIRST).await?;
        Ok(Self { first, rest: body })
    }

    /// Whether all of it has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.first.last
    }

    /// The same, which ends where its place is taken away.
    pub(crate) fn on(self, place: Arc<PoolPlace<String>>) -> Self {
        let rest = futures::stream::unfold((self.rest, place), |(mut rest, place)| async move {
            let piece = tokio::select! {
                biased;
                () = place.recalled() => Err(Error::GaveWay),
                piece = rest.next() => piece?,
            };
            place.moved(piece.as_ref().map_or(0, Bytes::len));
            Some((piece, (rest, place)))
        });
        Self { first: self.first, rest: rest.boxed() }
    }
}

/// Seals one unit while the next is received.
async fn seal(
    body: Begun,
    mut sealer: Sealer,
    limit: u64,
    blob: &NewBlob,
    output: &mut Output,
) -> Result<Written, Error> {
    let Begun { first: mut unit, rest: mut body } = body;
    let mut received = unit.length as u64;
    while !unit.last {
        let sealing = compute(unit.length, move || sealer.seal(&unit.pieces));
        let (sealed, next) =
            futures::join!(sealing, gather(&mut body, limit.saturating_sub(received), MOVING));
        let ciphertext;
        (sealer, ciphertext) = sealed??;
        output.push(ciphertext, blob).await?;
        unit = next
            .map_err(|error| if let Error::TooLarge(_) = error { Error::TooLarge(limit) } else { error })?;
        received += unit.length as u64;
    }
    let (written, ciphertext) = compute(unit.length, move || sealer.finish(&unit.pieces)).await??;
    output.push(ciphertext, blob).await?;
    Ok(written)
}

struct Unit {
    pieces: Vec<Bytes>,
    length: usize,
    last: bool,
}

async fn gather(body: &mut Body, limit: u64, most: Duration) -> Result<Unit, Error> {
    let mut unit = Unit { pieces: Vec::new(), length: 0, last: false };
    let end = Instant::now() + most;
    while unit.length < UNIT {
        let until = end.min(Instant::now() + IDLE);
        match timeout_at(until, body.next()).await.map_err(|_| Error::Slow)? {
            Some(piece) => {
                let piece = piece?;
                unit.length += piece.len();
                unit.pieces.push(piece);
            }
            None => {
                unit.last = true;
                break;
            }
        }
        if unit.length as u64 > limit {
            return Err(Error::TooLarge(limit));
        }
    }
    Ok(unit)
}

/// Hashes and encrypts.
struct Sealer {
    writer: EncryptWriter<Sink>,
    sink: Sink,
    md5: Md5,
    sums: ChecksumHasher,
    size: u64,
}

/// Where an [`EncryptWriter`] puts ciphertext, to be taken from outside.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn take(&self) -> Bytes {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Vec::with_capacity(buffer.capacity());
        std::mem::replace(&mut *buffer, room).into()
    }
}

impl Sealer {
    fn new(key: &DataKey, id: &BlobId, sums: ChecksumHasher) -> Self {
        let sink = Sink::default();
        let writer = EncryptWriter::new(&Key256::from_bytes(key.expose()), id, sink.clone());
        Self { writer, sink, md5: Md5::new(), sums, size: 0 }
    }

    fn feed(&mut self, pieces: &[Bytes]) -> Result<(), Error> {
        for piece in pieces {
            self.md5.update(piece);
            self.sums.update(piece);
            self.size += piece.len() as u64;
            self.writer.write_all(piece).map_err(|_| Error::TooLarge(1 << 52))?;
        }
        Ok(())
    }

    fn seal(mut self, pieces: &[Bytes]) -> Result<(Self, Bytes), Error> {
        self.feed(pieces)?;
        let ciphertext = self.sink.take();
        Ok((self, ciphertext))
    }

    fn finish(mut self, pieces: &[Bytes]) -> Result<(Written, Bytes), Error> {
        self.feed(pieces)?;
        self.writer.finish().map_err(|_| Error::TooLarge(1 << 52))?;
        let written =
            Written { size: self.size, md5: self.md5.finalize(), sums: self.sums.finalize().into() };
        Ok((written, self.sink.take()))
    }
}

/// A blob on its way to the store: as one, or in parts when it gets long.
struct Output {
    store: Arc<dyn ObjectStore>,
    path: Path,
    small: Vec<Bytes>,
    large: Option<WriteMultipart>,
}

impl Output {
    async fn push(&mut self, ciphertext: Bytes, blob: &NewBlob) -> Result<(), Error> {
        timeout(STORING, self.pass_on(ciphertext, blob)).await.map_err(|_| Error::StoreSlow)?
    }

    async fn pass_on(&mut self, ciphertext: Bytes, blob: &NewBlob) -> Result<(), Error> {
        if let Some(upload) = &mut self.large {
            upload.wait_for_capacity(1).await?;
            upload.put(ciphertext);
            return Ok(());
        }
        self.small.push(ciphertext);
        if self.small.iter().map(Bytes::len).sum::<usize>() >= PART {
            // From here on something lies in the store, which a crash must not make be forgotten.
            blob.journaled().await?;
            let upload = self.store.put_multipart(&self.path).await?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
            self.small.drain(..).for_each(|bytes| upload.put(bytes));
            self.large = Some(upload);
        }
        Ok(())
    }

    async fn publish(self) -> Result<(), Error> {
        if let Some(upload) = self.large {
            upload.finish().await?;
            return Ok(());
        }
        // Nobody else writes under this name, so that a request that is sent once more writes the same.
        self.store.put(&self.path, PutPayload::from_iter(self.small)).await?;
        Ok(())
    }

    async fn abort(self) {
        let Some(upload) = self.large else { return };
        match timeout(STORING, upload.abort()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an upload to the object store could not be aborted"),
            // The sweeper removes what is left of it.
            Err(_) => tracing::warn!("an upload to the object store could not be aborted in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use maily_chassis::{Hold, Pool, PoolBounds};
    use maily_keys::LocalKeyring;
    use maily_store::folder;
    use object_store::memory::InMemory;
    use object_store::throttle::{ThrottleConfig, ThrottledStore};

    use super::*;
    use crate::region::Region;
    use crate::sums::Claimed;

    /// A body of a byte every `pause`.
    fn trickle(pause: Duration) -> Body {
        let byte = move |sent| async move {
            tokio::time::sleep(pause).await;
            Some((Ok(Bytes::from_static(b"x")), sent + 1))
        };
        futures::stream::unfold(0, byte).boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_ends_where_its_place_is_taken_away() {
        let pool = Pool::new(PoolBounds { all: 2, each: 2, waiting: 0 });
        let take = |key: &str| pool.try_take(key.to_owned(), Hold::Arriving);
        let places = [take("ann").unwrap(), take("ann").unwrap()];
        let [slow, quick] = places.map(Arc::new);
        quick.moved(UNIT);
        let second = Duration::from_secs(1);
        let mut body =
            Begun { first: Unit { pieces: Vec::new(), length: 0, last: false }, rest: trickle(second) };
        body = body.on(Arc::clone(&slow));
        let mut gathered = Box::pin(gather(&mut body.rest, 1 << 20, MOVING));
        assert!(futures::poll!(&mut gathered).is_pending());
        let _other = take("bob").unwrap();
        let begun = Instant::now();
        assert!(matches!(gathered.await, Err(Error::GaveWay)));
        assert!(begun.elapsed() < second && !quick.is_recalled());
    }

    #[tokio::test]
    async fn a_store_that_takes_nothing_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Arc::new(LocalKeyring::open(dir.path().join("keyring.json")).unwrap());
        let region =
            Region::open("eu", folder(&dir.path().join("eu")).unwrap(), roots, "acme").await.unwrap();
        let blob = region.new_blob().await.unwrap();
        blob.journaled().await.unwrap();
        let hour = Duration::from_secs(3_600);
        let hangs = ThrottleConfig { wait_put_per_call: hour, ..ThrottleConfig::default() };
        let blobs = Blobs::new(Arc::new(ThrottledStore::new(InMemory::new(), hangs)));
        tokio::time::pause();
        let begun = Instant::now();
        // Two parts on their way, and more.
        let unit = Bytes::from(vec![7; UNIT]);
        let body = futures::stream::iter((0..20).map(move |_| Ok(unit.clone()))).boxed();
        let body = Begun::receive(body, 1 << 30).await.unwrap();
        let hasher = Claimed::nothing(std::iter::empty()).hasher();
        let sealed = blobs.seal(&blob, body, hasher, 1 << 30).await;
        assert!(matches!(sealed, Err(Error::StoreSlow)));
        assert!((STORING..STORING * 3).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_must_keep_up_a_least_rate() {
        for (pause, time, most) in
            [(IDLE * 2, FIRST, IDLE), (IDLE / 2, FIRST, FIRST), (IDLE / 2, MOVING, MOVING)]
        {
            let begun = Instant::now();
            let gathered = gather(&mut trickle(pause), 1 << 20, time).await;
            assert!(matches!(gathered, Err(Error::Slow)), "{pause:?}");
            assert_eq!(begun.elapsed().as_secs(), most.as_secs(), "{pause:?}");
        }
        let quick = trickle(Duration::from_millis(1)).take(1000).boxed();
        assert_eq!(gather(&mut { quick }, 1 << 20, MOVING).await.map(|unit| unit.length).ok(), Some(1000));
    }
}
