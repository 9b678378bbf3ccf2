//! What every [`RootKeys`] must do; each implementation's tests call [`all`] with a fresh keeper.

use maily_crypto::DataKey;

use crate::{Error, RootKeys, Scope, WrappedKey};

fn scope(region: &str) -> Scope {
    Scope::new("acme", region, "people").unwrap()
}

/// Runs the whole suite.
pub(crate) async fn all(roots: &dyn RootKeys) {
    wraps_and_unwraps(roots).await;
    scopes_are_apart(roots).await;
    rotation_keeps_old_versions_until_trimmed(roots).await;
    macs_are_stable(roots).await;
    refuses_nonsense(roots).await;
}

async fn wraps_and_unwraps(roots: &dyn RootKeys) {
    let key = DataKey::generate().unwrap();
    let wrapped = roots.wrap(&scope("eu"), &key).await.unwrap();
    assert_eq!(wrapped.version, 1);
    assert!(!wrapped.bytes.windows(32).any(|window| window == key.expose()));
    assert_eq!(roots.unwrap(&scope("eu"), &wrapped).await.unwrap().expose(), key.expose());
}

async fn scopes_are_apart(roots: &dyn RootKeys) {
    let wrapped = roots.wrap(&scope("uk"), &DataKey::generate().unwrap()).await.unwrap();
    roots.wrap(&scope("ch"), &DataKey::generate().unwrap()).await.unwrap();
    assert!(roots.unwrap(&scope("ch"), &wrapped).await.is_err());
}

async fn rotation_keeps_old_versions_until_trimmed(roots: &dyn RootKeys) {
    let key = DataKey::generate().unwrap();
    let old = roots.wrap(&scope("us"), &key).await.unwrap();
    let version = roots.rotate(&scope("us")).await.unwrap();
    assert_eq!(version, old.version + 1);
    let new = roots.wrap(&scope("us"), &key).await.unwrap();
    assert_eq!(new.version, version);
    assert_eq!(roots.unwrap(&scope("us"), &old).await.unwrap().expose(), key.expose());
    for _ in 0..2 {
        roots.destroy_below(&scope("us"), version).await.unwrap();
    }
    let gone = roots.unwrap(&scope("us"), &old).await.unwrap_err();
    assert!(matches!(gone, Error::RootVersionGone { version: 1, .. }), "{gone}");
    assert_eq!(roots.unwrap(&scope("us"), &new).await.unwrap().expose(), key.expose());
    assert!(
        roots.destroy_below(&scope("us"), version + 1).await.is_err(),
        "the newest version is never destroyed"
    );
}

async fn macs_are_stable(roots: &dyn RootKeys) {
    let secret = roots.mac(&scope("ca"), "suppression").await.unwrap();
    assert_ne!(roots.mac(&scope("ca"), "links").await.unwrap().expose(), secret.expose());
    assert_ne!(roots.mac(&scope("eu"), "suppression").await.unwrap().expose(), secret.expose());
    let version = roots.rotate(&scope("ca")).await.unwrap();
    roots.destroy_below(&scope("ca"), version).await.unwrap();
    assert_eq!(roots.mac(&scope("ca"), "suppression").await.unwrap().expose(), secret.expose());
}

async fn refuses_nonsense(roots: &dyn RootKeys) {
    for bytes in [vec![], vec![0; 60]] {
        let forged = WrappedKey { version: 1, bytes };
        assert!(roots.unwrap(&scope("eu"), &forged).await.is_err());
    }
    let future = WrappedKey { version: 99, bytes: vec![0; 60] };
    assert!(roots.unwrap(&scope("eu"), &future).await.is_err());
}
