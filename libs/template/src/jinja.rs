//! The rendering itself, in the worker: nothing here has to be safe from a hostile template, as its process may die.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use minijinja::{Environment, Error, ErrorKind, Template, UndefinedBehavior, Value, context};

use crate::job::{About, Failure, Job, Message};

/// Instructions that one message of a prompt of guardrails may take.
const PROMPT_FUEL: u64 = 20_000;
/// Instructions that a chat may take: a thousand messages need less.
const CHAT_FUEL: u64 = 20_000_000;
/// Bytes that may come of a chat. The memory of a worker ([`crate::worker::MEMORY`]) has room for it several times over, as the
/// text, what a template makes of it on the way, and the answer all lie there; contexts may have room for more.
pub const MAX_CHAT: usize = 4 << 20;
/// A template's own refusal, told from its failures by this text before it.
const REFUSAL: &str = "raise_exception: ";
const NAME: &str = "chat";

/// What comes of each of the job's templates.
pub(crate) fn render(job: Job<'_>) -> Result<Vec<String>, Failure> {
    match job {
        Job::Chat { source, bos, eos, messages } => Ok(vec![chat(&source, &bos, &eos, messages)?]),
        Job::Prompt { sources, about, text, max_bytes } => prompt(&sources, about, &text, max_bytes),
    }
}

/// As transformers does: Jinja with Python's string methods, `raise_exception`, `strftime_now`, `break` and `continue`.
fn chat(source: &str, bos: &str, eos: &str, messages: Option<Vec<Message<'_>>>) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(CHAT_FUEL));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", refuse);
    environment.add_function("strftime_now", strftime_now);
    environment.add_template(NAME, source).map_err(|error| syntax(&error))?;
    let template = environment.get_template(NAME).map_err(|error| failed(&error))?;
    let Some(messages) = messages else { return Ok(String::new()) };
    let messages: Vec<_> =
        messages.iter().map(|m| context! { role => m.role, content => m.content }).collect();
    let context = context! {
        messages => messages,
        add_generation_prompt => true,
        bos_token => bos,
        eos_token => eos,
    };
    bounded(&template, context, MAX_CHAT)
}

/// The messages, one after the other, until one fails.
fn prompt(
    sources: &[Cow<'_, str>],
    about: About,
    text: &str,
    max_bytes: usize,
) -> Result<Vec<String>, Failure> {
    let mut room = max_bytes;
    let mut rendered = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let message = message(source, about, text, room).map_err(|failure| failure.of(at))?;
        room = room.saturating_sub(message.len());
        rendered.push(message);
    }
    Ok(rendered)
}

/// With the one variable; any other name is an error. What is judged is a value and never read as a template.
fn message(source: &str, about: About, text: &str, max_bytes: usize) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(PROMPT_FUEL));
    environment.set_recursion_limit(16);
    // Without a name there is no template for it to include, and nothing is escaped.
    let template = environment.template_from_str(source).map_err(|error| syntax(&error))?;
    let context = match about {
        About::UserInput => context! { user_input => text },
        About::BotResponse => context! { bot_response => text },
    };
    bounded(&template, context, max_bytes)
}

/// Renders, but not more than so many bytes.
fn bounded(template: &Template<'_, '_>, context: Value, max_bytes: usize) -> Result<String, Failure> {
    let mut output = Output { bytes: Vec::new(), room: max_bytes, full: false };
    let rendered = template.render_captured_to(context, &mut output).map(drop);
    match rendered {
        _ if output.full => Err(Failure::TooLong),
        Ok(()) => String::from_utf8(output.bytes).map_err(|_| failed(&Error::from(ErrorKind::WriteFailure))),
        Err(error) => Err(failed(&error)),
    }
}

/// Takes as much as there is room for.
struct Output {
    bytes: Vec<u8>,
    room: usize,
    full: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.room = room;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refuse(reason: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, format!("{REFUSAL}{reason}")))
}

/// Today's date would make the answer depend on the day, and results must not: it is the date that Llama 3's template
/// falls back to, 26 July 2024.
fn strftime_now(format: String) -> String {
    [
        ("%Y", "2024"),
        ("%m", "07"),
        ("%d", "26"),
        ("%B", "July"),
        ("%b", "Jul"),
        ("%A", "Friday"),
        ("%a", "Fri"),
    ]
    .iter()
    .fold(format, |text, (key, value)| text.replace(key, value))
}

fn syntax(error: &Error) -> Failure {
    Failure::Syntax { template: 0, line: error.line().unwrap_or_default(), kind: error.kind().to_string() }
}

fn failed(error: &Error) -> Failure {
    match error.detail().and_then(|detail| detail.strip_prefix(REFUSAL)) {
        Some(reason) => Failure::Refused(reason.to_owned()),
        None if error.kind() == ErrorKind::OutOfFuel => Failure::TooMuch,
        None => Failure::Failed {
            template: 0,
            line: error.line().unwrap_or_default(),
            kind: error.kind().to_string(),
        },
    }
}
