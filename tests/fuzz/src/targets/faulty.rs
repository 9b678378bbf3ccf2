//! Targets with a known fault each, so that the tests see that one is found.

use std::{hint, panic::catch_unwind, process};

use super::{Kind, Target};

/// They are not among [`super::all`].
pub(super) const ALL: [Kind; 7] = [
    kind("fault-panic", || Ok(Box::new(Faulty(panic)))),
    kind("fault-thread", || Ok(Box::new(Faulty(in_a_thread)))),
    kind("fault-caught", || Ok(Box::new(Catching(Faulty(caught))))),
    kind("fault-uncaught", || Ok(Box::new(Catching(Faulty(panic))))),
    kind("fault-abort", || Ok(Box::new(Faulty(|| process::abort())))),
    kind("fault-memory", || Ok(Box::new(Faulty(memory)))),
    // It is asked once: each time costs what a run may take.
    Kind { seeds: || Ok(vec![b"boom".to_vec()]), ..kind("fault-slow", || Ok(Box::new(Faulty(slow)))) },
];

const fn kind(name: &'static str, make: fn() -> Result<Box<dyn Target>, String>) -> Kind {
    let seeds = || Ok(vec![b"some text with a bomb in it".to_vec()]);
    Kind { name, what: "a known fault", dictionary: &["boom"], longest: 1_000, runs: 5_000, seeds, make }
}

/// Does it when the input has `boom` in it.
struct Faulty(fn());

impl Target for Faulty {
    fn run(&mut self, input: &[u8]) -> String {
        if input.windows(4).any(|window| window == b"boom") {
            (self.0)();
        }
        String::new()
    }
}

/// The same, as a target that says that it catches panics.
struct Catching(Faulty);

impl Target for Catching {
    fn run(&mut self, input: &[u8]) -> String {
        self.0.run(input)
    }

    fn catches(&self) -> bool {
        true
    }
}

#[expect(clippy::panic, reason = "it is what is to be found")]
fn panic() {
    panic!("this is not shown");
}

fn caught() {
    let _ = catch_unwind(panic);
}

fn in_a_thread() {
    let _ = std::thread::spawn(panic).join();
}

fn memory() {
    hint::black_box(Vec::<u8>::with_capacity(8 << 30));
}

fn slow() {
    loop {
        hint::spin_loop();
    }
}
