//! Objects: put, read, listed, deleted, in parts, and under conditions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use maily_store::StoreFailure;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};

type Store = Arc<dyn ObjectStore>;

/// More than S3 lists in one answer.
const MANY: usize = 1_005;
/// The least that S3 takes as a part but the last.
const PART: usize = 5 << 20;

pub(crate) async fn all(store: &Store) {
    puts_and_replaces(store).await;
    creates_once(store).await;
    replaces_what_it_saw(store).await;
    reads_ranges(store).await;
    says_what_did_not_change(store).await;
    lists_by_whole_names(store).await;
    lists_many(store).await;
    deletes(store).await;
    writes_in_parts(store).await;
    gives_up_a_write(store).await;
    names_what_is_missing(store).await;
}

pub(crate) async fn apart(one: &Store, two: &Store) {
    let path = Path::from("same");
    one.put(&path, "one".into()).await.unwrap();
    two.put(&path, "two".into()).await.unwrap();
    assert_eq!((read(one, &path).await, read(two, &path).await), ("one".into(), "two".into()));
    assert_eq!(listed(one, None).await, ["same"]);
    one.delete(&path).await.unwrap();
    assert_eq!(listed(two, None).await, ["same"]);
}

async fn read(store: &Store, path: &Path) -> Bytes {
    store.get(path).await.unwrap().bytes().await.unwrap()
}

/// Names in order, for a folder has none.
async fn listed(store: &Store, prefix: Option<&Path>) -> Vec<String> {
    let found: Vec<_> = store.list(prefix).try_collect().await.unwrap();
    let mut names: Vec<String> = found.into_iter().map(|meta| meta.location.to_string()).collect();
    names.sort();
    names
}

fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> StoreFailure {
    StoreFailure::of_objects(&result.unwrap_err())
}

async fn puts_and_replaces(store: &Store) {
    let path = Path::from("put/blobs/00/00ff");
    for content in ["first", "second, which is longer", "", "3"] {
        store.put(&path, content.into()).await.unwrap();
        assert_eq!(read(store, &path).await, content);
        assert_eq!(store.head(&path).await.unwrap().size, content.len() as u64);
    }
}

async fn creates_once(store: &Store) {
    let path = Path::from("create/manifest");
    let create = |n: usize| {
        let (store, path) = (Arc::clone(store), path.clone());
        async move { store.put_opts(&path, n.to_string().into(), PutOptions::from(PutMode::Create)).await }
    };
    let results = futures::future::join_all((0..8).map(create)).await;
    let winners: Vec<usize> = (0..8).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert_eq!(read(store, &path).await, winners[0].to_string());
    for lost in results.into_iter().filter(Result::is_err) {
        assert_eq!(failure(lost), StoreFailure::Conflict);
    }
}

async fn replaces_what_it_saw(store: &Store) {
    let path = Path::from("update/manifest.boundary");
    let made = store.put_opts(&path, "1".into(), PutOptions::from(PutMode::Create)).await.unwrap();
    let stale = UpdateVersion::from(made);
    let replace = async |version: UpdateVersion, content: &'static str| {
        store.put_opts(&path, content.into(), PutOptions::from(PutMode::Update(version))).await
    };
    let fresh = replace(stale.clone(), "2").await.unwrap().into();
    assert_eq!(failure(replace(stale, "3").await), StoreFailure::Conflict);
    assert_eq!(read(store, &path).await, "2");
    // Also by what a reader saw.
    let seen = store.head(&path).await.unwrap();
    let seen = UpdateVersion { e_tag: seen.e_tag, version: seen.version };
    replace(seen, "4").await.unwrap();
    assert_eq!(failure(replace(fresh, "5").await), StoreFailure::Conflict);
    let gone = store.head(&path).await.unwrap();
    store.delete(&path).await.unwrap();
    let gone = UpdateVersion { e_tag: gone.e_tag, version: gone.version };
    // S3 says that there is none.
    assert!(matches!(failure(replace(gone, "6").await), StoreFailure::Conflict | StoreFailure::Missing));
    assert!(store.head(&path).await.is_err(), "nothing comes back");
}

async fn reads_ranges(store: &Store) {
    let path = Path::from("ranges/a");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    store.put(&path, bytes.clone().into()).await.unwrap();
    assert_eq!(store.get_range(&path, 10..20).await.unwrap(), bytes[10..20]);
    let ranges = [0..56, 300..301, 90_000..100_000];
    let read = store.get_ranges(&path, &ranges).await.unwrap();
    for (read, range) in read.iter().zip(ranges) {
        assert_eq!(read, &bytes[range.start as usize..range.end as usize]);
    }
    // Each says it in words of its own; none says that the object is missing.
    let beyond = store.get_range(&path, 200_000..200_001).await;
    assert!(!matches!(failure(beyond), StoreFailure::Missing | StoreFailure::Damaged));
}

