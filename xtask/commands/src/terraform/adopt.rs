//! After an interruption: terraform may have made a resource and died before it wrote that down. Azure then says that it
//! exists, and terraform stops. Before an apply begins we write down what it will create; only what is written there and
//! was found to exist is adopted, by import blocks that the next plan shows.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::tool::Root;
use crate::shell::Result;

/// What the applies that have not ended were creating.
pub(crate) struct Journal {
    file: PathBuf,
    imports: PathBuf,
    interrupted: bool,
    addresses: BTreeSet<String>,
}

impl Journal {
    pub(crate) fn open(root: &Root) -> Result<Self> {
        let (file, imports) = (root.journal(), root.dir.join("maily_adopt.tf"));
        let unreadable = |error| format!("{}: {error}", file.display());
        let text = match fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(error)),
        };
        // Written whole or not at all (see `note`), so what is there can be read.
        let addresses = match &text {
            Some(text) => serde_json::from_str(text).map_err(|error| unreadable(error.into()))?,
            None => BTreeSet::new(),
        };
        // What an interrupted apply was about to adopt may be gone by now: a replacement deletes before it creates. It is
        // found again.
        remove(&imports)?;
        Ok(Self { interrupted: text.is_some(), file, imports, addresses })
    }

    /// Whether there is something of an earlier apply.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Notes what is about to be created.
    pub(crate) fn note(&mut self, addresses: &[String]) -> Result<()> {
        self.addresses.extend(addresses.iter().cloned());
        let part = self.file.with_extension("part");
        let text = serde_json::to_string(&self.addresses).map_err(|error| error.to_string())?;
        let write = || {
            fs::write(&part, text)?;
            fs::File::open(&part)?.sync_all()?;
            fs::rename(&part, &self.file)
        };
        write().map_err(|error: io::Error| format!("{}: {error}", self.file.display()))
    }

    /// The apply is done: nothing is left to adopt.
    pub(crate) fn close(&self) -> Result<()> {
        remove(&self.imports)?;
        remove(&self.file)
    }
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("{}: {error}", file.display())),
        _ => Ok(()),
    }
}

/// Writes an import block for each resource that exists although terraform wanted to create it, if the journal has it.
/// Answers whether there was any.
pub(crate) fn orphans(root: &Root, journal: &Journal, errors: &[Value]) -> Result<bool> {
    let plan = root.plan_json(&root.plan_file())?;
    write_imports(journal, errors, &plan)
}

fn write_imports(journal: &Journal, errors: &[Value], plan: &Value) -> Result<bool> {
    let before = fs::read_to_string(&journal.imports).unwrap_or_default();
    let mut text = before.clone();
    let found = errors.iter().filter_map(|error| existing(error).or_else(|| assignment(error, plan)));
    for (address, id) in found {
        let block = format!("import {{\n  to = {address}\n  id = {}\n}}\n", Value::from(id));
        if journal.addresses.contains(&address) && !text.contains(&block) {
            text += &block;
        }
    }
    if text == before {
        return Ok(false);
    }
    let file = &journal.imports;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(true)
}

/// The address and the id, if the error is that a resource exists.
fn existing(error: &Value) -> Option<(String, String)> {
    let summary = error["summary"].as_str()?;
    let (begin, rest) = summary.split_once('"')?;
    let (id, end) = rest.split_once('"')?;
    let exists =
        begin.to_ascii_lowercase().contains("resource with the id") && end.contains("already exists");
    exists.then_some((error["address"].as_str()?.to_owned(), id.to_owned()))
}

/// The same for a role assignment: its name is drawn anew each time, and Azure tells only that of the one there is.
fn assignment(error: &Value, plan: &Value) -> Option<(String, String)> {
    let behind = error["summary"].as_str()?.split_once("ID of the existing role assignment is ")?.1;
    let hex: String = behind.chars().filter(|c| *c != '-').take_while(char::is_ascii_hexdigit).collect();
    let parts = [hex.get(..8)?, hex.get(8..12)?, hex.get(12..16)?, hex.get(16..20)?, hex.get(20..32)?];
    let address = error["address"].as_str()?;
    let change = plan["resource_changes"].as_array()?.iter().find(|change| change["address"] == address)?;
    let scope = change["change"]["after"]["scope"].as_str()?;
    let name = parts.join("-");
    Some((address.to_owned(), format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXISTS: &str = "A resource with the ID \"/subscriptions/s/resourceGroups/g\" already exists - to be managed \
        via Terraform this resource needs to be imported into the State.";

    fn root() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join(".terraform")).expect("a folder");
        let root = Root::new(dir.path().to_owned());
        (dir, root)
    }

    #[test]
    fn only_what_the_journal_has_is_adopted() {
        let (_dir, root) = root();
        let mut journal = Journal::open(&root).expect("a journal");
        assert!(!journal.interrupted());
        journal.note(&["module.a.azurerm_x.y[\"z\"]".to_owned()]).expect("written");
        let foreign = json!({"address": "azurerm_x.foreign", "summary": EXISTS});
        assert!(!write_imports(&journal, &[foreign], &Value::Null).expect("no orphan"));
        let ours = json!({"address": "module.a.azurerm_x.y[\"z\"]", "summary": EXISTS});
        assert!(write_imports(&journal, std::slice::from_ref(&ours), &Value::Null).expect("an orphan"));
        let text = fs::read_to_string(root.dir.join("maily_adopt.tf")).expect("import blocks");
        assert!(text.contains("to = module.a.azurerm_x.y[\"z\"]\n"), "{text}");
        assert!(
            !write_imports(&journal, &[ours], &Value::Null).expect("the same again"),
            "the same orphan twice is no progress"
        );
    }

    #[test]
    fn a_journal_survives_until_the_apply_is_done() {
        let (_dir, root) = root();
        Journal::open(&root).and_then(|mut journal| journal.note(&["a".to_owned()])).expect("written");
        let journal = Journal::open(&root).expect("a journal");
        assert!(journal.interrupted() && journal.addresses.contains("a"));
        journal.close().expect("closed");
        assert!(!Journal::open(&root).expect("a journal").interrupted());
    }

    #[test]
    fn what_an_interrupted_apply_was_adopting_is_looked_for_again() {
        let (_dir, root) = root();
        let mut journal = Journal::open(&root).expect("a journal");
        journal.note(&["a.b".to_owned()]).expect("written");
        let ours = json!({"address": "a.b", "summary": EXISTS});
        assert!(write_imports(&journal, std::slice::from_ref(&ours), &Value::Null).expect("an orphan"));
        let journal = Journal::open(&root).expect("a journal");
        assert!(!root.dir.join("maily_adopt.tf").exists(), "a stale block would stop every later plan");
        assert!(write_imports(&journal, &[ours], &Value::Null).expect("an orphan"), "it is found again");
    }

    #[test]
    fn another_error_is_no_orphan() {
        assert!(existing(&json!({"address": "a.b", "summary": "creating \"x\": forbidden"})).is_none());
    }

    #[test]
    fn a_role_assignment_is_found_by_the_name_that_azure_tells() {
        let error = json!({"address": "a.b", "summary": "unexpected status 409 (409 Conflict) with error: \
            RoleAssignmentExists: The role assignment already exists. The ID of the existing role assignment is \
            0123456789abcdef0123456789abcdef."});
        let plan = json!({"resource_changes": [{"address": "a.b", "change": {"after": {"scope": "/subscriptions/s"}}}]});
        let (_, id) = assignment(&error, &plan).expect("an id");
        let name = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(id, format!("/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/{name}"));
        assert!(assignment(&error, &json!({})).is_none(), "without its scope it has no id");
    }
}
