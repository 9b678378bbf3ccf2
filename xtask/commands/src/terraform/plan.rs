//! `plan`: into a file, and what it means in a few lines.

use std::process::ExitCode;

use super::{
    summary::Summary,
    tool::Root,
    tree::{Place, Tree},
};
use crate::shell::{Result, say};

pub(crate) fn show(tree: &Tree, environment: &str, place: Place<'_>) -> Result<ExitCode> {
    let root = Root::new(tree.root(environment, place)?);
    let summary = make(&root, &format!("{environment} on {place}"), &[])?;
    println!("plan        {}", root.plan_file().display());
    Ok(if summary.is_inside() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plans and shows the summary.
pub(crate) fn make(root: &Root, what: &str, arguments: &[&str]) -> Result<Summary> {
    say(&format!("Planning {what}"));
    root.init()?;
    let file = root.plan(arguments)?;
    let summary = Summary::of(&root.plan_json(&file)?);
    println!("{summary}");
    Ok(summary)
}
