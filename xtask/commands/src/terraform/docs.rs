//! The tables of inputs and outputs in the modules' READMEs, between two markers; the text around them is people's.

use std::{fs, path::Path};

use super::{
    hcl::{self, Module},
    tree::Tree,
};
use crate::shell::Result;

const BEGIN: &str = "<!-- begin: cargo xtask terraform docs -->";
const END: &str = "<!-- end: cargo xtask terraform docs -->";

/// Writes every README whose tables are not as the configuration says; answers their places.
pub(crate) fn write(tree: &Tree) -> Result<Vec<String>> {
    let mut written = Vec::new();
    for dir in folders(tree)? {
        let (before, after) = readme(&dir)?;
        if before.as_deref() != Some(after.as_str()) {
            let file = dir.join("README.md");
            fs::write(&file, after).map_err(|error| format!("{}: {error}", file.display()))?;
            written.push(tree.shown(&file));
        }
    }
    Ok(written)
}

/// The READMEs that `write` would change.
pub(crate) fn stale(tree: &Tree) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for dir in folders(tree)? {
        let (before, after) = readme(&dir)?;
        if before.as_deref() != Some(after.as_str()) {
            stale.push(format!(
                "{}/README.md is not as `cargo xtask terraform docs` writes it",
                tree.shown(&dir)
            ));
        }
    }
    Ok(stale)
}

fn folders(tree: &Tree) -> Result<Vec<std::path::PathBuf>> {
    Ok(tree.modules()?.into_iter().chain(tree.roots()?).collect())
}

/// What the README is, and what it should be.
fn readme(dir: &Path) -> Result<(Option<String>, String)> {
    let before = fs::read_to_string(dir.join("README.md")).ok();
    let tables = tables(&Module::read(dir)?);
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = before.clone().unwrap_or_else(|| format!("# {name}\n\n{BEGIN}\n{END}\n"));
    let parts = text.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let after = match parts {
        Some((head, tail)) => format!("{head}{BEGIN}\n\n{tables}\n{END}{tail}"),
        None => format!("{}\n\n{BEGIN}\n\n{tables}\n{END}\n", text.trim_end()),
    };
    Ok((before, after))
}

fn tables(module: &Module) -> String {
    let mut text = "## Inputs\n\n| Name | Type | Default | Description |\n|---|---|---|---|\n".to_owned();
    for variable in module.variables() {
        let kind = variable.kind.as_ref().map(hcl::text).unwrap_or_default();
        let default =
            variable.default.as_ref().map_or_else(|| "required".to_owned(), |value| code(&hcl::text(value)));
        let description = variable.description.unwrap_or_default();
        text += &format!("| {} | {} | {default} | {} |\n", variable.name, code(&kind), cell(&description));
    }
    text += "\n## Outputs\n\n| Name | Description |\n|---|---|\n";
    for output in module.outputs() {
        text += &format!("| {} | {} |\n", output.name, cell(&output.description.unwrap_or_default()));
    }
    text
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

/// A pipe would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
