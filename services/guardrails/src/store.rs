//! The configurations that are held: those of the configured folder by name, and those loaded by gRPC by id.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::config::{self, Config, LoadError};

/// Configurations in the folder.
const MAX_NAMED: usize = 256;

/// Holds configurations. Named ones stay; loaded ones go, least recently used first.
pub(crate) struct Store {
    named: BTreeMap<String, Arc<Config>>,
    loaded: Mutex<VecDeque<Arc<Config>>>,
    max: usize,
}

impl Store {
    /// Holds at most `max` loaded configurations beside the named ones.
    pub(crate) fn new(named: BTreeMap<String, Arc<Config>>, max: usize) -> Self {
        Self { named, loaded: Mutex::new(VecDeque::new()), max }
    }

    /// The configuration of this name in the folder.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Config>> {
        self.named.get(name).cloned()
    }

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// The configuration with this id, which becomes the most recently used one.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Config>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let at = loaded.iter().position(|config| config.id() == id)?;
        let config = loaded.remove(at)?;
        loaded.push_back(Arc::clone(&config));
        Some(config)
    }

    /// Adds a configuration; one with the same id has the same files.
    pub(crate) fn add(&self, config: Arc<Config>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|held| held.id() != config.id());
        if loaded.len() == self.max {
            loaded.pop_front();
        }
        loaded.push_back(config);
    }
}

/// Loads every configuration of a folder of folders; as in NeMo, names with a leading `.` or `_` and folders
/// without `config.yml` or `config.yaml` are not configurations.
///
/// # Errors
/// The first configuration that can't be loaded, with its name before the file's.
pub(crate) fn folder(folder: &Path) -> Result<BTreeMap<String, Arc<Config>>, String> {
    let unreadable = |e: std::io::Error| format!("service.configs can't be read: {}", e.kind());
    let mut named = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let name =
            entry.file_name().into_string().map_err(|_| "service.configs: a folder's name is not UTF-8")?;
        let config = ["config.yml", "config.yaml"].iter().any(|file| path.join(file).is_file());
        if name.starts_with(['.', '_']) || !config {
            continue;
        }
        let at = |error: LoadError| format!("service.configs: {name}/{error}");
        let config = config::read_folder(&path).and_then(|files| config::load(&files)).map_err(at)?;
        named.insert(name, Arc::new(config));
        if named.len() > MAX_NAMED {
            return Err(format!("service.configs: more than {MAX_NAMED} configurations"));
        }
    }
    Ok(named)
}
