//! Parts that Azure shows both inside a resource and as resources of their own: a network's subnets, a cluster's pools.

use serde_json::{Map, Value, json};

use crate::{cloud::State, id::Id};

/// Type, the property that embeds, the segment of the parts, and whether a part lies flat beside its name.
const EMBEDDED: [(&str, &str, &str, bool); 5] = [
    ("microsoft.network/virtualnetworks", "subnets", "subnets", false),
    ("microsoft.network/virtualnetworks", "virtualNetworkPeerings", "virtualNetworkPeerings", false),
    ("microsoft.network/networksecuritygroups", "securityRules", "securityRules", false),
    ("microsoft.network/routetables", "routes", "routes", false),
    ("microsoft.containerservice/managedclusters", "agentPoolProfiles", "agentPools", true),
];

fn of(kind: &str) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let kind = kind.to_ascii_lowercase();
    EMBEDDED
        .into_iter()
        .filter(move |(owner, ..)| *owner == kind)
        .map(|(_, property, segment, flat)| (property, segment, flat))
}

/// Takes the parts out of a resource that is being kept. A list replaces all that was there; no list changes nothing.
pub(crate) fn split(state: &mut State, id: &Id, resource: &mut Value) {
    for (property, segment, flat) in of(&id.kind()) {
        let Some(properties) = resource["properties"].as_object_mut() else { continue };
        let Some(Value::Array(parts)) = properties.remove(property) else { continue };
        let prefix = format!("{}/{}/", id.key, segment.to_ascii_lowercase());
        state.resources.retain(|key, _| !key.starts_with(&prefix));
        for part in parts {
            let (key, part) = outside(id, segment, part, flat);
            state.resources.insert(key, part);
        }
    }
}

fn outside(owner: &Id, segment: &str, mut part: Value, flat: bool) -> (String, Value) {
    let name = part["name"].as_str().unwrap_or_default().to_owned();
    let id = Id::new(&format!("{}/{segment}/{name}", owner.path));
    let mut properties = match flat {
        true => part.as_object_mut().map(std::mem::take).unwrap_or_default(),
        false => part["properties"].as_object_mut().map(std::mem::take).unwrap_or_default(),
    };
    if flat {
        properties.remove("name");
    }
    properties.insert("provisioningState".to_owned(), "Succeeded".into());
    let part = json!({"id": id.path, "name": name, "type": id.kind(), "properties": properties});
    (id.key, part)
}

/// Puts the parts back into a resource that is being read.
pub(crate) fn join(state: &State, key: &str, resource: &mut Value) {
    let kind = resource["type"].as_str().unwrap_or_default().to_owned();
    for (property, segment, flat) in of(&kind) {
        let prefix = format!("{key}/{}/", segment.to_ascii_lowercase());
        let parts = state.resources.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        let parts =
            parts.filter(|(key, _)| key.strip_prefix(&prefix).is_some_and(|part| !part.contains('/')));
        let parts: Vec<Value> =
            parts.map(|(_, part)| if flat { inside(part) } else { part.clone() }).collect();
        resource["properties"][property] = parts.into();
    }
}

fn inside(part: &Value) -> Value {
    let mut flat = Map::new();
    flat.insert("name".to_owned(), part["name"].clone());
    flat.extend(part["properties"].as_object().cloned().unwrap_or_default());
    Value::Object(flat)
}
