//! The `rails` key: flows, and the data of the rails.

use super::{
    Limits, LoadError, email,
    flows::{self, Direction, Flow},
    keys, regexes,
    table::Field,
};
use crate::rails::regex::Patterns;

/// Flows of one direction.
const MAX_FLOWS: usize = 32;

/// File and line.
pub(crate) type Place = (String, usize);

/// One flow of a configuration and where it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) flow: Flow,
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// What `rails` says.
#[derive(Default)]
pub(crate) struct Rails {
    pub(crate) input: Vec<Run>,
    pub(crate) output: Vec<Run>,
    pub(crate) input_patterns: Option<(Patterns, Place)>,
    pub(crate) output_patterns: Option<(Patterns, Place)>,
    pub(crate) limits: Limits,
    pub(crate) limits_place: Option<Place>,
}

pub(crate) fn read(field: &Field<'_>) -> Result<Rails, LoadError> {
    let known = ["config", "input", "output", "retrieval", "dialog", "actions", "tool_output", "tool_input"];
    let table = field.table(&known, &[])?;
    let mut rails = Rails::default();
    for (key, field) in table.fields() {
        match key {
            "input" => rails.input = directed(&field, Direction::Input)?,
            "output" => rails.output = directed(&field, Direction::Output)?,
            "config" => data(&field, &mut rails)?,
            "dialog" => dialog(&field)?,
            "actions" => {
                let table = field.table(&["instant_actions"], &[])?;
                table.get("instant_actions").map_or(Ok(()), |f| f.must_be_empty("actions are not run"))?;
            }
            _ => {
                let table = field.table(&["flows", "parallel"], &[])?;
                table.get("flows").map_or(Ok(()), |f| f.must_be_empty("these rails are not run"))?;
                table.get("parallel").map_or(Ok(false), |f| f.boolean())?;
            }
        }
    }
    Ok(rails)
}

/// `rails.input` or `rails.output`.
fn directed(field: &Field<'_>, direction: Direction) -> Result<Vec<Run>, LoadError> {
    let other = if direction == Direction::Input { "speculative_generation" } else { "streaming" };
    let table = field.table(&["flows", "parallel", other], &[])?;
    // Side by side, a model would be asked about what another rail forbids: they run one after another in any case.
    table.get("parallel").map_or(Ok(false), |f| f.boolean())?;
    if let Some(field) = table.get(other) {
        if direction == Direction::Input {
            field.must_be_false("a blocked message is never sent to the model")?;
        } else {
            let table = field.table(&["enabled", "chunk_size", "context_size", "stream_first"], &[])?;
            table.get("enabled").map_or(Ok(()), |f| f.must_be_false("a rail judges a whole text"))?;
        }
    }
    let Some(field) = table.get("flows") else { return Ok(Vec::new()) };
    let mut runs: Vec<Run> = Vec::new();
    for item in field.list(MAX_FLOWS)? {
        let flow = flows::read(&item, direction)?;
        if let Some(first) = runs.iter().find(|run| run.flow == flow) {
            return Err(item.error(format!(
                "flow `{}` is already listed in line {}",
                flow.name(),
                first.line
            )));
        }
        runs.push(Run { flow, file: item.file.to_owned(), line: item.line });
    }
    Ok(runs)
}

/// `rails.dialog`: only switched off.
fn dialog(field: &Field<'_>) -> Result<(), LoadError> {
    let table = field.table(&["single_call"], &[("user_messages", "dialog rails are not run")])?;
    let Some(field) = table.get("single_call") else { return Ok(()) };
    let table = field.table(&["enabled", "fallback_to_multiple_calls"], &[])?;
    table.get("fallback_to_multiple_calls").map_or(Ok(false), |f| f.boolean())?;
    table.get("enabled").map_or(Ok(()), |f| f.must_be_false("dialog rails are not run"))
}

/// `rails.config`.
fn data(field: &Field<'_>, rails: &mut Rails) -> Result<(), LoadError> {
    let table = field.table(&["regex_detection", "email"], keys::RAILS_CONFIG)?;
    if let Some(field) = table.get("regex_detection") {
        let table = field.table(&["input", "output"], keys::REGEX)?;
        rails.input_patterns = table.get("input").map(|f| regexes::read(&f)).transpose()?;
        rails.output_patterns = table.get("output").map(|f| regexes::read(&f)).transpose()?;
    }
    if let Some(field) = table.get("email") {
        rails.limits = email::read(&field)?;
        rails.limits_place = Some((field.file.to_owned(), field.line));
    }
    Ok(())
}
