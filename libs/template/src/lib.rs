//! Renders Jinja templates that nobody has vouched for: the prompts of guardrails' configurations, and the chat
//! templates of checkpoints.
//!
//! Jinja is a programming language, and minijinja counts its instructions (fuel), but neither the memory that one
//! instruction takes nor the depth of its own recursion: `{{ x | indent(100000000000000) }}` aborts the process that
//! renders it, as `{% set a = a ~ a %}` does when repeated; 20,000 times `not ` overflow the stack of its parser, a long
//! `1+1+1…` that of its compiler, and a list that is put into itself in a loop that of whoever drops it. Only some of this
//! could be bounded from outside: filters can be replaced, but not the operators `~`, `+` and `*`
//! (`minijinja/src/value/ops.rs`), nor the parser (`compiler/parser.rs`, whose guard of 150 levels is not in its unary
//! operators and chains).
//!
//! So it is done where it may go wrong: in a *worker*, a process of its own, which has [`worker::MEMORY`] bytes and
//! [`worker::SECONDS`] seconds of processor time for one job, and dies of it if that is not enough. Then the job is
//! refused for good ([`Failure::TooMuch`]), and the next one gets another worker. What the machine does to a worker
//! (it is killed, it does not start, it gets no time) is told apart: that is [`Failure::Unavailable`], and may be tried
//! again. A worker renders for one caller after the other, and a template may leave memory behind: one that has kept much takes
//! no other job, and what dies in a worker that was used before is tried once more in a fresh one before it is refused. Time
//! is the processor's, not the clock's, so that a busy machine refuses nothing that an idle one renders.
//!
//! The worker is the same program, started with `render-worker` as its argument; [`worker()`] at the beginning of `main`
//! makes it so. In a test program it is the ignored test that [`worker_of_tests!`] adds. Templates and texts go
//! through a socket pair, which is the worker's standard input; nothing of them is in arguments, variables, files, logs
//! or core dumps.
//!
//! - `job`: what is rendered, and what comes of it
//! - `jinja`: the rendering itself, in the worker
//! - `worker`: the worker's side
//! - `pool`: the service's side
//! - `pipe`: what goes between them

mod jinja;
mod job;
mod pipe;
mod pool;
pub mod worker;

pub use jinja::MAX_CHAT;
pub use job::{About, Failure, Job, Message};
pub use pool::{WORKERS, render};
pub use worker::{serve, worker};

/// Adds the ignored test that is the worker of a test program; needed once in each that renders.
#[macro_export]
macro_rules! worker_of_tests {
    () => {
        #[test]
        #[ignore = "the process that renders templates, started by the tests that do"]
        fn render_worker() {
            $crate::serve();
        }
    };
}