async fn says_what_did_not_change(store: &Store) {
    let path = Path::from("unchanged/a");
    store.put(&path, "1".into()).await.unwrap();
    let e_tag = store.head(&path).await.unwrap().e_tag;
    let unless = || GetOptions::new().with_if_none_match(e_tag.clone());
    let same = store.get_opts(&path, unless()).await;
    assert!(matches!(same, Err(Error::NotModified { .. })), "{same:?}");
    store.put(&path, "22".into()).await.unwrap();
    assert_eq!(store.get_opts(&path, unless()).await.unwrap().bytes().await.unwrap(), "22");
}

async fn lists_by_whole_names(store: &Store) {
    for name in ["list/a/1", "list/a/2", "list/a/b/3", "list/ab/4", "list/5"] {
        store.put(&Path::from(name), name.into()).await.unwrap();
    }
    let below = async |prefix: &str| listed(store, Some(&Path::from(prefix))).await;
    assert_eq!(below("list/a").await, ["list/a/1", "list/a/2", "list/a/b/3"]);
    assert_eq!(below("list/a/1").await, Vec::<String>::new(), "an object is not below itself");
    assert_eq!(below("list/nothing").await, Vec::<String>::new());
    let folder = store.list_with_delimiter(Some(&Path::from("list/a"))).await.unwrap();
    assert_eq!(folder.objects.len(), 2);
    assert_eq!(folder.common_prefixes, [Path::from("list/a/b")]);
    let behind = store.list_with_offset(Some(&Path::from("list/a")), &Path::from("list/a/1"));
    let behind: BTreeSet<String> =
        behind.map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert_eq!(behind, BTreeSet::from(["list/a/2".to_owned(), "list/a/b/3".to_owned()]));
}

async fn lists_many(store: &Store) {
    let prefix = Path::from("many");
    let put = |n: usize| {
        let (store, path) = (Arc::clone(store), prefix.clone().join(format!("{n:05}")));
        async move { store.put(&path, "x".into()).await }
    };
    stream::iter((0..MANY).map(put)).buffer_unordered(32).try_collect::<Vec<_>>().await.unwrap();
    let names: Vec<String> = (0..MANY).map(|n| format!("many/{n:05}")).collect();
    assert_eq!(listed(store, Some(&prefix)).await, names);
    let all = store.list(Some(&prefix)).map_ok(|meta| meta.location).boxed();
    let deleted: Vec<Path> = store.delete_stream(all).try_collect().await.unwrap();
    assert_eq!(deleted.len(), MANY);
    assert_eq!(listed(store, Some(&prefix)).await, Vec::<String>::new());
}

async fn deletes(store: &Store) {
    let path = Path::from("delete/a");
    store.put(&path, "x".into()).await.unwrap();
    store.delete(&path).await.unwrap();
    assert_eq!(failure(store.get(&path).await), StoreFailure::Missing);
    // One that is not there: some stores say so, and S3 does not know.
    if let Err(error) = store.delete(&path).await {
        assert_eq!(StoreFailure::of_objects(&error), StoreFailure::Missing);
    }
}

async fn writes_in_parts(store: &Store) {
    let path = Path::from("parts/a");
    let mut upload = store.put_multipart(&path).await.unwrap();
    let parts = [vec![1_u8; PART], vec![2; PART], vec![3; 10]];
    // They come in any order, and more than one at once.
    let sent: Vec<_> = parts.iter().map(|part| upload.put_part(part.clone().into())).collect();
    futures::future::try_join_all(sent).await.unwrap();
    assert_eq!(
        failure(store.get(&path).await),
        StoreFailure::Missing,
        "nothing is there before all of it is"
    );
    upload.complete().await.unwrap();
    assert_eq!(read(store, &path).await, parts.concat());
    store.put(&path, "replaced".into()).await.unwrap();
    assert_eq!(read(store, &path).await, "replaced");
}

async fn gives_up_a_write(store: &Store) {
    let path = Path::from("aborted/a");
    let mut upload = store.put_multipart(&path).await.unwrap();
    upload.put_part(PutPayload::from(vec![1_u8; PART])).await.unwrap();
    upload.abort().await.unwrap();
    assert_eq!(failure(store.get(&path).await), StoreFailure::Missing);
    assert_eq!(listed(store, Some(&Path::from("aborted"))).await, Vec::<String>::new());
}

async fn names_what_is_missing(store: &Store) {
    let path = Path::from("missing/a");
    assert_eq!(failure(store.get(&path).await), StoreFailure::Missing);
    assert_eq!(failure(store.head(&path).await), StoreFailure::Missing);
    assert_eq!(failure(store.get_range(&path, 0..10).await), StoreFailure::Missing);
}
