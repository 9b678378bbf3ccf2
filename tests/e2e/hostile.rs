//! Every kind of hostile caller at once, beside a campaign, a chat and opt-outs: the campaign ends as an undisturbed one does,
//! no valid opt-out and no chat is refused, no service ends, panics or takes more memory than is said.
//!
//! How much longer a chat takes beside them is `cargo xtask bench fairness`'s to say.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use maily_tests::{
    fairness::{Beside, MEMORY_MIB, Trial},
    say,
};

/// Five minutes on two cores that do nothing else, and as long as that too much for CI.
mod soak {
    use super::*;

    #[test]
    fn hostile_callers_change_nothing() {
        change_nothing(Trial {
            rows: 2_000,
            chats: 200,
            opt_outs: 200,
            answer: Duration::from_millis(50),
            effort: 1,
        });
    }

    #[test]
    fn hostile_callers_change_nothing_for_long() {
        change_nothing(Trial {
            rows: 30_000,
            chats: 1_000,
            opt_outs: 2_000,
            answer: Duration::from_millis(300),
            effort: 5,
        });
    }
}

fn change_nothing(trial: Trial) {
    let undisturbed = trial.run(None, Beside::Nobody);
    let disturbed = trial.run(Some(&undisturbed.keyring), Beside::HostileCallers);
    disturbed.assert_equals(&undisturbed);
    for ((name, before), (_, beside)) in undisturbed.memory.iter().zip(&disturbed.memory) {
        say(format_args!("{name}: at most {before} MiB undisturbed, {beside} MiB beside hostile callers"));
    }
    let large = disturbed.too_large();
    assert!(large.is_empty(), "more than {MEMORY_MIB} MiB: {large:?}");
}
