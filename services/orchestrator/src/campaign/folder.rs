//! The campaign folder on the client's disk; the subscriber list is only ever streamed.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};

use super::{Campaign, CampaignId, Fault, GUARDRAILS_FILES, GuardrailsFile, TEXT_LIMIT};

/// A campaign folder that was read and found good, as far as a client can tell.
pub(crate) struct Folder {
    /// campaign.yaml, word for word.
    pub(crate) yaml: String,
    pub(crate) campaign: Campaign,
    pub(crate) subscribers: PathBuf,
    /// Digest of everything in the folder: the same folder is the same campaign.
    pub(crate) id: CampaignId,
}

impl Folder {
    /// Reads everything but the subscriber list, which is only digested.
    ///
    /// # Errors
    /// The first fault, in one sentence.
    pub(crate) fn read(dir: &Path) -> Result<Self, Fault> {
        let yaml = text(&dir.join("campaign.yaml"))?;
        let brand = text(&dir.join("brand.md"))?;
        let mut guardrails = Vec::new();
        walk(&dir.join("guardrails"), "", &mut guardrails)?;
        let campaign = Campaign::new(&yaml, brand, guardrails)?;
        let subscribers = dir.join("subscribers.csv");
        let id = digest(&yaml, &campaign, &subscribers)?;
        Ok(Self { yaml, campaign, subscribers, id })
    }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Fault {
    Fault::new(format!("cannot read {}: {why}", path.display()))
}

fn text(path: &Path) -> Result<String, Fault> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, error))?;
    let mut bytes = Vec::new();
    file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(unreadable(path, format_args!("it is longer than {TEXT_LIMIT} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable(path, "it is not UTF-8"))
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<GuardrailsFile>) -> Result<(), Fault> {
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, error))? {
        let entry = entry.map_err(|error| unreadable(dir, error))?;
        let path = entry.path();
        let name = entry.file_name().into_string().map_err(|_| unreadable(&path, "its name is not UTF-8"))?;
        // Editors and file managers leave hidden files; none is part of a configuration.
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => walk(&path, &format!("{prefix}{name}/"), files)?,
            (_, true) => {
                files.push(GuardrailsFile { path: format!("{prefix}{name}"), content: text(&path)? })
            }
            _ => return Err(unreadable(&path, "it is neither a file nor a folder")),
        }
        if files.len() > GUARDRAILS_FILES {
            return Err(Fault::new(format!("{} has more than {GUARDRAILS_FILES} files", dir.display())));
        }
    }
    Ok(())
}

fn digest(yaml: &str, campaign: &Campaign, subscribers: &Path) -> Result<CampaignId, Fault> {
    use std::io::Read as _;
    let mut digest = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(b"maily campaign folder 1");
    part(yaml.as_bytes());
    part(campaign.brand.as_bytes());
    for file in &campaign.guardrails {
        part(file.path.as_bytes());
        part(file.content.as_bytes());
    }
    let mut file = std::fs::File::open(subscribers).map_err(|error| unreadable(subscribers, error))?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        let read = file.read(&mut buffer).map_err(|error| unreadable(subscribers, error))?;
        if read == 0 {
            return Ok(CampaignId::of_digest(digest.finish().as_ref()));
        }
        digest.update(buffer.get(..read).unwrap_or(&buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::settings::tests::GOOD, *};

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("campaign.yaml"), GOOD).unwrap();
        std::fs::write(dir.path().join("brand.md"), "Calm and kind.").unwrap();
        std::fs::write(dir.path().join("subscribers.csv"), "id,email\n").unwrap();
        std::fs::create_dir_all(dir.path().join("guardrails/rails")).unwrap();
        std::fs::write(dir.path().join("guardrails/config.yml"), "rails: {}").unwrap();
        std::fs::write(dir.path().join("guardrails/rails/a.co"), "# nothing").unwrap();
        std::fs::write(dir.path().join("guardrails/.swp"), [0xff]).unwrap();
        dir
    }

    #[test]
    fn the_same_folder_is_the_same_campaign() {
        let dir = folder();
        let first = Folder::read(dir.path()).unwrap();
        assert_eq!(first.campaign.guardrails.len(), 2);
        assert_eq!(first.id, Folder::read(folder().path()).unwrap().id);
        std::fs::write(dir.path().join("subscribers.csv"), "id,email\n1").unwrap();
        assert_ne!(first.id, Folder::read(dir.path()).unwrap().id);
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in ["campaign.yaml", "brand.md", "subscribers.csv", "guardrails/config.yml"] {
            let dir = folder();
            std::fs::remove_file(dir.path().join(name)).unwrap();
            let said = Folder::read(dir.path()).err().unwrap().0;
            assert!(said.contains(name.trim_start_matches("guardrails/")), "{said}");
        }
        let dir = folder();
        std::fs::write(dir.path().join("brand.md"), [0xff]).unwrap();
        assert!(Folder::read(dir.path()).err().unwrap().0.ends_with("it is not UTF-8"));
        std::fs::write(dir.path().join("brand.md"), "Calm.\u{e0041}\u{e0042}").unwrap();
        assert!(
            Folder::read(dir.path()).err().unwrap().0.ends_with("holds tag characters, which nobody sees")
        );
    }
}
