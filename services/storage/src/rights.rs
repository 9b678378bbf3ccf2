//! What an access key may do with which objects.

use maily_keys::{AccessAction, AccessKey, AccessRule};

/// The name of the key that the orchestrator has.
const ORCHESTRATOR: &str = "orchestrator";

/// Whether a bucket is the orchestrator's: campaigns, and people's messages.
fn is_kept(bucket: &str) -> bool {
    bucket == "maily-campaigns" || bucket.starts_with("maily-mail-")
}

/// Whether the key may do this with the object, or with all whose names begin so.
pub(crate) fn may(key: &AccessKey, action: AccessAction, bucket: &str, name: &str) -> bool {
    match &key.allow {
        None => is_own(key, bucket),
        Some(rules) => rules.iter().any(|rule| {
            covers(rule, bucket) && name.starts_with(&rule.prefix) && rule.actions.contains(&action)
        }),
    }
}

/// Whether the key may do something in the bucket, and so know of it.
pub(crate) fn sees(key: &AccessKey, bucket: &str) -> bool {
    match &key.allow {
        None => is_own(key, bucket),
        Some(rules) => rules.iter().any(|rule| covers(rule, bucket)),
    }
}

/// A key that was not told what it may do does nothing; the orchestrator's need not be told of its own buckets.
fn is_own(key: &AccessKey, bucket: &str) -> bool {
    is_kept(bucket) && needs_no_rules(key)
}

pub(crate) fn needs_no_rules(key: &AccessKey) -> bool {
    key.name == ORCHESTRATOR
}

/// What is kept for the orchestrator has to be named.
fn covers(rule: &AccessRule, bucket: &str) -> bool {
    rule.bucket == bucket || (rule.bucket == "*" && !is_kept(bucket))
}

#[cfg(test)]
mod tests {
    use maily_keys::AccessAction::{Delete, List, Read, Write};

    use super::*;

    type Rule<'a> = (&'a str, &'a str, &'a [AccessAction]);

    /// A key that was told what it may do.
    fn told(name: &str, rules: &[Rule<'_>]) -> AccessKey {
        let rule = |(bucket, prefix, actions): &Rule<'_>| AccessRule {
            bucket: (*bucket).to_owned(),
            prefix: (*prefix).to_owned(),
            actions: actions.to_vec(),
        };
        AccessKey {
            id: name.to_owned(),
            secret: "sixteen bytes or more".into(),
            name: name.to_owned(),
            regions: Vec::new(),
            allow: Some(rules.iter().map(rule).collect()),
        }
    }

    fn untold(name: &str) -> AccessKey {
        AccessKey { allow: None, ..told(name, &[]) }
    }

    #[test]
    fn without_rules_nothing_but_to_the_orchestrator_its_own() {
        let (local, orchestrator) = (untold("local"), untold(ORCHESTRATOR));
        let does = |key: &AccessKey, bucket: &str| {
            sees(key, bucket)
                || [Read, Write, Delete, List].iter().any(|action| may(key, *action, bucket, "a"))
        };
        assert!(!does(&local, "things") && !does(&orchestrator, "things"));
        for bucket in ["maily-campaigns", "maily-mail-eu"] {
            assert!(!does(&local, bucket));
            assert!(may(&orchestrator, Write, bucket, "a") && sees(&orchestrator, bucket));
        }
    }

    #[test]
    fn a_rule_is_of_a_bucket_a_prefix_and_actions() {
        let reader = told("reader", &[("things", "a/", &[Read, List])]);
        assert!(may(&reader, Read, "things", "a/1") && may(&reader, List, "things", "a/"));
        for (action, bucket, name) in
            [(Read, "things", "b"), (Read, "other", "a/1"), (Write, "things", "a/1"), (List, "things", "")]
        {
            assert!(!may(&reader, action, bucket, name), "{action:?} {bucket} {name}");
        }
        assert!(sees(&reader, "things") && !sees(&reader, "other"));
        assert!(!may(&told("nothing", &[]), Read, "things", "a"));
    }

    #[test]
    fn every_bucket_is_none_of_the_orchestrators() {
        let all = told(ORCHESTRATOR, &[("*", "", &[Read])]);
        assert!(may(&all, Read, "things", "a") && !may(&all, Read, "maily-mail-eu", "a"));
        let named = told("auditor", &[("maily-mail-eu", "", &[Read])]);
        assert!(may(&named, Read, "maily-mail-eu", "a") && !may(&named, Read, "maily-mail-us", "a"));
    }
}
