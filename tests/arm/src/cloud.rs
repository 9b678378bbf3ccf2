//! What there is: resources by id, as Azure would give them back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use crate::{children, id::Id, kinds, shape};

#[derive(Default)]
pub(crate) struct Cloud(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    /// By id in lower case. What a resource embeds (a network its subnets) is kept apart, see `children`.
    pub(crate) resources: BTreeMap<String, Value>,
    /// Built-in role names that were asked for, by their id.
    pub(crate) roles: BTreeMap<String, String>,
    unknown: BTreeSet<String>,
}

impl Cloud {
    /// Creates or replaces; answers it and whether it is new.
    pub(crate) fn put(&self, id: &Id, body: Value, port: u16) -> (Value, bool) {
        let mut state = self.state();
        let new = !state.resources.contains_key(&id.key);
        state.keep(id, body, port);
        (state.read(&id.key).unwrap_or_default(), new)
    }

    /// Merges (RFC 7396) into what is there.
    pub(crate) fn patch(&self, id: &Id, body: &Value, port: u16) -> Option<Value> {
        let mut state = self.state();
        let mut resource = state.read(&id.key).or_else(|| kinds::implicit(id))?;
        merge(&mut resource, body);
        state.keep(id, resource, port);
        state.read(&id.key)
    }

    pub(crate) fn get(&self, id: &Id) -> Option<Value> {
        let state = self.state();
        state.read(&id.key).or_else(|| {
            let parent = id.parent().parent().key;
            let has_parent = state.resources.contains_key(&parent)
                || state.resources.contains_key(&id.parent().key)
                || kinds::implicit(&id.parent().parent()).is_some();
            has_parent.then(|| kinds::implicit(id)).flatten()
        })
    }

    /// Removes it and all that is below it; answers what was removed.
    pub(crate) fn delete(&self, id: &Id) -> Option<Value> {
        let mut state = self.state();
        let removed = state.read(&id.key);
        let below = format!("{}/", id.key);
        state.resources.retain(|key, _| key != &id.key && !key.starts_with(&below));
        if id.kind().eq_ignore_ascii_case("Microsoft.KeyVault/vaults") {
            let keys = crate::vault::address(id.name());
            state.resources.retain(|key, _| !key.starts_with(&keys));
        }
        removed
    }

    /// The members of a collection, wherever in the subscription they are if it has no group.
    pub(crate) fn list(&self, id: &Id) -> Vec<Value> {
        let state = self.state();
        let below = format!("{}/", id.key);
        let kind = id.kind().to_ascii_lowercase();
        let wide = !id.key.contains("/resourcegroups/") && id.key.starts_with("/subscriptions/");
        let member = |key: &str| match key.strip_prefix(&below) {
            Some(rest) => !rest.contains('/'),
            None => wide && key.starts_with("/subscriptions/") && Id::new(key).kind() == kind,
        };
        let keys = state.resources.keys().filter(|key| member(key));
        keys.filter_map(|key| state.read(key)).collect()
    }

    /// Every resource inside a group or subscription whose type is as asked, if one is.
    pub(crate) fn inside(&self, scope: &str, kind: Option<&str>) -> Vec<Value> {
        let state = self.state();
        let below = format!("{}/", scope.to_ascii_lowercase());
        let wanted = |key: &str| {
            key.starts_with(&below)
                && key.contains("/providers/")
                && kind.is_none_or(|kind| Id::new(key).kind().eq_ignore_ascii_case(kind))
        };
        let keys = state.resources.keys().filter(|key| wanted(key));
        keys.filter_map(|key| state.read(key)).collect()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state();
        let id = |(key, resource): (&String, &Value)| {
            resource["id"].as_str().map_or_else(|| key.clone(), ToOwned::to_owned)
        };
        state.resources.iter().map(id).collect()
    }

    /// The one resource of this type, or whose id ends so.
    pub(crate) fn one(&self, which: &str) -> Option<Value> {
        let state = self.state();
        let which = which.to_ascii_lowercase();
        let same = |key: &str| key.ends_with(&which) || Id::new(key).kind() == which;
        let mut found = state.resources.keys().filter(|key| same(key));
        match (found.next(), found.next()) {
            (Some(key), None) => state.read(key),
            _ => None,
        }
    }

    pub(crate) fn change(&self, which: &str, pointer: &str, value: Value) -> Value {
        let mut resource = self.one(which).unwrap_or_else(|| panic!("not exactly one {which}"));
        let place = resource.pointer_mut(pointer).unwrap_or_else(|| panic!("{which} has no {pointer}"));
        let before = std::mem::replace(place, value);
        let id = Id::new(resource["id"].as_str().unwrap_or_default());
        let mut state = self.state();
        children::split(&mut state, &id, &mut resource);
        state.resources.insert(id.key, resource);
        before
    }

    /// Notes a request that has no answer here.
    pub(crate) fn note(&self, request: String) {
        self.state().unknown.insert(request);
    }

    pub(crate) fn unknown(&self) -> Vec<String> {
        self.state().unknown.iter().cloned().collect()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, id: &Id, mut body: Value, port: u16) {
        if !body.is_object() {
            body = json!({});
        }
        let before = self.resources.get(&id.key).cloned();
        // The id's spelling is the creator's.
        let path = before.as_ref().and_then(|before| before["id"].as_str()).unwrap_or(&id.path).to_owned();
        let id = Id::new(&path);
        body["id"] = path.as_str().into();
        body["name"] = id.name().into();
        body["type"] = id.kind().into();
        if let Some(before) = &before {
            shape::retain(&id, before, &mut body);
        }
        shape::shape(&id, &mut body, port);
        children::split(self, &id, &mut body);
        self.resources.insert(id.key.clone(), body);
    }

    fn read(&self, key: &str) -> Option<Value> {
        let mut resource = self.resources.get(key)?.clone();
        children::join(self, key, &mut resource);
        Some(resource)
    }
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(name)),
            value => merge(target.entry(name.clone()).or_insert(Value::Null), value),
        }
    }
}
