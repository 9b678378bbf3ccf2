//! `drift`: what differs from the configuration in each root, as JSON that a person or the healer can read.

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use serde_json::{Value, json};

use super::{
    tool::{Root, answer},
    tree::{CLOUDS, Place, Tree},
};
use crate::shell::{Result, say};

/// Terraform's own code for "there are changes" (plan -detailed-exitcode), and ours for drift.
const CHANGES: i32 = 2;

pub(crate) fn run(
    tree: &Tree,
    environment: Option<&str>,
    cloud: Option<&'static str>,
    state: bool,
) -> Result<ExitCode> {
    let mut reports = Vec::new();
    for dir in chosen(tree, environment, cloud, state)? {
        say(&format!("Comparing {}", tree.shown(&dir)));
        let place = tree.shown(&dir);
        let report = match compare(&Root::new(dir)) {
            Ok(changes) if changes.is_empty() => json!({"root": place, "status": "clean"}),
            Ok(changes) => json!({"root": place, "status": "drift", "changes": changes}),
            Err(error) => json!({"root": place, "status": "failed", "error": error}),
        };
        reports.push(report);
    }
    let code = exit_code(&reports);
    let status = ["clean", "failed", "drift"][usize::from(code)];
    println!("{:#}", json!({"status": status, "roots": reports}));
    Ok(ExitCode::from(code))
}

/// A root that could not be compared outweighs drift: nobody knows what else is wrong there.
fn exit_code(reports: &[Value]) -> u8 {
    let any = |status: &str| reports.iter().any(|report| report["status"] == status);
    match (any("failed"), any("drift")) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }
}

/// The roots of one environment or of all, of one cloud or of all.
pub(super) fn chosen(
    tree: &Tree,
    environment: Option<&str>,
    cloud: Option<&'static str>,
    state: bool,
) -> Result<Vec<std::path::PathBuf>> {
    let environments = match environment {
        Some(name) => vec![name.to_owned()],
        None => tree.environments()?,
    };
    let clouds = cloud.map_or(CLOUDS.to_vec(), |cloud| vec![cloud]);
    let mut roots = Vec::new();
    for environment in &environments {
        let place = |cloud: &&'static str| Place { cloud, state };
        let found: Vec<_> =
            clouds.iter().filter_map(|cloud| tree.root(environment, place(cloud)).ok()).collect();
        if let (true, Some(cloud)) = (found.is_empty(), clouds.first()) {
            // Says what is wrong with the names.
            tree.root(environment, place(cloud))?;
        }
        roots.extend(found);
    }
    Ok(roots)
}

/// What a plan would have to put right.
fn compare(root: &Root) -> Result<Vec<Value>> {
    root.init()?;
    let file = root.dir.join(".terraform/maily.drift.tfplan");
    let out = format!("-out={}", file.display());
    let mut plan = root.terraform(&["plan", "-input=false", "-no-color", "-detailed-exitcode", &out]);
    let said = answer(&mut plan)?;
    let changes = match said.status.code() {
        Some(0) => Ok(Vec::new()),
        Some(CHANGES) => root.plan_json(&file).map(|plan| changes(&plan)),
        _ => Err(String::from_utf8_lossy(&said.stderr).trim().to_owned()),
    };
    remove(&file);
    changes
}

/// The plan may hold sensitive values; nobody applies it.
fn remove(file: &Path) {
    let _ = std::fs::remove_file(file);
}

fn changes(plan: &Value) -> Vec<Value> {
    let all = plan["resource_changes"].as_array().into_iter().flatten();
    let changed = all.filter(|change| {
        let actions = change["change"]["actions"].as_array().into_iter().flatten();
        actions.filter_map(Value::as_str).any(|action| !["no-op", "read"].contains(&action))
    });
    let change = |change: &Value| {
        let mut names = BTreeSet::new();
        let (before, after) = (&change["change"]["before"], &change["change"]["after"]);
        if before.is_object() && after.is_object() {
            differences("", before, after, &mut names);
        }
        json!({
            "address": change["address"],
            "actions": change["change"]["actions"],
            "attributes": names.into_iter().collect::<Vec<_>>(),
        })
    };
    changed.map(change).collect()
}

/// The paths at which two values differ. Names only: a value may be secret.
fn differences(path: &str, before: &Value, after: &Value, names: &mut BTreeSet<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a.keys().chain(b.keys()) {
                // A value that is known only after the apply is not in `after`.
                if let Some(after) = b.get(name) {
                    differences(&below(name), a.get(name).unwrap_or(&Value::Null), after, names);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (before, after)) in a.iter().zip(b).enumerate() {
                differences(&below(&index.to_string()), before, after, names);
            }
        }
        _ if before != after => {
            names.insert(path.to_owned());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_differs_and_not_its_value() {
        let plan = json!({"resource_changes": [
            {"address": "a.same", "change": {"actions": ["no-op"], "before": {"x": 1}, "after": {"x": 1}}},
            {"address": "a.b", "change": {"actions": ["update"],
                "before": {"tls": "1.0", "rules": [{"open": true}], "id": "i"},
                "after": {"tls": "1.2", "rules": [{"open": false}]}}},
        ]});
        let changes = changes(&plan);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0]["attributes"], json!(["rules.0.open", "tls"]));
        assert!(!changes[0].to_string().contains("1.2"));
    }

    #[test]
    fn failure_outweighs_drift() {
        let status = |status: &str| json!({"status": status});
        assert_eq!(exit_code(&[status("clean")]), 0);
        assert_eq!(exit_code(&[status("clean"), status("drift")]), 2);
        assert_eq!(exit_code(&[status("failed"), status("drift")]), 1);
    }
}
