//! The sample campaign, with dates relative to the day.
//!
//! What consents and ages are worth depends on when they are judged, so a list with fixed dates would tell another story
//! each month. In the sample's subscribers.csv stand `{{day-24mo+2d}}` (a moment: midnight UTC of the day, months and days
//! before or behind it) and `{{year-18}}`; the copy that is run has dates there.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::{Error, workspace};

/// Where the sample is, below the workspace.
const SAMPLE: &str = "services/orchestrator/samples/spring-sale";
/// The link to the newest, beside the folders of the days.
const TODAY: &str = "today";
/// What makes the sample and checks it, and is no part of a campaign.
const NOT_COPIED: [&str; 2] = ["make_subscribers.py", "expected.json"];

/// The folder of today's sample, in the workspace's `target`; written if it is not there yet. `target/sample/today` leads
/// there, too.
///
/// # Errors
/// The sample can't be read, or the copy can't be written.
pub fn sample() -> Result<PathBuf, Error> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let folder = workspace().join("target/sample").join(today.to_string());
    let sample = folder.join("spring-sale");
    let write = || {
        let from = workspace().join(SAMPLE);
        fs::create_dir_all(&folder)?;
        // Beside its place and moved there: others may be reading it, or writing it, too.
        let partial = folder.join(format!(".{}", std::process::id()));
        let _ = fs::remove_dir_all(&partial);
        copy(&from, &partial, today)?;
        let same = is_same(&partial, &sample);
        if !same {
            let _ = fs::remove_dir_all(&sample);
        }
        match fs::rename(&partial, &sample) {
            Err(_) if is_same(&partial, &sample) => fs::remove_dir_all(&partial)?,
            moved => moved?,
        }
        // For docker/compose, whose settings can't say which day it is.
        let link = folder.with_file_name(format!(".{}", std::process::id()));
        let _ = fs::remove_file(&link);
        symlink(today.to_string(), &link)?;
        fs::rename(&link, folder.with_file_name(TODAY))
    };
    write().map_err(|source: io::Error| Error::File { path: sample.clone(), source })?;
    Ok(sample)
}

fn copy(from: &Path, to: &Path, today: Date) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if NOT_COPIED.iter().any(|not| name == *not) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(&name), today)?;
        } else if name == "subscribers.csv" {
            fs::write(to.join(&name), dated(&fs::read_to_string(&path)?, today)?)?;
        } else {
            fs::copy(&path, to.join(&name))?;
        }
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    let Ok(entries) = fs::read_dir(one) else { return false };
    entries.flatten().all(|entry| {
        let (path, other) = (entry.path(), other.join(entry.file_name()));
        match path.is_dir() {
            true => is_same(&path, &other),
            false => fs::read(&path).ok() == fs::read(other).ok(),
        }
    })
}

/// A text with its `{{day…}}` and `{{year…}}` replaced.
fn dated(text: &str, today: Date) -> io::Result<String> {
    let bad =
        |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{{{{{what}}}}} is no day or year"));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (token, after) = behind.split_once("}}").ok_or_else(|| bad("…"))?;
        out.push_str(before);
        out.push_str(&value(token, today).ok_or_else(|| bad(token))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(token: &str, today: Date) -> Option<String> {
    if let Some(years) = token.strip_prefix("year") {
        return Some((i32::from(today.year()) + years.parse::<i32>().ok()?).to_string());
    }
    let mut day = today;
    let mut rest = token.strip_prefix("day")?;
    while !rest.is_empty() {
        // Behind the step's own sign.
        let end = rest.match_indices(['+', '-']).map(|(at, _)| at).find(|at| *at > 0).unwrap_or(rest.len());
        let (step, next) = rest.split_at(end);
        let span = match (step.strip_suffix("mo"), step.strip_suffix('d')) {
            (Some(months), _) => Span::new().months(months.parse::<i32>().ok()?),
            (None, Some(days)) => Span::new().days(days.parse::<i32>().ok()?),
            (None, None) => return None,
        };
        day = day.checked_add(span).ok()?;
        rest = next;
    }
    Some(format!("{day}T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_of_the_day() {
        let text = "a,{{day-24mo+2d}},{{year-18}}\nb,{{day+1d}},{{day}}\n";
        let dated = |day: &str| dated(text, day.parse().unwrap()).unwrap();
        assert_eq!(
            dated("2026-02-28"),
            "a,2024-03-01T00:00:00Z,2008\nb,2026-03-01T00:00:00Z,2026-02-28T00:00:00Z\n"
        );
        assert!(dated("2028-02-29").starts_with("a,2026-03-02T00:00:00Z,2010"));
        for bad in ["{{", "{{week}}", "{{day-2}}", "{{year}}", "{{day+xd}}"] {
            assert!(super::dated(bad, "2026-02-28".parse().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_sample_of_the_day_is_a_campaign_without_placeholders() {
        let sample = sample().unwrap();
        let list = fs::read_to_string(sample.join("subscribers.csv")).unwrap();
        assert!(list.lines().count() > 200 && !list.contains("{{day") && !list.contains("{{year"));
        assert!(sample.join("guardrails/config.yml").is_file() && !sample.join("expected.json").exists());
        assert_eq!(super::sample().unwrap(), sample, "again");
        let today = workspace().join("target/sample/today/spring-sale");
        assert_eq!(today.canonicalize().unwrap(), sample.canonicalize().unwrap());
    }
}
