//! Templates that would take the process that renders them: each is refused or bounded, and this process goes on.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on fails"
)]

mod generator;

use std::time::{Duration, Instant};

use maily_template::{About, Failure, Job, MAX_CHAT, Message, render, worker};
use nix::sys::resource::{UsageWho, getrusage};

maily_template::worker_of_tests!();

/// What a program of tests has in memory beside what is bounded.
const PROGRAM: u64 = 64 << 20;
/// For one template, on a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(30);
const MAX_BYTES: usize = 64_000;
const TEMPLATES: usize = 1034;

fn prompt(source: &str) -> Result<String, Failure> {
    prompts(&[source]).map(|texts| texts.concat())
}

fn prompts(sources: &[&str]) -> Result<Vec<String>, Failure> {
    let sources = sources.iter().map(|source| (*source).into()).collect();
    render(&Job::Prompt { sources, about: About::UserInput, text: "one\ntwo".into(), max_bytes: MAX_BYTES })
}

fn chat(source: &str) -> Result<String, Failure> {
    let messages = vec![Message { role: "user".into(), content: "one\ntwo".into() }];
    render(&Job::Chat {
        source: source.into(),
        bos: "<s>".into(),
        eos: "</s>".into(),
        messages: Some(messages),
    })
    .map(|texts| texts.concat())
}

/// The most that any worker so far, ended and waited for, has had in memory.
fn most_memory() -> u64 {
    u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()).unwrap() * 1024
}

fn alive() {
    assert_eq!(prompt("Block {{ user_input }}?").unwrap(), "Block one\ntwo?");
}

#[test]
fn an_indentation_of_terabytes_is_refused() {
    assert_eq!(prompt("{{ user_input | indent(100000000000000) }}"), Err(Failure::TooMuch));
    assert_eq!(chat("{{ bos_token | indent(100000000000000, true) }}"), Err(Failure::TooMuch));
    alive();
}

#[test]
fn twenty_thousand_nots_are_refused() {
    let source = format!("{{{{ {} user_input }}}}", "not ".repeat(200_000));
    assert_eq!(prompt(&source), Err(Failure::TooMuch));
    assert_eq!(chat(&source), Err(Failure::TooMuch));
    // There is room for these, where there was none on a thread of a service.
    let source = format!("{{{{ {} user_input }}}}", "not ".repeat(20_000));
    assert!(matches!(prompt(&source), Ok(_) | Err(Failure::TooMuch)), "{:?}", prompt(&source));
    alive();
}

#[test]
fn a_chat_without_end_is_refused() {
    let begin = Instant::now();
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    assert_eq!(chat(endless), Err(Failure::TooMuch));
    println!("its fuel lasted {:?}", begin.elapsed());
    // Few instructions, each of which takes long: the processor's time ends it.
    let begin = Instant::now();
    assert_eq!(prompt("{{ ['a'] * 80000000000000 }}"), Err(Failure::TooMuch));
    println!("and the time {:?}", begin.elapsed());
    alive();
}

/// Each is done in the time of a job, or nearly; all of them are not.
#[test]
fn a_prompt_of_many_messages_has_the_time_of_one() {
    let slow = "{% for i in range(1500) %}{% set n = (user_input * 200000) | length %}{% endfor %}";
    assert_eq!(prompts(&[slow; 16]), Err(Failure::TooMuch));
    alive();
}

#[test]
fn a_list_in_itself_is_refused() {
    let source = "{% set n = namespace(l=[]) %}{% for i in range(20000) %}{% for j in range(20) %}\
                  {% set n.l = [n.l] %}{% endfor %}{% endfor %}{{ n.l == n.l }}";
    assert_eq!(chat(source), Err(Failure::TooMuch));
    alive();
}

#[test]
fn a_thousand_hostile_templates_end() {
    let (mut ends, mut longest, mut dice) = ([0; 4], Duration::ZERO, generator::Dice(7));
    for at in 0..TEMPLATES {
        // A chat has a thousand times the instructions, and so takes longer.
        let (render, variable): (fn(&str) -> _, _) =
            if at % 8 == 0 { (chat, "bos_token") } else { (prompt, "user_input") };
        let source = generator::template(at, variable, &mut dice);
        let shown: String = source.chars().take(160).collect();
        let begin = Instant::now();
        let result = render(&source);
        let took = begin.elapsed();
        assert!(took < LONGEST, "{took:?}: {shown}");
        longest = longest.max(took);
        ends[match result {
            Ok(text) => {
                assert!(text.len() <= if at % 8 == 0 { MAX_CHAT } else { MAX_BYTES }, "{shown}");
                0
            }
            Err(Failure::TooMuch) => 1,
            Err(Failure::TooLong) => 2,
            Err(Failure::Syntax { .. } | Failure::Failed { .. } | Failure::Refused(_)) => 3,
            Err(Failure::Unavailable(why)) => panic!("{why}: {shown}"),
        }] += 1;
    }
    let [rendered, much, long, faulty] = ends;
    let memory = most_memory();
    println!("{rendered} rendered, {much} too much, {long} too long, {faulty} faulty");
    println!("the longest took {longest:?}, the largest {} MiB", memory >> 20);
    // Each way to end is taken by many: they are hostile, and not just wrong.
    assert!(rendered > 100 && much > 200 && long > 50, "{ends:?}");
    assert!(memory < worker::MEMORY + PROGRAM, "{memory} bytes");
    alive();
}
