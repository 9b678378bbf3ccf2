//! `maily-fuzz`: fuzzes targets, repeats a finding; `cargo xtask fuzz` builds and starts it.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use maily_fuzz::{
    child::{self, Job},
    parent::{self, Plan},
    targets::{self, Kind},
};

/// Mutated inputs for everything that reads what others wrote.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Arguments {
    /// Which targets; all by default.
    targets: Vec<String>,
    /// How long each is fuzzed.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// So many runs of each, however long that takes.
    #[arg(long)]
    runs: Option<u64>,
    /// As many runs of each as CI does.
    #[arg(long, conflicts_with = "runs")]
    brief: bool,
    /// What decides the inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where findings are kept; `target/fuzz` by default.
    #[arg(long)]
    out: Option<PathBuf>,
    /// How long one finding is made shorter, in seconds.
    #[arg(long, default_value_t = 60)]
    minimise: u64,
    /// Runs this input only, that of the target that its folder is named after unless one is named.
    #[arg(long)]
    repeat: Option<PathBuf>,
    /// Names the targets.
    #[arg(long)]
    list: bool,
    /// This is the process that may die.
    #[arg(long, hide = true)]
    child: bool,
    #[arg(long, hide = true, default_value_t = 0)]
    from: usize,
    #[arg(long, hide = true, default_value_t = f64::MAX)]
    seconds: f64,
}

fn main() -> ExitCode {
    if let Some(code) = maily_template::worker() {
        return code;
    }
    let arguments = Arguments::parse();
    let done = if arguments.child { serve(&arguments) } else { run(&arguments) };
    done.unwrap_or_else(|error| {
        eprintln!("maily-fuzz: {error}");
        ExitCode::from(2)
    })
}

fn serve(arguments: &Arguments) -> Result<ExitCode, String> {
    let kind = targets::named(arguments.targets.first().map_or("", String::as_str))?;
    let folder = arguments.out.as_deref().ok_or("--child needs --out")?;
    let job = match &arguments.repeat {
        Some(path) => Job::One(path.clone()),
        None => Job::Many {
            from: arguments.from,
            seed: arguments.seed,
            runs: arguments.runs.unwrap_or(u64::MAX),
            // A year is as good as ever, and can be added to a moment.
            seconds: arguments.seconds.clamp(0.0, 3.2e7),
        },
    };
    Ok(child::run(kind, job, folder))
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    if arguments.list {
        targets::all().for_each(|kind| println!("{:12} {}", kind.name, kind.what));
        return Ok(ExitCode::SUCCESS);
    }
    let out = arguments.out.clone().unwrap_or_else(|| maily_testkit::workspace().join("target/fuzz"));
    let bounded = arguments.brief || arguments.runs.is_some();
    let mut plan = Plan {
        program: env::current_exe().map_err(|error| error.to_string())?,
        runs: arguments.runs.unwrap_or(u64::MAX),
        seconds: if bounded { 3.2e7 } else { arguments.minutes.clamp(0.0, 500_000.0) * 60.0 },
        seed: arguments.seed,
        out,
        minimise: Duration::from_secs(arguments.minimise),
    };
    let mut chosen =
        arguments.targets.iter().map(|name| targets::named(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(input) = &arguments.repeat {
        return repeat(chosen.first().copied(), &plan, input);
    }
    if chosen.is_empty() {
        chosen = targets::all().collect();
    }
    let mut found = 0;
    for kind in chosen {
        if arguments.brief {
            plan.runs = kind.runs;
        }
        let report = parent::fuzz(kind, &plan)?;
        println!("{:12} {report}", kind.name);
        found += report.findings.len();
    }
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn repeat(kind: Option<&'static Kind>, plan: &Plan, input: &Path) -> Result<ExitCode, String> {
    let folder = input.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let kind = kind.map_or_else(|| targets::named(folder), Ok)?;
    let ended = parent::repeat(kind, plan, input)?;
    println!("{}: {}", kind.name, ended.as_ref().map_or("nothing".to_owned(), ToString::to_string));
    Ok(if ended.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
