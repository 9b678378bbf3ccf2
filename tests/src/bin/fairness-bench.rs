//! `cargo xtask bench fairness`: how long a chat takes beside a campaign and opt-outs, undisturbed and with every kind of
//! hostile caller at once; and the services' memory.

use std::{process::ExitCode, time::Duration};

use maily_tests::fairness::{Beside, Done, MEMORY_MIB, Trial};

/// A recorded answer takes as long as a small model's: longer than whatever else of a request.
const TRIAL: Trial =
    Trial { rows: 5_000, chats: 300, opt_outs: 300, answer: Duration::from_millis(300), effort: 1 };
/// What the platform promises of the 99th percentile: at most so many times the undisturbed one.
const RATIO: f64 = 2.0;
const SHARES: [f64; 3] = [0.5, 0.9, 0.99];

fn main() -> ExitCode {
    eprintln!("Undisturbed");
    let undisturbed = TRIAL.run(None, Beside::Nobody);
    eprintln!("Beside hostile callers");
    let disturbed = TRIAL.run(Some(&undisturbed.keyring), Beside::HostileCallers);
    disturbed.assert_equals(&undisturbed);
    show(&undisturbed, &disturbed);
    match verdicts(&undisturbed, &disturbed) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn show(undisturbed: &Done, disturbed: &Done) {
    println!("\n{:>14} {:>12} {:>10} {:>7}", "chat", "undisturbed", "beside", "ratio");
    println!("{:>14} {:>12} {:>10}", "requests", undisturbed.chats.len(), disturbed.chats.len());
    for share in SHARES {
        let [before, beside] = [undisturbed, disturbed].map(|done| done.percentile(share));
        let name = format!("p{:.0} ms", share * 100.0);
        let ratio = beside.as_secs_f64() / before.as_secs_f64();
        println!("{name:>14} {:>12} {:>10} {ratio:>7.2}", before.as_millis(), beside.as_millis());
    }
    println!("\n{:>14} {:>12} {:>10}", "peak MiB", "undisturbed", "beside");
    for ((name, before), (_, beside)) in undisturbed.memory.iter().zip(&disturbed.memory) {
        println!("{name:>14} {before:>12} {beside:>10}");
    }
    println!();
}

/// Prints each promise with what was found; whether all are kept.
fn verdicts(undisturbed: &Done, disturbed: &Done) -> bool {
    let ratio = disturbed.percentile(0.99).as_secs_f64() / undisturbed.percentile(0.99).as_secs_f64();
    let large = disturbed.too_large();
    let kept = [
        (ratio <= RATIO, format!("p99 of a chat {ratio:.2} times the undisturbed one; at most {RATIO:.1}")),
        (large.is_empty(), format!("more than {MEMORY_MIB} MiB has no service; these have: {large:?}")),
    ];
    for (kept, line) in &kept {
        println!("{} {line}", if *kept { "kept  " } else { "MISSED" });
    }
    kept.iter().all(|(kept, _)| *kept)
}
