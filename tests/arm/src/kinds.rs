//! What exists without having been created: the one settings object of a service.

use serde_json::{Value, json};

use crate::id::Id;

/// Settings objects that come with their owner.
const IMPLICIT: [&str; 6] = [
    "microsoft.storage/storageaccounts/blobservices",
    "microsoft.storage/storageaccounts/fileservices",
    "microsoft.storage/storageaccounts/queueservices",
    "microsoft.storage/storageaccounts/tableservices",
    "microsoft.security/pricings",
    "microsoft.network/privatednszones/soa",
];

/// The settings object at this id, as it is before anybody changes it.
pub(crate) fn implicit(id: &Id) -> Option<Value> {
    let kind = id.kind();
    let known = IMPLICIT.contains(&kind.to_ascii_lowercase().as_str()) && !id.is_collection();
    let properties = match kind.to_ascii_lowercase().as_str() {
        "microsoft.security/pricings" => json!({"pricingTier": "Free"}),
        "microsoft.network/privatednszones/soa" => json!({
            "ttl": 3600,
            "fqdn": format!("{}.", id.parent().parent().name()),
            "soaRecord": {
                "host": "azureprivatedns.net",
                "email": "azureprivatedns-host.microsoft.com",
                "serialNumber": 1,
                "refreshTime": 3600,
                "retryTime": 300,
                "expireTime": 2_419_200,
                "minimumTTL": 10,
            },
        }),
        _ => json!({}),
    };
    known.then(|| json!({"id": id.path, "name": id.name(), "type": kind, "properties": properties}))
}
