//! How long programs may be built that take minutes and that only tests need: `MAILY_BUILD_MINUTES`, from the start of this
//! program on. Where a wall ends everything, as in CI, a machine that has nothing yet leaves out some tests, says so, and goes
//! on the next time from where it was: Go keeps what it has compiled.

use std::{
    env,
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::shell::{self, Result};

const MINUTES: &str = "MAILY_BUILD_MINUTES";
/// Go, once it is asked to end, finishes what it is compiling.
const GRACE: Duration = Duration::from_secs(30);

static BEGUN: OnceLock<Instant> = OnceLock::new();

/// Looks at the clock. First of all.
pub(crate) fn begin() -> Result<()> {
    BEGUN.get_or_init(Instant::now);
    limit().map(drop)
}

fn limit() -> Result<Option<Duration>> {
    let Some(minutes) = env::var_os(MINUTES) else { return Ok(None) };
    let minutes = minutes.to_str().and_then(|minutes| minutes.parse().ok());
    let minutes: u64 = minutes.ok_or_else(|| format!("{MINUTES} is a number of minutes"))?;
    Ok(Some(Duration::from_secs(minutes.saturating_mul(60))))
}

/// The time that is left; none where there is no limit.
pub(crate) fn left() -> Option<Duration> {
    let limit = limit().ok().flatten()?;
    Some(limit.saturating_sub(BEGUN.get_or_init(Instant::now).elapsed()))
}

/// What an error begins with that says no more than that the time is over: every other one is a fault.
const LATE: &str = "not built yet: ";

/// Whether this is such an error.
pub(crate) fn is_late(why: &str) -> bool {
    why.starts_with(LATE)
}

/// Such an error.
pub(crate) fn late(more: &str) -> String {
    format!("{LATE}{more}")
}

/// Runs a build to its end, or to the limit's.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let Some(left) = left() else { return shell::run(command) };
    let name = command.get_program().to_string_lossy().into_owned();
    let over = || late(&format!("{MINUTES} is over; the next run goes on from here"));
    if left.is_zero() {
        return Err(over());
    }
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let end = Instant::now() + left;
    loop {
        match child.try_wait().map_err(|error| format!("{name}: {error}"))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{name} failed ({status})")),
            None if Instant::now() > end => {
                maily_testkit::stop(&mut child, GRACE);
                return Err(over());
            }
            None => maily_testkit::rest(),
        }
    }
}
