//! `terraform/contracts.hcl`: what every cloud's module of a kind takes and gives. A module that drifts from it, a
//! variable or output that does not say what it is, and a module without the residency gate are faults.

use std::path::{Path, PathBuf};

use hcl_edit::structure::{Block, Body, Structure};

use super::{
    hcl::{self, Module},
    tree::Tree,
};
use crate::shell::Result;

/// Every fault of the modules and environments, a sentence each.
pub(crate) fn faults(tree: &Tree) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for dir in tree.modules()?.iter().chain(&tree.roots()?) {
        let module = Module::read(dir)?;
        let place = tree.shown(dir);
        let is_module = dir.starts_with(tree.modules_dir());
        faults.extend(undescribed(&module, is_module).into_iter().map(|fault| format!("{place}: {fault}")));
        if is_module && dir != &tree.modules_dir().join("residency") {
            faults.extend(ungated(&module).into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    let contracts = hcl::body(&tree.dir().join("contracts.hcl"))?;
    let common = contracts.get_blocks("common").next().map(|block| &block.body);
    for kind in contracts.get_blocks("kind") {
        for dir in implementations(tree, kind) {
            faults.extend(drift(tree, kind, common, &dir)?);
        }
    }
    Ok(faults)
}

/// The folders that implement a kind.
fn implementations(tree: &Tree, kind: &Block) -> Vec<PathBuf> {
    let modules = hcl::value(&kind.body, "modules").and_then(|value| value.as_object());
    let paths = modules.into_iter().flat_map(|modules| modules.iter().map(|(_, value)| value.expr()));
    paths.filter_map(|path| path.as_str()).map(|path| tree.dir().join(path)).collect()
}

/// Where a module differs from its kind's contract.
fn drift(tree: &Tree, kind: &Block, common: Option<&Body>, dir: &Path) -> Result<Vec<String>> {
    let (place, kind_name) = (tree.shown(dir), hcl::label(kind));
    if !dir.is_dir() {
        return Ok(vec![format!("{place}: the contract \"{kind_name}\" names it, but it does not exist")]);
    }
    let module = Module::read(dir)?;
    let mut faults = Vec::new();
    let variables = module.variables();
    for input in common.into_iter().chain([&kind.body]).flat_map(|body| body.get_blocks("input")) {
        let name = hcl::label(input);
        let wanted = hcl::value(&input.body, "type").map(hcl::type_text).unwrap_or_default();
        match variables.iter().find(|variable| variable.name == name) {
            None => {
                faults.push(format!("the contract \"{kind_name}\" has the input {name}, the module has not"))
            }
            Some(variable) => {
                let found = variable.kind.as_ref().map(hcl::type_text).unwrap_or_default();
                if found != wanted {
                    faults.push(format!(
                        "the type of {name} is {found}; the contract \"{kind_name}\" says {wanted}"
                    ));
                }
            }
        }
    }
    let outputs = module.outputs();
    for output in kind.body.get_blocks("output").map(hcl::label) {
        if !outputs.iter().any(|found| found.name == output) {
            faults.push(format!("the contract \"{kind_name}\" has the output {output}, the module has not"));
        }
    }
    Ok(faults.into_iter().map(|fault| format!("{place}: {fault}")).collect())
}

/// Variables and outputs that do not say what they are, or let any number in.
fn undescribed(module: &Module, is_module: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let empty =
        |description: &Option<String>| description.as_deref().is_none_or(|text| text.trim().is_empty());
    for variable in module.variables() {
        let name = &variable.name;
        if empty(&variable.description) {
            faults.push(format!("variable {name} has no description"));
        }
        let Some(kind) = variable.kind.as_ref().map(hcl::type_text) else {
            faults.push(format!("variable {name} has no type"));
            continue;
        };
        // A number is bounded by nature, and so is a choice among words. An environment hands on to modules that check.
        let choice = variable.description.as_deref().is_some_and(is_choice);
        if is_module && !variable.validated && (kind.contains("number") || choice) {
            faults.push(format!("variable {name} is bounded ({kind}) but has no validation"));
        }
    }
    for output in module.outputs().iter().filter(|output| empty(&output.description)) {
        faults.push(format!("output {} has no description", output.name));
    }
    faults
}

/// Whether a description says "one of": as words, for a zone of something is no choice.
fn is_choice(description: &str) -> bool {
    let text = description.to_lowercase();
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
    words.windows(2).any(|pair| pair == ["one", "of"])
}

/// What is wrong with a module's residency gate: every module checks for itself, so that none can be called around it.
fn ungated(module: &Module) -> Vec<String> {
    let mut faults = Vec::new();
    let gate = module.blocks("resource").find(|block| is_gate(block));
    let condition = gate.and_then(|gate| {
        let lifecycle = gate.body.get_blocks("lifecycle").next()?;
        let precondition = lifecycle.body.get_blocks("precondition").next()?;
        hcl::value(&precondition.body, "condition").map(hcl::text)
    });
    if condition.as_deref() != Some("module.residency.inside") {
        faults
            .push("has no terraform_data.residency whose precondition is module.residency.inside".to_owned());
    }
    let asks = |block: &Block| {
        let own = is_gate(block) || (block.has_ident("module") && hcl::label(block) == "residency");
        !own && !block.has_ident("variable")
            && Body::from(vec![Structure::from(block.clone())]).to_string().contains("var.location")
    };
    for block in module.all_blocks().iter().filter(|block| asks(block)) {
        let labels: Vec<_> = block.labels.iter().map(|label| label.as_str()).collect();
        faults.push(format!(
            "{} {} reads var.location past the gate; terraform_data.residency.input.location is checked",
            block.ident.as_str(),
            labels.join(".")
        ));
    }
    faults
}

fn is_gate(block: &Block) -> bool {
    block.has_ident("resource") && block.has_exact_labels(&["terraform_data", "residency"])
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
