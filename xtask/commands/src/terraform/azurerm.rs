//! Azure's real provider, built from its Go module: the longest build of all, so it runs beside others, may be stopped, and
//! goes on from where it was. Go keeps each package that was compiled; only linking begins again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use maily_testkit::{cache, pause, rest};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::parts;
use crate::{
    patience,
    shell::{Result, say},
};

/// Its releases are in Terraform's registry; as a Go module it has no tag of the major version, so the commit of 5.2.0
/// stands for it (Go checks the module's sum).
const MODULE: &str = "github.com/hashicorp/terraform-provider-azurerm";
const COMMIT: &str = "v1.44.1-0.20260824201233-fae580791926";
/// Two of its packages at a time take so much memory (seen: 3.6 GiB); with less, one at a time.
const MEMORY: u64 = 5 << 30;
/// How often somebody who waits is told that it goes on.
const WORD: Duration = Duration::from_mins(2);
/// Go, once it is asked to end, finishes what it is compiling, which then is kept. It is not waited for longer.
const GRACE: Duration = Duration::from_secs(30);

/// The tests that need it, in nextest's language of filters.
pub(crate) const TESTS: &str = "package(=maily-terraform-tests) & (binary(=azure) | test(/azure/))";

/// The provider, there or being built. Whoever drops it stops the build.
pub(crate) struct Azurerm(Option<Build>);

struct Build {
    child: Child,
    begun: Instant,
    told: Instant,
    folder: PathBuf,
}

impl Azurerm {
    /// Starts building what is not there, on what others leave of the processors, and comes back at once.
    pub(crate) fn begin() -> Result<Self> {
        if cache::azurerm().exists() {
            return Ok(Self(None));
        }
        let version = cache::AZURERM_VERSION;
        say(&format!(
            "Building the Azure provider {version} beside everything else (from its Go module: about 10 minutes of two \
             cores, once; what is compiled stays if this is stopped)"
        ));
        Build::begin().map(|build| Self(Some(build)))
    }

    /// Waits until it is there; with a limit, only so long from now on. An error says what became of it.
    pub(crate) fn finish(mut self, limit: Option<Duration>) -> Result<PathBuf> {
        if let Some(build) = &mut self.0 {
            build.wait(limit)?;
            parts::keep(&build.folder.join("terraform-provider-azurerm"), &cache::azurerm())?;
        }
        parts::configuration()?;
        Ok(cache::azurerm())
    }
}

impl Build {
    fn begin() -> Result<Self> {
        let folder = cache::terraform().join("build");
        let linked = format!("-s -w -X {MODULE}/version.ProviderVersion={}", cache::AZURERM_VERSION);
        let log = || {
            fs::create_dir_all(&folder)?;
            File::create(log(&folder))
        };
        let log = log().map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut go = Command::new("nice");
        // With -v Go names each package that it compiles.
        go.args(["-n", "10", "go", "install", "-v", "-p", side_by_side(), "-ldflags", &linked]);
        go.arg(format!("{MODULE}@{COMMIT}")).env("GOBIN", &folder).current_dir(&folder);
        // In our process group: Ctrl-C ends it too.
        let child = go.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.map_err(|error| format!("nice, go: {error}"))?;
        let begun = Instant::now();
        Ok(Self { child, begun, told: begun, folder })
    }

    fn wait(&mut self, limit: Option<Duration>) -> Result<()> {
        let end = limit.map(|limit| Instant::now() + limit);
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failure(status)),
                None if end.is_some_and(|end| Instant::now() > end) => return Err(self.late()),
                None => self.tell(),
            }
            rest();
        }
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|error| format!("go: {error}"))
    }

    fn tell(&mut self) {
        if self.told.elapsed() > WORD {
            self.told = Instant::now();
            say(&format!("The Azure provider is still being built: {}", self.done()));
        }
    }

    /// What has been compiled until now.
    fn done(&self) -> String {
        let text = fs::read_to_string(log(&self.folder)).unwrap_or_default();
        let packages = text.lines().filter(|line| !line.starts_with("go: ")).count();
        format!("{packages} packages in {:.1} min", self.begun.elapsed().as_secs_f32() / 60.0)
    }

    fn late(&self) -> String {
        patience::late(&format!(
            "the Azure provider: {}, and there is no more time. The next run goes on from there; without \
             MAILY_BUILD_MINUTES it takes all the time it needs",
            self.done()
        ))
    }

    fn failure(&self, status: ExitStatus) -> String {
        let text = fs::read_to_string(log(&self.folder)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join("\n  ");
        format!("the Azure provider could not be built ({status}); it needs Go 1.26\n  {last}")
    }
}

impl Drop for Build {
    /// Go is asked to end: on an interrupt it removes its working folder.
    fn drop(&mut self) {
        if let (Ok(None), Ok(id)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = kill(Pid::from_raw(id), Signal::SIGINT);
        }
        let end = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.child.kill();
            }
            pause();
        }
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("azurerm.log")
}

/// How many packages are compiled at a time.
fn side_by_side() -> &'static str {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available(&text) {
        Some(bytes) if bytes < MEMORY => "1",
        _ => "2",
    }
}

/// Of `MemAvailable:   12345 kB`, in bytes.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A build by something other than Go.
    fn build(program: &str, folder: &Path) -> Build {
        let child = Command::new("sh").args(["-c", program]).spawn().unwrap();
        Build { child, begun: Instant::now(), told: Instant::now(), folder: folder.to_owned() }
    }

    #[test]
    fn what_takes_too_long_is_stopped_and_says_how_far_it_came() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(log(dir.path()), "go: downloading a\ngithub.com/a/b\ngithub.com/a/c\n").unwrap();
        let mut late = build("exec sleep 60", dir.path());
        let id = Pid::from_raw(late.child.id().try_into().unwrap());
        let said = late.wait(Some(Duration::ZERO)).unwrap_err();
        assert!(said.contains("2 packages") && said.contains("goes on from there"), "{said}");
        drop(late);
        assert!(kill(id, None).is_err(), "it still runs");
    }

    #[test]
    fn what_fails_says_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(log(dir.path()), "a\nb\nno space left\n").unwrap();
        let said = build("exit 3", dir.path()).wait(None).unwrap_err();
        assert!(said.contains("no space left") && said.contains("exit status: 3"), "{said}");
    }

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        assert_eq!(available("MemFree: 1 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available(""), None);
    }
}
