//! The `prompts` key: what the judge is asked.

use minijinja::{Environment, UndefinedBehavior, context};

use super::{Flow, LoadError, error::suggestion, flows::shown, keys, rails::Place, table::Field};

/// Prompts of one configuration.
const MAX_PROMPTS: usize = 16;
/// Instructions that one rendering may take.
const FUEL: u64 = 20_000;

/// The question that a self check puts to the judge.
#[derive(Clone)]
pub(crate) struct Prompt {
    pub(crate) flow: Flow,
    /// Role and template of each message.
    messages: Vec<(&'static str, String)>,
    /// Characters that the rendered prompt may have; about a longer text there is no verdict.
    max_length: usize,
    pub(crate) stop: Vec<String>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) place: Place,
}

/// Why a prompt could not be rendered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RenderError {
    Template,
    TooLong,
}

/// The name of a self check's prompt.
pub(crate) fn task(flow: Flow) -> &'static str {
    if flow == Flow::SelfCheckInput { "self_check_input" } else { "self_check_output" }
}

pub(crate) fn read(field: &Field<'_>, prompts: &mut Vec<Prompt>) -> Result<(), LoadError> {
    for item in field.list(MAX_PROMPTS)? {
        let prompt = prompt(&item)?;
        if prompts.iter().any(|p| p.flow == prompt.flow) {
            return Err(item.error(format!(
                "{}: there is already a prompt with task {}",
                item.path,
                task(prompt.flow)
            )));
        }
        prompts.push(prompt);
    }
    Ok(())
}

fn prompt(item: &Field<'_>) -> Result<Prompt, LoadError> {
    let known = ["task", "content", "messages", "output_parser", "max_length", "mode", "stop", "max_tokens"];
    let table = item.table(&known, keys::PROMPT)?;
    let named = table.need("task")?;
    let name = named.text()?;
    let Some(flow) =
        [Flow::SelfCheckInput, Flow::SelfCheckOutput].into_iter().find(|flow| task(*flow) == name)
    else {
        let near = suggestion(&name, ["self_check_input", "self_check_output"], "");
        return Err(named.error(format!("prompt task `{}` is not run{near}", shown(&name))));
    };
    for (key, only) in [("output_parser", "is_content_safe"), ("mode", "standard")] {
        if let Some(field) = table.get(key).filter(|f| f.text().map_or(true, |text| text != only)) {
            return Err(field.error(format!("{} can only be {only}", field.path)));
        }
    }
    let messages = match (table.get("content"), table.get("messages")) {
        (Some(content), None) => vec![("user", content)],
        (None, Some(messages)) => messages.list(16)?.iter().map(message).collect::<Result<_, _>>()?,
        _ => return Err(item.error(format!("{} needs exactly one of content and messages", item.path))),
    };
    let stop = table.get("stop").map_or(Ok(Vec::new()), |f| f.list(4))?;
    let mut prompt = Prompt {
        flow,
        messages: Vec::new(),
        max_length: table.get("max_length").map_or(Ok(16_000), |f| f.number(1, 1_000_000))?,
        stop: stop.iter().map(Field::text).collect::<Result<_, _>>()?,
        max_tokens: table.get("max_tokens").map(|f| f.number(1, 32_768)).transpose()?,
        place: (item.file.to_owned(), item.line),
    };
    for (role, field) in &messages {
        let template = field.text()?;
        if render(flow, &template, "x").is_err() {
            let variable = variable(flow);
            return Err(field
                .error(format!("{} must be a Jinja template over {{{{ {variable} }}}} alone", field.path)));
        }
        prompt.messages.push((role, template));
    }
    if !prompt.messages.iter().any(|(_, template)| mentions(flow, template)) {
        return Err(item.error(format!(
            "{} does not show the judge {{{{ {} }}}}",
            item.path,
            variable(flow)
        )));
    }
    Ok(prompt)
}

/// One entry of `messages`: role and template.
fn message<'a>(item: &Field<'a>) -> Result<(&'static str, Field<'a>), LoadError> {
    let table = item.table(&["type", "content"], &[])?;
    let kind = table.need("type")?;
    let role = match kind.text()?.as_str() {
        "system" => "system",
        "user" => "user",
        "assistant" | "bot" => "assistant",
        _ => return Err(kind.error(format!("{} can only be system, user or assistant", kind.path))),
    };
    Ok((role, table.need("content")?))
}

impl Prompt {
    /// The messages to send about `text`.
    pub(crate) fn render(&self, text: &str) -> Result<Vec<(&'static str, String)>, RenderError> {
        let render =
            |(role, template): &(&'static str, String)| Ok((*role, render(self.flow, template, text)?));
        let messages: Vec<_> = self.messages.iter().map(render).collect::<Result<_, _>>()?;
        let length: usize = messages.iter().map(|(_, text)| text.chars().count()).sum();
        if length > self.max_length { Err(RenderError::TooLong) } else { Ok(messages) }
    }
}

fn variable(flow: Flow) -> &'static str {
    if flow == Flow::SelfCheckInput { "user_input" } else { "bot_response" }
}

/// Whether what is judged appears in the rendered prompt.
fn mentions(flow: Flow, template: &str) -> bool {
    const PROBE: &str = "maily-probe-7d1f";
    render(flow, template, PROBE).is_ok_and(|text| text.contains(PROBE))
}

/// Renders with the one variable; any other name, and a template that takes too long, is an error. What is
/// judged is a value and never read as a template.
fn render(flow: Flow, template: &str, text: &str) -> Result<String, RenderError> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(16);
    let context = match flow {
        Flow::SelfCheckInput => context! { user_input => text },
        _ => context! { bot_response => text },
    };
    env.render_str(template, context).map_err(|_| RenderError::Template)
}
