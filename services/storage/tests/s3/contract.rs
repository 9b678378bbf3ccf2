//! What the orchestrator relies on, which its fake of this service runs too.

use bytes::Bytes;
use maily_contracts::objects::{Bucket, Objects};
use maily_keys::{AccessKey, LocalKeyring};
use maily_objects::{Error, Objects as Client};
use maily_storage::{REGIONS, Storage, folders};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::support::{LIMIT, client, orchestrator, serve};

/// A storage in a folder of its own, called as the orchestrator does.
struct Real {
    _dir: tempfile::TempDir,
    _storage: Storage,
    address: SocketAddr,
    key: AccessKey,
}

impl Real {
    fn place(&self, bucket: Bucket<'_>) -> (Client, String) {
        let (region, name) = match bucket {
            Bucket::Campaigns => ("eu", "maily-campaigns".to_owned()),
            Bucket::Mail(region) => (region, format!("maily-mail-{region}")),
        };
        (client(self.address, &self.key, region), name)
    }
}

impl Objects for Real {
    async fn create(&self, bucket: Bucket<'_>, key: &str, bytes: Bytes) -> Result<bool, String> {
        let (client, bucket) = self.place(bucket);
        client.ensure_bucket(&bucket).await.map_err(|error| error.to_string())?;
        client.put_if_absent(&bucket, key, bytes).await.map_err(|error| error.to_string())
    }

    async fn read(&self, bucket: Bucket<'_>, key: &str) -> Result<Option<Bytes>, String> {
        let (client, bucket) = self.place(bucket);
        match client.get(&bucket, key).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

async fn start() -> Real {
    let dir = tempfile::tempdir().unwrap();
    let roots = Arc::new(LocalKeyring::open(dir.path().join("keyring.json")).unwrap());
    let key = orchestrator(&REGIONS);
    let objects = dir.path().join("objects");
    let storage =
        Storage::open(folders(&objects).unwrap(), "acme", roots, vec![key.clone()], LIMIT).await.unwrap();
    let address = serve(&storage).await;
    Real { _dir: dir, _storage: storage, address, key }
}

maily_contracts::objects_suite!(start);
