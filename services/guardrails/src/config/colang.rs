//! Colang files: the few lines that configure what is run, in both versions; everything else is refused.
//!
//! Colang describes dialogs, and there is no dialog here. What is read: the refusal's words (1.0 and 2.x), and
//! in 2.x the flows `input rails` and `output rails`, which is where that version lists them.

use super::{
    LoadError,
    flows::{self, Direction},
    rails::Run,
};

/// Lines of one file.
const MAX_LINES: usize = 2000;
/// Characters of the refusal.
const MAX_REFUSAL: usize = 1000;
/// What a file of Colang 2 may import: the library of the rails that run.
const IMPORTS: &[&str] = &[
    "core",
    "llm",
    "guardrails",
    "nemoguardrails.library",
    "nemoguardrails.library.regex",
    "nemoguardrails.library.regex.flows",
    "nemoguardrails.library.self_check.input_check",
    "nemoguardrails.library.self_check.output_check",
    "maily.library.email",
];

/// What a file says.
#[derive(Default)]
pub(crate) struct Said {
    /// The refusal and the line of its definition.
    pub(crate) refusal: Option<(String, usize)>,
    /// Lists of flows and the line of each list.
    pub(crate) rails: Vec<(Vec<Run>, Direction, usize)>,
}

/// A line that says something: its number, indentation and words.
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// A definition and the lines under it.
struct Block<'a> {
    head: Line<'a>,
    body: Vec<Line<'a>>,
}

pub(crate) fn read(file: &str, text: &str, two: bool) -> Result<Said, LoadError> {
    let mut said = Said::default();
    for block in blocks(file, text)? {
        let line = block.head.number;
        let refuse = |problem: String| Err(LoadError::new(file, line, problem));
        match (block.head.text, two) {
            ("define bot refuse to respond", false) => refusal(file, &block, &mut said, "")?,
            ("flow bot refuse to respond", true) => refusal(file, &block, &mut said, "bot say ")?,
            ("flow input rails $input_text", true) => rails(file, &block, Direction::Input, &mut said)?,
            ("flow output rails $output_text", true) => rails(file, &block, Direction::Output, &mut said)?,
            ("flow main", true) => main(file, &block)?,
            (head, true) if head.starts_with("import ") => import(file, &block)?,
            (head, _) => return refuse(unknown(head, two)),
        }
    }
    Ok(said)
}

/// Groups the lines by their indentation; comments and empty lines are left out.
fn blocks<'a>(file: &str, text: &'a str) -> Result<Vec<Block<'a>>, LoadError> {
    let mut out: Vec<Block<'a>> = Vec::new();
    for (i, raw) in text.lines().enumerate() {
        let number = i + 1;
        if number > MAX_LINES {
            return Err(LoadError::new(file, number, format!("more than {MAX_LINES} lines")));
        }
        let text = raw.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = Line { number, indent: raw.len() - raw.trim_start().len(), text };
        match out.last_mut() {
            _ if line.indent == 0 => out.push(Block { head: line, body: Vec::new() }),
            Some(block) => block.body.push(line),
            None => return Err(LoadError::new(file, number, "the first line is indented")),
        }
    }
    Ok(out)
}

/// The one text with which a blocked message is answered.
fn refusal(file: &str, block: &Block<'_>, said: &mut Said, prefix: &str) -> Result<(), LoadError> {
    let line = block.head.number;
    let [only] = block.body.as_slice() else {
        return Err(LoadError::new(file, line, "`bot refuse to respond` needs exactly one text"));
    };
    let text =
        only.text.strip_prefix(prefix).and_then(|t| t.strip_prefix('"')).and_then(|t| t.strip_suffix('"'));
    let Some(text) =
        text.filter(|t| !t.is_empty() && t.len() <= MAX_REFUSAL && !t.contains(['"', '\\', '$']))
    else {
        return Err(LoadError::new(file, only.number, "the refusal must be one plain text in double quotes"));
    };
    if said.refusal.replace((text.to_owned(), line)).is_some() {
        return Err(LoadError::new(file, line, "`bot refuse to respond` is defined twice"));
    }
    Ok(())
}

/// A list of flows.
fn rails(file: &str, block: &Block<'_>, direction: Direction, said: &mut Said) -> Result<(), LoadError> {
    let mut runs: Vec<Run> = Vec::new();
    for line in &block.body {
        let name = line.text.strip_prefix("await ").unwrap_or(line.text);
        let flow =
            flows::named(name, direction).map_err(|problem| LoadError::new(file, line.number, problem))?;
        if runs.iter().any(|run| run.flow == flow) {
            return Err(LoadError::new(file, line.number, format!("flow `{}` is listed twice", flow.name())));
        }
        runs.push(Run { flow, file: file.to_owned(), line: line.number });
    }
    if runs.is_empty() || said.rails.iter().any(|(_, other, _)| *other == direction) {
        return Err(LoadError::new(file, block.head.number, "the list of flows is empty or given twice"));
    }
    said.rails.push((runs, direction, block.head.number));
    Ok(())
}

/// `flow main` may say that the model continues the conversation, as it does anyway.
fn main(file: &str, block: &Block<'_>) -> Result<(), LoadError> {
    match block.body.iter().find(|line| line.text != "activate llm continuation") {
        Some(line) => {
            Err(LoadError::new(file, line.number, format!("Colang `{}` is not run", flows::shown(line.text))))
        }
        None => Ok(()),
    }
}

fn import(file: &str, block: &Block<'_>) -> Result<(), LoadError> {
    let what = block.head.text.trim_start_matches("import ").trim();
    if !IMPORTS.contains(&what) || !block.body.is_empty() {
        return Err(LoadError::new(
            file,
            block.head.number,
            format!("Colang `import {}` is not run", flows::shown(what)),
        ));
    }
    Ok(())
}

/// Why a definition is not run.
fn unknown(head: &str, two: bool) -> String {
    let words: Vec<&str> = head.split_whitespace().collect();
    let head = flows::shown(head);
    match (words.as_slice(), two) {
        (["define", "user", ..], false) => format!("Colang `{head}` is not run: dialog rails are not run"),
        (["define", "flow" | "subflow", ..], false) | (["flow", ..] | ["@active", ..], true) => {
            format!("Colang `{head}` is not run: only the flows of the README are")
        }
        (["define", ..], true) => format!("Colang `{head}` is of version 1.0, but colang_version is 2.x"),
        (["flow" | "import", ..], false) => {
            format!("Colang `{head}` is of version 2.x, but colang_version is 1.0")
        }
        (["define", "bot", ..], false) => {
            format!("Colang `{head}` is not run: only `define bot refuse to respond` is")
        }
        _ => format!("unknown Colang `{head}`"),
    }
}
