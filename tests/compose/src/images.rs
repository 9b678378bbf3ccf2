//! Our images, built by `cargo xtask images`, and what is to be known of one.

use std::{
    fs,
    ops::Deref,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use maily_testkit::cache;
use maily_tests::peers::run;

use crate::{docker, recorded, xtask};

/// The images of what is built from our own source.
pub const OURS: [&str; 6] = ["storage", "compliance", "guardrails", "inference", "orchestrator", "bootstrap"];

/// Images under a tag of their own.
pub struct Images {
    tag: String,
}

/// Images that are gone when this is dropped.
pub struct Owned(Images);

impl Deref for Owned {
    type Target = Images;

    fn deref(&self) -> &Images {
        &self.0
    }
}

impl Owned {
    /// Those that something else builds.
    #[must_use]
    pub fn tagged(tag: &str) -> Self {
        Self(Images::tagged(tag))
    }
}

impl Images {
    /// Builds these, or all.
    pub fn build(tag: &str, options: &[&str]) -> Owned {
        let images = Owned::tagged(tag);
        let _ = xtask(&[&["images", "--tag", tag], options].concat());
        images
    }

    /// Those with this tag, which are somebody else's.
    #[must_use]
    pub fn tagged(tag: &str) -> Self {
        Self { tag: tag.to_owned() }
    }

    /// The same images under another tag, for a platform whose model's answers are recorded ones.
    #[must_use]
    pub fn recorded(&self) -> Owned {
        let recorded = Owned::tagged(&format!("recorded-{}", self.tag));
        for name in docker::lines(&["image", "ls", "--format", "{{.Repository}}", "--filter", &self.filter()])
        {
            let _ = docker::ask(&[
                "image",
                "tag",
                &format!("{name}:{}", self.tag),
                &format!("{name}:{}", recorded.tag),
            ]);
        }
        recorded::replace(&recorded.reference("inference"));
        recorded
    }

    fn filter(&self) -> String {
        format!("reference=maily/*:{}", self.tag)
    }

    /// Their tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// An image's reference.
    #[must_use]
    pub fn reference(&self, name: &str) -> String {
        format!("maily/{name}:{}", self.tag)
    }

    /// The digest of an image's configuration, which has the digests of its layers.
    #[must_use]
    pub fn id(&self, name: &str) -> String {
        docker::ask(&["image", "inspect", "--format", "{{.Id}}", &self.reference(name)])
    }

    /// The bill of materials beside it.
    #[must_use]
    pub fn bill(&self, name: &str) -> PathBuf {
        cache::dir().join(format!("images/sbom/maily-{name}_{}.cdx.json", self.tag))
    }

    /// Bytes of an image as it is saved and compressed.
    ///
    /// # Panics
    /// It can't be saved.
    #[must_use]
    pub fn compressed(&self, name: &str) -> u64 {
        let mut save = Command::new(docker::client())
            .args(["save", &self.reference(name)])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut gzip = Command::new("sh");
        gzip.args(["-c", "gzip -6 | wc -c"]).stdin(save.stdout.take().unwrap());
        let output = gzip.output().unwrap();
        assert!(save.wait().unwrap().success());
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// The longest of three runs of the program that only says its version: container and program, nothing else.
    #[must_use]
    pub fn start(&self, name: &str) -> Duration {
        let run_once = || {
            let begun = std::time::Instant::now();
            let reference = self.reference(name);
            let mut command = Command::new(docker::client());
            command.args([
                "run",
                "--rm",
                "--network",
                "none",
                "--read-only",
                "--cap-drop",
                "ALL",
                &reference,
            ]);
            let said = run(command.arg("--version"), b"");
            assert!(said.ok(), "{}", said.all());
            begun.elapsed()
        };
        (0..3).map(|_| run_once()).max().unwrap_or_default()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let format = "{{.Repository}}:{{.Tag}}";
        // By name: the same image may have another one, too.
        for name in
            docker::attempt(&["image", "ls", "--format", format, "--filter", &self.0.filter()]).out.lines()
        {
            let _ = docker::attempt(&["image", "rm", name]);
        }
        for name in OURS {
            let _ = fs::remove_file(self.0.bill(name));
        }
    }
}
