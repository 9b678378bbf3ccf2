//! A bounded memory of unwrapped keys that can't bring a destroyed key back.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use maily_crypto::DataKey;

use crate::KeyId;

/// Least recently used keys go first.
pub(crate) struct KeyCache(Mutex<State>);

struct State {
    keys: LruCache<KeyId, DataKey>,
    /// Counts removals: a key read before one must not be remembered after it.
    removals: u64,
}

impl KeyCache {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self(Mutex::new(State { keys: LruCache::new(capacity), removals: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of `ids`, and the state of the cache to hand to [`Self::remember`].
    pub(crate) fn get(&self, ids: &[KeyId]) -> (Vec<Option<DataKey>>, u64) {
        let mut state = self.lock();
        let found = ids.iter().map(|id| state.keys.get(id).cloned()).collect();
        (found, state.removals)
    }

    /// Remembers keys read since `removals`, unless a key was destroyed in between.
    pub(crate) fn remember<'a>(&self, removals: u64, keys: impl Iterator<Item = (&'a KeyId, &'a DataKey)>) {
        let mut state = self.lock();
        if state.removals == removals {
            for (id, key) in keys {
                state.keys.put(*id, key.clone());
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.removals += 1;
        state.keys.clear();
    }

    pub(crate) fn forget(&self, ids: &[KeyId]) {
        let mut state = self.lock();
        state.removals += 1;
        for id in ids {
            state.keys.pop(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destroyed_key_is_not_remembered_by_a_slow_reader() {
        let cache = KeyCache::new(NonZeroUsize::new(2).unwrap());
        let (id, key) = ([1; 32], DataKey::from_bytes(&[9; 32]));
        let (_, before) = cache.get(&[id]);
        cache.forget(&[id]);
        cache.remember(before, [(&id, &key)].into_iter());
        assert!(cache.get(&[id]).0[0].is_none());
        let (_, now) = cache.get(&[id]);
        cache.remember(now, [(&id, &key), (&[2; 32], &key), (&[3; 32], &key)].into_iter());
        let (found, _) = cache.get(&[id, [2; 32], [3; 32]]);
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true]);
    }
}
