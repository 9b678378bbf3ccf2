//! One build graph: whichever crates of the workspace are built, what they share has the same features, so that nothing is
//! compiled twice. The features are in `libs/workspace-hack`; this says which are missing there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    shell::{Result, cargo, output},
    workspace::{Package, packages},
};

/// Built before all else and by themselves, of few crates: these need no more than that what takes long is the same.
const APART: [&str; 4] = ["xtask", "maily-xtask", "maily-testkit", "maily-law"];
/// What takes long to compile, C code above all.
const LONG: [&str; 3] = ["aws-lc-rs ", "aws-lc-sys ", "clap_builder "];
const SIDE_BY_SIDE: usize = 2;

/// Package and version, to the sets of features that it is built with.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Fails with what to write into the manifest.
pub(crate) fn check() -> Result<()> {
    let members = packages()?;
    let whole = graph(&["--workspace"])?;
    let (next, missing) = (AtomicUsize::new(0), Mutex::new(Ok(BTreeSet::new())));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(Package { name: member, .. }) =
                    members.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let found = graph(&["--package", member]).map(|own| differing(member, &own, &whole));
                    let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                    match (missing.as_mut(), found) {
                        (Ok(all), Ok(found)) => all.extend(found),
                        (Ok(_), Err(error)) => *missing = Err(error),
                        (Err(_), _) => {}
                    }
                }
            });
        }
    });
    let missing: BTreeSet<String> = missing.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "built alone, these would have other features than in the whole workspace; libs/workspace-hack/Cargo.toml needs\n  {}",
            missing.into_iter().collect::<Vec<_>>().join("\n  ")
        )),
    }
}

/// What a member has with features that the whole workspace does not build.
fn differing(member: &str, own: &Graph, whole: &Graph) -> Vec<String> {
    let matters = |name: &str| !APART.contains(&member) || LONG.iter().any(|begin| name.starts_with(begin));
    // Cargo builds it with several sets where build scripts need it too; what a crate of ours gets is the largest.
    let largest =
        |name: &String| whole.get(name).into_iter().flatten().max_by_key(|set| set.split(',').count());
    let differs = |(name, sets): &(&String, &BTreeSet<String>)| {
        matters(name) && largest(name).is_none_or(|set| !sets.contains(set))
    };
    let line = |(name, _): (&String, &BTreeSet<String>)| {
        format!("{name}: {} (for {member})", largest(name).map_or("", String::as_str))
    };
    own.iter().filter(differs).map(line).collect()
}

fn graph(of: &[&str]) -> Result<Graph> {
    let mut tree = cargo(&["tree", "--locked", "--edges", "normal,build,dev", "--prefix", "none"]);
    let text = output(tree.args(["--format", "{p}|{f}"]).args(of))?;
    Ok(read(&text))
}

/// Lines such as `libc v0.2.191|default,std (*)`; those with a path are our own.
fn read(text: &str) -> Graph {
    let mut graph = Graph::new();
    for line in text.lines() {
        let Some((name, features)) = line.trim_end_matches(" (*)").split_once('|') else { continue };
        if !name.contains("(/") {
            graph.entry(name.to_owned()).or_default().insert(features.to_owned());
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_features_than_the_workspace_has_are_named() {
        let whole = read("libc v0.2.1|default,std\nlibc v0.2.1|std (*)\nown v0.1.0 (/a/b)|x\n");
        assert_eq!(whole.len(), 1);
        assert!(
            differing("maily-keys", &read("libc v0.2.1|std\nlibc v0.2.1|default,std"), &whole).is_empty()
        );
        assert_eq!(differing("maily-keys", &read("libc v0.2.1|std"), &whole).len(), 1);
        let found = differing("maily-keys", &read("libc v0.2.1|"), &whole);
        assert_eq!(found, ["libc v0.2.1: default,std (for maily-keys)"]);
        assert!(differing("maily-law", &read("libc v0.2.1|"), &whole).is_empty());
        assert_eq!(differing("maily-xtask", &read("aws-lc-sys v0.47.0|"), &whole).len(), 1);
    }
}
