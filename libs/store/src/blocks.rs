//! Encrypts the blocks of SlateDB's files.

use async_trait::async_trait;
use bytes::Bytes;
use maily_crypto::{Cipher, DataKey, Error, OVERHEAD};
use slatedb::BlockTransformer;

const CONTEXT: &[u8] = b"maily slatedb block";

/// Seals every block of every file of a database under one key.
pub(crate) struct SealedBlocks(Cipher);

impl SealedBlocks {
    pub(crate) fn new(key: &DataKey) -> Result<Self, Error> {
        Ok(Self(Cipher::new(key)?))
    }
}

#[async_trait]
impl BlockTransformer for SealedBlocks {
    async fn encode(&self, data: Bytes) -> Result<Bytes, slatedb::Error> {
        let sealed = self.0.seal(CONTEXT, &data);
        sealed.map(Bytes::from).map_err(|error| slatedb::Error::internal(error.to_string()))
    }

    async fn decode(&self, data: Bytes) -> Result<Bytes, slatedb::Error> {
        let opened = self.0.open(CONTEXT, &data);
        opened.map(Bytes::from).map_err(|error| slatedb::Error::data(error.to_string()))
    }

    fn encoded_overhead(&self) -> usize {
        OVERHEAD
    }
}
