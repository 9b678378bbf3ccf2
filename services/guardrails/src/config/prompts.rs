//! The `prompts` key: what the judge is asked.

use maily_template::{About, Failure, Job};

use super::{Flow, LoadError, error::suggestion, flows::shown, keys, rails::Place, table::Field};

/// Prompts of one configuration.
const MAX_PROMPTS: usize = 16;
/// Characters that any rendered prompt may have.
const MAX_LENGTH: usize = 1_000_000;
/// Bytes of a text at which a model is to stop, as the inference service takes them.
pub(crate) const MAX_STOP: usize = 256;
/// The longest character in UTF-8.
const BYTES_OF_CHARACTER: usize = 4;

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
    /// The text has more to it than the prompt may have.
    TooLong,
    /// The template fails by what the text is, each time: why.
    Failed(String),
    /// The machine had no time or room for it, which says nothing of the text: why.
    Unavailable(String),
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
    let (whole, messages) = match (table.get("content"), table.get("messages")) {
        (Some(content), None) => (content.clone(), vec![("user", content)]),
        (None, Some(messages)) => {
            let list = messages.list(16)?.iter().map(message).collect::<Result<Vec<_>, _>>()?;
            (messages, list)
        }
        _ => return Err(item.error(format!("{} needs exactly one of content and messages", item.path))),
    };
    let stop = table.get("stop").map_or(Ok(Vec::new()), |f| f.list(4))?;
    let mut prompt = Prompt {
        flow,
        messages: Vec::new(),
        max_length: table.get("max_length").map_or(Ok(16_000), |f| f.number(1, MAX_LENGTH))?,
        stop: stop.iter().map(stopping).collect::<Result<_, _>>()?,
        max_tokens: table.get("max_tokens").map(|f| f.number(1, 32_768)).transpose()?,
        place: (item.file.to_owned(), item.line),
    };
    for (role, field) in &messages {
        prompt.messages.push((*role, field.text()?));
    }
    if !shows(&prompt, &messages, &whole)? {
        return Err(item.error(format!(
            "{} does not show the judge {{{{ {} }}}}",
            item.path,
            variable(flow)
        )));
    }
    Ok(prompt)
}

fn stopping(field: &Field<'_>) -> Result<String, LoadError> {
    let text = field.text()?;
    if text.len() > MAX_STOP {
        return Err(field.error(format!("{} has more than {MAX_STOP} bytes", field.path)));
    }
    Ok(text)
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
    /// The messages to send about `text`. It waits for the process that renders.
    pub(crate) fn render(&self, text: &str) -> Result<Vec<(&'static str, String)>, RenderError> {
        let texts = self.rendered(text, self.max_length).map_err(|failure| self.error(failure))?;
        let length: usize = texts.iter().map(|text| text.chars().count()).sum();
        if length > self.max_length {
            return Err(RenderError::TooLong);
        }
        Ok(self.messages.iter().map(|(role, _)| *role).zip(texts).collect())
    }

    fn error(&self, failure: Failure) -> RenderError {
        match failure {
            Failure::TooLong => RenderError::TooLong,
            Failure::TooMuch => RenderError::Failed("it takes too much memory or time".to_owned()),
            // In its own words, which may be those of the text.
            Failure::Refused(_) => RenderError::Failed("it refuses".to_owned()),
            Failure::Syntax { template, line, kind } | Failure::Failed { template, line, kind } => {
                let several = self.messages.len() > 1;
                let of = if several { format!(" of message {}", template + 1) } else { String::new() };
                RenderError::Failed(format!("{kind} in line {line}{of}"))
            }
            Failure::Unavailable(_) => RenderError::Unavailable(failure.to_string()),
        }
    }

    /// The messages with the one variable; any other name is an error. What is judged is a value and never read as a
    /// template. They are one job, as each by itself would have its own time.
    fn rendered(&self, text: &str, max_length: usize) -> Result<Vec<String>, Failure> {
        let input = self.flow == Flow::SelfCheckInput;
        maily_template::render(&Job::Prompt {
            sources: self.messages.iter().map(|(_, template)| template.as_str().into()).collect(),
            about: if input { About::UserInput } else { About::BotResponse },
            text: text.into(),
            max_bytes: BYTES_OF_CHARACTER * max_length,
        })
    }
}

fn variable(flow: Flow) -> &'static str {
    if flow == Flow::SelfCheckInput { "user_input" } else { "bot_response" }
}

/// Whether what is judged appears in the rendered prompt; an error if short texts can't be rendered. `fields` are those of the
/// messages, and `whole` that of all of them.
fn shows(
    prompt: &Prompt,
    fields: &[(&'static str, Field<'_>)],
    whole: &Field<'_>,
) -> Result<bool, LoadError> {
    const PROBE: &str = "maily-probe-7d1f";
    let unavailable = |failure: &Failure| whole.unavailable(format!("{}: {failure}", whole.path));
    match prompt.rendered("x", MAX_LENGTH) {
        Ok(_) => {}
        Err(failure) if !failure.is_permanent() => return Err(unavailable(&failure)),
        Err(Failure::Syntax { template, .. } | Failure::Failed { template, .. }) => {
            let field = fields.get(template).map_or(whole, |(_, field)| field);
            let variable = variable(prompt.flow);
            return Err(field
                .error(format!("{} must be a Jinja template over {{{{ {variable} }}}} alone", field.path)));
        }
        Err(_) => return Err(whole.error(format!("{} takes too much memory or time", whole.path))),
    }
    match prompt.rendered(PROBE, MAX_LENGTH) {
        Ok(texts) => Ok(texts.iter().any(|text| text.contains(PROBE))),
        Err(failure) if failure.is_permanent() => Ok(false),
        Err(failure) => Err(unavailable(&failure)),
    }
}
