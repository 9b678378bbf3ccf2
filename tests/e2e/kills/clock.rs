//! How far a campaign is, as seen from outside, and the times at which an undisturbed run got there.

use std::{
    fmt, fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use maily_tests::platform::Platform;

/// What kind of work is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The list is uploaded and judged.
    Import,
    /// Copy is written and messages are handed off.
    Campaign,
    /// Report and mail are downloaded.
    Export,
}

/// A place in the run; it only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    pub(crate) phase: Phase,
    /// Lines of progress that the client has shown, or 64 KiB blocks of mail that it has written.
    pub(crate) count: u64,
}

/// Reads the progress of the first client that a platform runs.
pub(crate) struct Progress {
    shown: PathBuf,
    partial: PathBuf,
}

impl Progress {
    pub(crate) fn new(platform: &Platform, out: &str) -> Self {
        Self { shown: platform.path("client-1.err"), partial: platform.path(&format!(".{out}.partial")) }
    }

    pub(crate) fn now(&self) -> Step {
        if self.partial.join("report.json").exists() {
            let files = fs::read_dir(self.partial.join("mail")).into_iter().flatten();
            let bytes: u64 = files.filter_map(|file| file.ok()?.metadata().ok()).map(|meta| meta.len()).sum();
            return Step { phase: Phase::Export, count: bytes >> 16 };
        }
        let shown = fs::read_to_string(&self.shown).unwrap_or_default();
        let lines = shown.lines().filter(|line| !line.starts_with("waiting")).count() as u64;
        match shown.contains("imported") {
            true => Step { phase: Phase::Campaign, count: lines },
            false => Step { phase: Phase::Import, count: 0 },
        }
    }
}

/// When an undisturbed run reached each step.
#[derive(Default)]
pub(crate) struct Timeline {
    begun: Option<Instant>,
    reached: Vec<(Step, Duration)>,
    last: Duration,
}

impl Timeline {
    pub(crate) fn note(&mut self, step: Step) {
        self.last = self.begun.get_or_insert_with(Instant::now).elapsed();
        if self.reached.last().is_none_or(|(before, _)| *before < step) {
            self.reached.push((step, self.last));
        }
    }

    /// From when until when a phase lasted.
    pub(crate) fn span(&self, phase: Phase) -> (Duration, Duration) {
        let first = |wanted: &dyn Fn(Phase) -> bool| {
            self.reached.iter().find(|(step, _)| wanted(step.phase)).map_or(self.last, |(_, time)| *time)
        };
        (first(&|other| other == phase), first(&|other| other > phase))
    }

    /// The steps of the campaign that follow each other closely: pages are counted, no copy is waited for.
    pub(crate) fn hand_offs(&self) -> Vec<(Duration, Duration)> {
        let steps = self.reached.windows(2).filter(|pair| pair[0].0.phase == Phase::Campaign);
        let spans = steps.map(|pair| (pair[0].1, pair[1].1));
        spans.filter(|(from, to)| *to - *from < Duration::from_secs(1)).collect()
    }

    /// Where the undisturbed run was at this step: from then until the next.
    pub(crate) fn place(&self, step: Step) -> (Duration, Duration) {
        let behind = self.reached.partition_point(|(other, _)| *other <= step);
        let from = behind.checked_sub(1).map_or(Duration::ZERO, |index| self.reached[index].1);
        (from, self.reached.get(behind).map_or(self.last, |(_, time)| *time))
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in [Phase::Import, Phase::Campaign, Phase::Export] {
            let (from, to) = self.span(phase);
            write!(f, "{phase:?} {:.1} s to {:.1} s; ", from.as_secs_f32(), to.as_secs_f32())?;
        }
        write!(f, "{} steps", self.reached.len())
    }
}
