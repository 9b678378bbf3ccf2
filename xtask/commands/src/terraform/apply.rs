//! `apply` and `destroy`: the plan that was shown, and nothing else.

use std::{
    io::{self, BufRead, BufReader, IsTerminal as _, Write as _},
    process::{ExitCode, Stdio},
};

use serde_json::Value;

use super::{
    adopt::{self, Journal},
    plan,
    tool::Root,
    tree::{Place, Tree},
};
use crate::shell::{Result, output, say};

/// How often an apply may find more that an interrupted one had made.
const ROUNDS: usize = 20;

pub(crate) fn run(tree: &Tree, environment: &str, place: Place<'_>, yes: bool) -> Result<()> {
    let root = Root::new(tree.root(environment, place)?);
    let what = format!("{environment} on {place}");
    let mut journal = Journal::open(&root)?;
    if journal.interrupted() {
        say("The last apply here was interrupted: what it had made and terraform does not know is adopted");
    }
    for round in 0..ROUNDS {
        let summary = plan::make(&root, &what, &[])?;
        if !summary.is_inside() {
            return Err("the plan leaves the residency boundary; nothing was applied".to_owned());
        }
        if summary.is_empty() {
            say("Nothing to do");
            return journal.close();
        }
        if round == 0 && !yes {
            confirm("Apply this plan? Only `yes` is taken: ", "yes", "--yes")?;
        }
        let found = journal.interrupted();
        journal.note(&summary.creates)?;
        let errors = apply_plan(&root)?;
        if errors.is_empty() {
            return journal.close();
        }
        if !found || !adopt::orphans(&root, &journal, &errors)? {
            // Terraform has ended by itself and knows what it made: this was no interruption.
            if !found {
                journal.close()?;
            }
            return Err(failure(&errors));
        }
    }
    Err(format!("after {ROUNDS} rounds there is still more to adopt; run it again"))
}

/// The root's outputs, by name; sensitive ones stay where they are.
pub(crate) fn outputs(tree: &Tree, environment: &str, place: Place<'_>) -> Result<Value> {
    let root = Root::new(tree.root(environment, place)?);
    let text = output(&mut root.terraform(&["output", "-json"]))?;
    let all: Value = serde_json::from_str(&text).map_err(|error| format!("terraform output: {error}"))?;
    let open = all.as_object().into_iter().flatten().filter(|(_, output)| output["sensitive"] != true);
    Ok(open.map(|(name, output)| (name.clone(), output["value"].clone())).collect())
}

pub(crate) fn destroy(
    tree: &Tree,
    environment: &str,
    place: Place<'_>,
    confirmed: Option<&str>,
) -> Result<ExitCode> {
    let root = Root::new(tree.root(environment, place)?);
    let summary = plan::make(&root, &format!("the end of {environment} on {place}"), &["-destroy"])?;
    if summary.is_empty() {
        say("Nothing is there");
        return Ok(ExitCode::SUCCESS);
    }
    match confirmed {
        Some(name) if name == environment => {}
        Some(name) => {
            return Err(format!("--confirm {name} does not name {environment}; nothing was destroyed"));
        }
        None => confirm(
            &format!("This destroys all of {environment}. Type its name to go on: "),
            environment,
            &format!("--confirm {environment}"),
        )?,
    }
    let errors = apply_plan(&root)?;
    match errors.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(failure(&errors)),
    }
}

fn failure(errors: &[Value]) -> String {
    let text = |error: &Value| {
        let part = |name: &str| error[name].as_str().unwrap_or_default().trim().to_owned();
        [part("address"), part("summary"), part("detail")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    };
    let said: Vec<_> = errors.iter().map(text).collect();
    format!("terraform apply failed\n  {}", said.join("\n  "))
}

fn confirm(question: &str, answer: &str, switch: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(format!("there is nobody to ask; `{switch}` goes on without asking"));
    }
    eprint!("{question}");
    let _ = io::stderr().flush();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    match line.trim() == answer {
        true => Ok(()),
        false => Err("not confirmed; nothing was changed".to_owned()),
    }
}

/// Applies the plan file, a line for each resource; answers terraform's errors.
fn apply_plan(root: &Root) -> Result<Vec<Value>> {
    let file = root.plan_file().display().to_string();
    let mut command = root.terraform(&["apply", "-json", "-input=false", &file]);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| format!("terraform: {error}"))?;
    let mut errors = Vec::new();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let Ok(line) = line else { break };
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        match message["type"].as_str() {
            Some("apply_complete" | "apply_errored") => {
                eprintln!("    {}", message["@message"].as_str().unwrap_or_default());
            }
            Some("diagnostic") if message["diagnostic"]["severity"] == "error" => {
                errors.push(message["diagnostic"].clone());
            }
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| format!("terraform: {error}"))?;
    if !status.success() && errors.is_empty() {
        errors.push(serde_json::json!({"summary": format!("terraform ended ({status})")}));
    }
    Ok(errors)
}
