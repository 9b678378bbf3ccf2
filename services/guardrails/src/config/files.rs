//! The files of a configuration: their limits, their names and their id.

use std::{fs, path::Path};

use super::LoadError;

/// Files of one configuration.
const MAX_FILES: usize = 64;
/// Bytes of one configuration.
const MAX_BYTES: usize = 1 << 20;
/// Folders inside each other.
const MAX_DEPTH: usize = 8;

/// One file of a configuration folder.
#[derive(Clone)]
pub struct File {
    /// Relative, with `/`: `config.yml`, `rails/blocked.co`.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// What a file is by its name, as NeMo sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Yaml,
    Colang,
    /// Something that NeMo does not read either.
    Text,
}

/// Reads a folder with everything in it.
///
/// # Errors
/// The folder can't be read, or exceeds 64 files or 1 MiB.
pub fn read_folder(folder: &Path) -> Result<Vec<File>, LoadError> {
    let mut files = Vec::new();
    let mut left = MAX_BYTES;
    walk(folder, "", 0, &mut files, &mut left)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<File>,
    left: &mut usize,
) -> Result<(), LoadError> {
    let here = if prefix.is_empty() { "." } else { prefix };
    let unreadable = |e: std::io::Error| LoadError::new(here, None, format!("can't be read: {}", e.kind()));
    if depth > MAX_DEPTH {
        return Err(LoadError::new(here, None, format!("more than {MAX_DEPTH} folders inside each other")));
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| LoadError::new(here, None, "a file name is not UTF-8"))?;
        let path = format!("{prefix}{name}");
        // Links are followed, as NeMo does; the depth bounds a loop.
        let kind = fs::metadata(entry.path()).map_err(unreadable)?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth + 1, files, left)?;
            continue;
        }
        if files.len() == MAX_FILES || kind.len() > *left as u64 {
            return Err(too_much());
        }
        let content = fs::read(entry.path()).map_err(unreadable)?;
        *left = left.checked_sub(content.len()).ok_or_else(too_much)?;
        files.push(File { path, content });
    }
    Ok(())
}

fn too_much() -> LoadError {
    LoadError::new(".", None, format!("more than {MAX_FILES} files or {MAX_BYTES} bytes"))
}

/// Checks the limits and names of the files, and answers them sorted by path with what each is.
pub(crate) fn sorted(files: &[File]) -> Result<Vec<(&File, &str, Kind)>, LoadError> {
    if files.len() > MAX_FILES || files.iter().map(|f| f.content.len()).sum::<usize>() > MAX_BYTES {
        return Err(too_much());
    }
    let mut out = Vec::new();
    for file in files {
        let kind = kind(&file.path)?;
        let text =
            std::str::from_utf8(&file.content).map_err(|_| LoadError::new(&file.path, None, "not UTF-8"))?;
        out.push((file, text, kind));
    }
    out.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    if let Some([twice, _]) = out.array_windows().find(|[file, next]| file.0.path == next.0.path) {
        return Err(LoadError::new(&twice.0.path, None, "the file is given twice"));
    }
    Ok(out)
}

fn kind(path: &str) -> Result<Kind, LoadError> {
    let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    let refuse = |problem: &str| Err(LoadError::new(&shown, None, problem));
    let bad = |part: &str| part.is_empty() || part == "." || part == "..";
    if path.len() > 200
        || path.contains(['\\', '\0'])
        || path.chars().any(char::is_control)
        || path.split('/').any(bad)
    {
        return refuse("not a relative path with `/`");
    }
    if path.split('/').next().is_some_and(|first| first.starts_with("kb")) {
        return refuse("knowledge bases are not run");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("yml" | "yaml") => Ok(Kind::Yaml),
        Some("co") => Ok(Kind::Colang),
        Some("md" | "txt") if !name.starts_with('.') => Ok(Kind::Text),
        Some("py") => refuse("Python actions are not run"),
        _ if name == ".railsignore" => refuse("it would switch files off; leave the files out instead"),
        _ => refuse("not a file of a configuration (*.yml, *.yaml, *.co, *.md, *.txt)"),
    }
}

/// Hexadecimal SHA-256 over the files sorted by path, each with its lengths, so that no two sets share one.
pub(crate) fn id(sorted: &[(&File, &str, Kind)]) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for (file, _, _) in sorted {
        for part in [file.path.as_bytes(), &file.content] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    hex::encode(digest.finish())
}
