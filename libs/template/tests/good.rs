//! Good templates are rendered as minijinja renders them by itself, and workers that are lost are replaced.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on fails"
)]

use std::fs;

use maily_template::{About, Failure, Job, MAX_CHAT, Message, render};
use minijinja::{Environment, UndefinedBehavior, context};

maily_template::worker_of_tests!();

const SMOL: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const LLAMA: &str = r#"{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{{- "Cutting Knowledge Date: December 2023\n" }}
{{- "Today Date: " + date_string + "\n\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"#;
const MIXED: &str = "{%- macro say(role, text) -%}\n  [{{ role | upper }}] {{ text }}\n{%- endmacro -%}
{% set n = namespace(count=0, last='') %}
{% for m in messages %}
  {% if m.role == 'skip' %}{% continue %}{% endif %}
  {% set n.count = n.count + 1 %}{% set n.last = m['content'].split('</think>')[-1].strip() %}
  {{ say(m.role, n.last) }} {{ m | tojson }} {{ m.items() | list }} {{ m['content'] * 2 }} {{ 'x' ~ loop.index }}
  {% if n.count > 3 %}{% break %}{% endif %}
{% endfor %}
{{ n.count }} {{ n.last.title() }} {{ messages }}";

/// As transformers has it, without anything of ours but a date.
fn expected(source: &str, chat: &[(&str, &str)]) -> Option<String> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("strftime_now", |_: String| "26 Jul 2024");
    let messages: Vec<_> =
        chat.iter().map(|(role, content)| context! { role => role, content => content }).collect();
    let context =
        context! { messages, add_generation_prompt => true, bos_token => "<s>", eos_token => "</s>" };
    environment.render_named_str("chat", source, context).ok()
}

fn chat(source: &str, chat: &[(&str, &str)]) -> Result<String, Failure> {
    let message = |(role, content): &(&str, &str)| Message {
        role: role.to_string().into(),
        content: content.to_string().into(),
    };
    render(&Job::Chat {
        source: source.into(),
        bos: "<s>".into(),
        eos: "</s>".into(),
        messages: Some(chat.iter().map(message).collect()),
    })
    .map(|texts| texts.concat())
}

fn prompt(source: &str, about: About, text: &str) -> Result<String, Failure> {
    prompts(&[source], about, text, 1 << 20).map(|texts| texts.concat())
}

fn prompts(sources: &[&str], about: About, text: &str, max_bytes: usize) -> Result<Vec<String>, Failure> {
    let sources = sources.iter().map(|source| (*source).into()).collect();
    render(&Job::Prompt { sources, about, text: text.into(), max_bytes })
}

#[test]
fn chats_are_what_minijinja_makes_of_them() {
    let tiny = fs::read_to_string("../model/tests/data/tiny/chat_template.jinja").unwrap();
    let chats: [&[(&str, &str)]; 4] = [
        &[("system", "Be brief."), ("user", " hi <b>&amp;</b> "), ("skip", "x")],
        &[
            ("user", "Zażółć \u{0}\u{7f} 🌷\u{200d}🌿\r\n\t{{ 7 * 7 }}{% raw %} \"'\\"),
            ("assistant", "<think>x</think>no"),
        ],
        &[("user", "")],
        &[],
    ];
    for source in [&tiny, SMOL, LLAMA, MIXED, "", "plain\n", "plain", "{% if true %}\n  x\n{% endif %}\n"] {
        for messages in chats {
            match expected(source, messages) {
                Some(text) => assert_eq!(chat(source, messages).unwrap(), text),
                // Llama's and SmolLM's look at the first message.
                None => assert!(messages.is_empty() && chat(source, messages).is_err(), "{source}"),
            }
        }
    }
    let long = "a word and another ".repeat(13_000);
    let messages = [("user", long.as_str())];
    assert_eq!(chat(LLAMA, &messages).unwrap(), expected(LLAMA, &messages).unwrap());
}

/// A worker has room for the longest prompt that may come of a chat, and for what a template does on the way to it.
#[test]
fn the_longest_chat_has_room() {
    let says = |bytes: usize| chat(LLAMA, &[("user", "x".repeat(bytes).as_str())]);
    let most = MAX_CHAT - 1024;
    assert!(says(most).unwrap().len() > most);
    assert_eq!(says(MAX_CHAT), Err(Failure::TooLong));
}

#[test]
fn prompts_are_what_minijinja_makes_of_them() {
    let sources = [
        "Block {{ user_input }}?",
        "Task.\n\nUser: \"{{ user_input }}\"\n\n{% if user_input | length > 3 %}long{% else %}short{% endif %}\n",
        "{{ user_input | upper | replace('A', 'b') | indent(4) }}\n{% for w in user_input | list %}{{ w }},{% endfor %}",
        "{{ user_input | tojson }} {{ user_input[:3] }} {{ [user_input] | join('-') }} {{ user_input ~ 1 }}",
    ];
    for source in sources {
        for text in ["x", "", "ann & <bob>\n{{ 7 }}", "🌷\u{0}\"\\"] {
            let mut environment = Environment::new();
            environment.set_undefined_behavior(UndefinedBehavior::Strict);
            let text_of = environment.render_str(source, context! { user_input => text }).unwrap();
            assert_eq!(prompt(source, About::UserInput, text).unwrap(), text_of);
        }
    }
    assert_eq!(prompt("{{ bot_response }}", About::BotResponse, "y").unwrap(), "y");
    // The longest text that a service takes, in the longest way to write it.
    let text = "\u{1}".repeat(3 << 20);
    assert!(prompts(&["{{ user_input }}"], About::UserInput, &text, 4 << 20).unwrap() == [text.as_str()]);
}

#[test]
fn the_messages_of_a_prompt_are_one_job() {
    let all = |sources: &[&str], room| prompts(sources, About::UserInput, "12345", room);
    let sources = ["a {{ user_input }}", "", "{{ user_input }} b"];
    assert_eq!(all(&sources, 14), Ok(vec!["a 12345".into(), String::new(), "12345 b".into()]));
    assert_eq!(all(&sources, 13), Err(Failure::TooLong), "together they have fourteen bytes");
    let failed = Failure::Failed { template: 1, line: 2, kind: "undefined value".into() };
    assert_eq!(all(&["{{ user_input }}", "\n{{ other }}", "{{ }}"], 99), Err(failed));
    let syntax = Failure::Syntax { template: 2, line: 1, kind: "syntax error".into() };
    assert_eq!(all(&["", "", "{{ user_input }"], 99), Err(syntax));
}

#[test]
fn faults_are_told_and_quote_nothing() {
    let failed = |line| Failure::Failed { template: 0, line, kind: "undefined value".into() };
    assert_eq!(prompt("\n{{ bot_response }}", About::UserInput, "secret"), Err(failed(2)));
    let syntax = Failure::Syntax { template: 0, line: 1, kind: "syntax error".into() };
    assert_eq!(prompt("{{ user_input }", About::UserInput, "x"), Err(syntax));
    let refused = chat("{{ raise_exception('roles must alternate') }}", &[]);
    assert_eq!(refused, Err(Failure::Refused("roles must alternate".into())));
    let in_room = |room| prompts(&["{{ user_input }}"], About::UserInput, "12345", room);
    assert_eq!((in_room(5), in_room(4)), (Ok(vec!["12345".into()]), Err(Failure::TooLong)));
    let huge = "x".repeat(40 << 20);
    assert_eq!(prompt("{{ user_input }}", About::UserInput, &huge), Err(Failure::TooLong));
}
