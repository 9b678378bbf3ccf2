//! Renders chats with the checkpoint's own template, as transformers does: Jinja with Python's string methods,
//! `raise_exception`, `strftime_now`, `break` and `continue`. The template comes with the checkpoint and is not trusted
//! to end: it has a budget.

use minijinja::{Environment, Error, ErrorKind, context};

use crate::api::ChatMessage;
use crate::error::TemplateError;

/// How many instructions a rendering may take: a thousand messages need less.
const FUEL: u64 = 20_000_000;
/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 1 << 20;
const NAME: &str = "chat";

/// A compiled template.
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles it; the error says which line is wrong.
    pub(crate) fn new(source: &str, bos: String, eos: String) -> Result<Self, String> {
        if source.len() > MAX_TEMPLATE {
            return Err(format!("the chat template is longer than {MAX_TEMPLATE} bytes"));
        }
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", refuse);
        environment.add_function("strftime_now", strftime_now);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|e| {
            format!("the chat template is not Jinja: {} in line {}", e.kind(), e.line().unwrap_or_default())
        })?;
        Ok(Self { environment, bos, eos })
    }

    /// The prompt for the assistant's next turn.
    pub(crate) fn render(&self, messages: &[ChatMessage]) -> Result<String, TemplateError> {
        let messages: Vec<_> =
            messages.iter().map(|m| context! { role => m.role, content => m.content }).collect();
        let context = context! {
            messages => messages,
            add_generation_prompt => true,
            bos_token => self.bos,
            eos_token => self.eos,
        };
        let template = self.environment.get_template(NAME).map_err(failed)?;
        template.render(context).map_err(failed)
    }
}

/// A template's own refusal, told from its failures by this text before it.
const REFUSAL: &str = "raise_exception: ";

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

fn failed(error: Error) -> TemplateError {
    match error.detail().and_then(|d| d.strip_prefix(REFUSAL)) {
        Some(reason) => TemplateError::Refused(reason.to_owned()),
        None => {
            TemplateError::Failed { line: error.line().unwrap_or_default(), kind: error.kind().to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, messages: &[(&str, &str)]) -> Result<String, TemplateError> {
        let messages: Vec<_> =
            messages.iter().map(|(r, c)| ChatMessage { role: (*r).into(), content: (*c).into() }).collect();
        ChatTemplate::new(source, "<s>".into(), "</s>".into()).unwrap().render(&messages)
    }

    #[test]
    fn python_methods_loop_controls_and_block_trimming_work() {
        let source = "{%- for m in messages %}\n    {%- if m['role'] == 'skip' %}{% continue %}{% endif %}\n\
                      {{ bos_token + m['role'].title() + ': ' + m['content'].strip().split('</think>')[-1] }}\n\
                      {% endfor %}\n{% if add_generation_prompt %}A:{% endif %}\n";
        let chat = [("user", "  x</think>hi <b> "), ("skip", "no")];
        assert_eq!(render(source, &chat).unwrap(), "<s>User: hi <b>\nA:");
    }

    #[test]
    fn a_refusal_is_told_and_a_failure_quotes_nothing() {
        let refused = render("{{ raise_exception('roles must alternate') }}", &[]).unwrap_err();
        assert_eq!(refused.to_string(), "the chat template refuses: roles must alternate");
        let failed = render("\n{{ messages[0]['content'].nope() }}", &[("user", "secret")]).unwrap_err();
        assert!(matches!(failed, TemplateError::Failed { line: 2, .. }), "{failed}");
        assert!(!format!("{failed} {failed:?}").contains("secret"));
    }

    #[test]
    fn a_template_without_end_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert!(matches!(render(endless, &[]), Err(TemplateError::Failed { .. })));
    }

    #[test]
    fn a_broken_template_is_refused_at_load() {
        let error = ChatTemplate::new("{% for %}", String::new(), String::new()).err().unwrap();
        assert_eq!(error, "the chat template is not Jinja: syntax error in line 1");
    }
}
