//! Who is killed when: drawn from a seed, placed on the timeline of the undisturbed run.
//!
//! A disturbed run has no times of its own to aim at. Its place is that of the undisturbed run at the same step, plus
//! the time since the step was reached, but never beyond the next step.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use maily_testkit::Stack;
use maily_tests::say;
use rand::{
    RngExt as _, SeedableRng as _,
    rngs::ChaCha12Rng,
    seq::{IndexedRandom as _, SliceRandom as _},
};

use crate::clock::{Phase, Step, Timeline};

/// How many are killed when. Within a phase everybody who has work in it has a turn before anybody has a second one.
#[derive(Clone, Copy)]
pub(crate) struct Kills {
    /// While the list is imported.
    pub(crate) import: usize,
    /// At any time of the campaign, which is mostly while the model writes.
    pub(crate) writing: usize,
    /// While pages are handed off.
    pub(crate) hand_off: usize,
    /// While report and mail are downloaded.
    pub(crate) export: usize,
}

/// How far into its phase a kill may be: behind that it might come too late.
const LATEST: f64 = 0.85;

struct Kill {
    phase: Phase,
    at: Duration,
    victim: String,
}

pub(crate) struct Killer<'a> {
    timeline: &'a Timeline,
    planned: VecDeque<Kill>,
    done: usize,
    wanted: usize,
    reached: Option<(Step, Instant)>,
}

impl<'a> Killer<'a> {
    pub(crate) fn new(seed: u64, kills: Kills, timeline: &'a Timeline, mut names: Vec<String>) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let mut planned = Vec::new();
        let phases =
            [(Phase::Import, kills.import), (Phase::Campaign, kills.writing), (Phase::Export, kills.export)];
        for (phase, kills) in phases {
            names.shuffle(&mut random);
            let mut victims = names.iter().filter(|name| matters(name, phase)).cycle();
            for _ in 0..kills {
                let at = within(timeline.span(phase), &mut random);
                planned.extend(victims.next().map(|victim| Kill { phase, at, victim: victim.clone() }));
            }
        }
        names.shuffle(&mut random);
        let hand_offs = timeline.hand_offs();
        for victim in names.into_iter().cycle().take(kills.hand_off) {
            let span = *hand_offs.choose(&mut random).expect("no hand-off was seen");
            planned.push(Kill { phase: Phase::Campaign, at: within(span, &mut random), victim });
        }
        planned.sort_by_key(|kill| kill.at);
        Self { timeline, wanted: planned.len(), planned: planned.into(), done: 0, reached: None }
    }

    /// Kills whoever is due, if it runs; who was killed a moment ago is waited for.
    pub(crate) fn look(&mut self, stack: &mut Stack, step: Step) {
        let since = match self.reached {
            Some((reached, since)) if reached >= step => since,
            _ => self.reached.insert((step, Instant::now())).1,
        };
        let (from, to) = self.timeline.place(step);
        let place = (from + since.elapsed()).min(to);
        let Some(kill) = self.planned.front() else { return };
        if (place < kill.at && step.phase <= kill.phase) || !stack.is_ready(&kill.victim) {
            return;
        }
        let Some(kill) = self.planned.pop_front() else { return };
        stack.kill(&kill.victim);
        self.done += 1;
        say(format_args!(
            "kill {:2}: {:12} in {:?}, step {}, planned for {:.1} s",
            self.done,
            kill.victim,
            step.phase,
            step.count,
            kill.at.as_secs_f32()
        ));
    }

    pub(crate) fn assert_done(&self) {
        assert_eq!(self.done, self.wanted, "the campaign was over before every kill");
    }
}

fn within((from, to): (Duration, Duration), random: &mut ChaCha12Rng) -> Duration {
    from + (to - from).mul_f64(random.random_range(0.0..LATEST))
}

/// Who has work in a phase.
fn matters(name: &str, phase: Phase) -> bool {
    match phase {
        Phase::Import | Phase::Export => matches!(name, "compliance" | "orchestrator" | "storage"),
        Phase::Campaign => true,
    }
}
