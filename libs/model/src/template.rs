//! Renders chats with the checkpoint's own template, as transformers does: Jinja with Python's string methods,
//! `raise_exception`, `strftime_now`, `break` and `continue`. The template comes with the checkpoint and is not trusted:
//! it is compiled and rendered in a process that may die of it (`maily-template`).

use maily_template::{Failure, Job, Message};

use crate::api::ChatMessage;
use crate::error::TemplateError;

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 1 << 20;

/// What a user says in the chats that a template is tried on.
const HELLO: &str = "Hello";
/// The chats that a template is tried on when it is loaded: Jinja finds a filter, a method or a variable that there is not
/// only where a chat leads to it. Not every template takes a system message.
const TRIED: [(&str, &[(&str, &str)]); 3] = [
    ("a user's message", &[("user", HELLO)]),
    ("a system message and a user's", &[("system", "Be kind."), ("user", HELLO)]),
    ("three turns", &[("user", "Hi"), ("assistant", "Hi."), ("user", HELLO)]),
];

/// A template that compiles and takes a chat.
pub(crate) struct ChatTemplate {
    source: String,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Has it compiled and tried; the error says which line is wrong.
    pub(crate) fn new(source: &str, bos: String, eos: String) -> Result<Self, String> {
        let template = Self::compiled(source, bos, eos)?;
        template.tried()?;
        Ok(template)
    }

    fn compiled(source: &str, bos: String, eos: String) -> Result<Self, String> {
        if source.len() > MAX_TEMPLATE {
            return Err(format!("the chat template is longer than {MAX_TEMPLATE} bytes"));
        }
        let template = Self { source: source.to_owned(), bos, eos };
        match render(&template.job(None)) {
            Ok(_) => Ok(template),
            Err(Failure::Syntax { line, kind, .. }) => {
                Err(format!("the chat template is not Jinja: {kind} in line {line}"))
            }
            Err(failure) => Err(format!("the chat template can't be compiled: {failure}")),
        }
    }

    /// A chat that the template refuses by itself is its caller's fault, unless it refuses all of them.
    fn tried(&self) -> Result<(), String> {
        let mut refusal = None;
        let mut taken = false;
        for (what, turns) in TRIED {
            let message = |(role, content): &(&str, &str)| ChatMessage {
                role: (*role).to_owned(),
                content: (*content).to_owned(),
            };
            let messages: Vec<_> = turns.iter().map(message).collect();
            match render(&self.job(Some(&messages))) {
                Ok(prompt) if prompt.contains(HELLO) => taken = true,
                Ok(_) => return Err(format!("the chat template leaves out what the user says in {what}")),
                Err(Failure::Refused(reason)) => refusal = refusal.or(Some(reason)),
                Err(failure) => return Err(format!("the chat template can't render {what}: {failure}")),
            }
        }
        match refusal {
            Some(reason) if !taken => Err(format!("the chat template refuses every chat: {reason:?}")),
            _ => Ok(()),
        }
    }

    /// The prompt for the assistant's next turn.
    pub(crate) fn render(&self, messages: &[ChatMessage]) -> Result<String, TemplateError> {
        render(&self.job(Some(messages))).map_err(failed)
    }

    fn job<'a>(&'a self, messages: Option<&'a [ChatMessage]>) -> Job<'a> {
        let message = |m: &'a ChatMessage| Message { role: (&*m.role).into(), content: (&*m.content).into() };
        Job::Chat {
            source: (&*self.source).into(),
            bos: (&*self.bos).into(),
            eos: (&*self.eos).into(),
            messages: messages.map(|messages| messages.iter().map(message).collect()),
        }
    }
}

/// A chat has one template.
fn render(job: &Job<'_>) -> Result<String, Failure> {
    maily_template::render(job).map(|mut texts| texts.pop().unwrap_or_default())
}

fn failed(failure: Failure) -> TemplateError {
    match failure {
        Failure::Refused(reason) => TemplateError::Refused(reason),
        Failure::Syntax { line, kind, .. } | Failure::Failed { line, kind, .. } => {
            TemplateError::Failed { line, kind }
        }
        Failure::TooLong => TemplateError::TooLong,
        Failure::TooMuch => TemplateError::TooMuch,
        Failure::Unavailable(why) => TemplateError::Unavailable(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    maily_template::worker_of_tests!();

    fn render(source: &str, messages: &[(&str, &str)]) -> Result<String, TemplateError> {
        let messages: Vec<_> =
            messages.iter().map(|(r, c)| ChatMessage { role: (*r).into(), content: (*c).into() }).collect();
        ChatTemplate::compiled(source, "<s>".into(), "</s>".into()).unwrap().render(&messages)
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
        let grows = "{{ messages[0]['content'] | indent(100000000000000) }}";
        for source in [endless, grows] {
            let stopped = render(source, &[("user", "one\ntwo")]).unwrap_err();
            assert!(matches!(stopped, TemplateError::TooMuch) && stopped.is_permanent(), "{stopped}");
        }
    }

    #[test]
    fn a_broken_template_is_refused_at_load() {
        let refusal = |source: &str| ChatTemplate::new(source, String::new(), String::new()).err().unwrap();
        assert_eq!(refusal("{% for %}"), "the chat template is not Jinja: syntax error in line 1");
        assert_eq!(
            refusal(&format!("{{{{ {} 1 }}}}", "not ".repeat(200_000))),
            "the chat template can't be compiled: the template takes too much memory or time"
        );
    }

    #[test]
    fn a_template_that_no_chat_can_be_put_to_is_refused_at_load() {
        let load = |source: &str| ChatTemplate::new(source, String::new(), String::new()).map(drop);
        let all = "{% for m in messages %}{{ m.content }}{% endfor %}";
        for (source, sentence) in [
            (
                "{{ messages | nosuchfilter }}".to_owned(),
                "the chat template can't render a user's message: the template failed in line 1: unknown filter",
            ),
            (
                format!("{all}\n{{{{ tools[0].name }}}}"),
                "the chat template can't render a user's message: the template failed in line 2: undefined value",
            ),
            (
                format!(
                    "{all}{{% if messages[0].role == 'system' %}}{{{{ messages[0].content.nope() }}}}{{% endif %}}"
                ),
                "the chat template can't render a system message and a user's: the template failed in line 1: unknown method",
            ),
            (
                format!("{all}{{% if messages|length > 2 %}}{{{{ nosuch() }}}}{{% endif %}}"),
                "the chat template can't render three turns: the template failed in line 1: unknown function",
            ),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}".to_owned(),
                "the chat template can't render a user's message: the template takes too much memory or time",
            ),
            (String::new(), "the chat template leaves out what the user says in a user's message"),
            ("{{ raise_exception('never') }}".to_owned(), "the chat template refuses every chat: \"never\""),
        ] {
            assert_eq!(load(&source).unwrap_err(), sentence);
        }
        let no_system = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}";
        assert_eq!(load(&(no_system.to_owned() + all)), Ok(()));
    }
}
