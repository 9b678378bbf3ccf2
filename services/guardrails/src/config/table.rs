//! Strict reading of YAML mappings: every key is known, or refused with its line.

use std::fmt::Display;

use super::{
    error::{LoadError, suggestion},
    flows::shown,
};
use crate::yaml::{Entry, Node, Value};

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    pub(crate) file: &'a str,
    /// The key from the top: `rails.input.flows[2]`.
    pub(crate) path: String,
    /// The line of the key.
    pub(crate) line: usize,
    pub(crate) node: &'a Node,
}

/// A mapping with its place.
pub(crate) struct Table<'a> {
    pub(crate) file: &'a str,
    pub(crate) path: String,
    pub(crate) line: usize,
    entries: &'a [Entry],
}

impl<'a> Field<'a> {
    pub(crate) fn error(&self, problem: impl Into<String>) -> LoadError {
        LoadError::new(self.file, self.line, problem)
    }

    /// The machine's fault, not the file's.
    pub(crate) fn unavailable(&self, problem: impl Into<String>) -> LoadError {
        LoadError::unavailable(self.file, self.line, problem)
    }

    fn expected(&self, what: &str) -> LoadError {
        self.error(format!("{} must be {what}", self.path))
    }

    /// A text that is not empty.
    pub(crate) fn text(&self) -> Result<String, LoadError> {
        match &self.node.value {
            Value::Scalar(text, _) if !text.trim().is_empty() && !self.null() => Ok(text.clone()),
            _ => Err(self.expected("a text")),
        }
    }

    /// `true` or `false`, as PyYAML reads them but for `yes` and `on`.
    pub(crate) fn boolean(&self) -> Result<bool, LoadError> {
        match &self.node.value {
            Value::Scalar(text, true) if matches!(text.as_str(), "true" | "True" | "TRUE") => Ok(true),
            Value::Scalar(text, true) if matches!(text.as_str(), "false" | "False" | "FALSE") => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A number in a range.
    pub(crate) fn number<T>(&self, least: T, most: T) -> Result<T, LoadError>
    where
        T: std::str::FromStr + PartialOrd + Display + Copy,
    {
        let parsed = match &self.node.value {
            Value::Scalar(text, true) => text.parse::<T>().ok(),
            _ => None,
        };
        parsed
            .filter(|n| *n >= least && *n <= most)
            .ok_or_else(|| self.expected(&format!("a number from {least} to {most}")))
    }

    /// A list of at most `most` items.
    pub(crate) fn list(&self, most: usize) -> Result<Vec<Field<'a>>, LoadError> {
        let Value::Sequence(items) = &self.node.value else { return Err(self.expected("a list")) };
        if items.len() > most {
            return Err(self.error(format!("{} has more than {most} items", self.path)));
        }
        let item = |(i, node): (usize, &'a Node)| Field {
            file: self.file,
            path: format!("{}[{i}]", self.path),
            line: node.line,
            node,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A mapping with only these keys; each of `refused` is known to NeMo and not run here.
    pub(crate) fn table(&self, known: &[&str], refused: &[(&str, &str)]) -> Result<Table<'a>, LoadError> {
        let Value::Mapping(entries) = &self.node.value else { return Err(self.expected("a mapping")) };
        let table = Table { file: self.file, path: self.path.clone(), line: self.line, entries };
        for entry in entries {
            let path = table.path_of(&entry.key);
            if let Some((_, why)) = refused.iter().find(|(key, _)| *key == entry.key) {
                return Err(LoadError::new(self.file, entry.line, format!("key {path} is refused: {why}")));
            }
            if !known.contains(&entry.key.as_str()) {
                let prefix = table.path_of("");
                let near = suggestion(&entry.key, known.iter().copied(), &prefix);
                return Err(LoadError::new(
                    self.file,
                    entry.line,
                    format!("unknown key {}{near}", shown(&path)),
                ));
            }
        }
        Ok(table)
    }

    /// No value, or one of YAML's words for none.
    pub(crate) fn null(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Refuses anything but `false`.
    pub(crate) fn must_be_false(&self, why: &str) -> Result<(), LoadError> {
        if self.boolean()? {
            Err(self.error(format!("{} can only be false: {why}", self.path)))
        } else {
            Ok(())
        }
    }

    /// Refuses anything but an empty list.
    pub(crate) fn must_be_empty(&self, why: &str) -> Result<(), LoadError> {
        if self.list(64)?.is_empty() {
            Ok(())
        } else {
            Err(self.error(format!("{} can only be empty: {why}", self.path)))
        }
    }
}

impl<'a> Table<'a> {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key, if it has one.
    pub(crate) fn get(&self, key: &str) -> Option<Field<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Field { file: self.file, path: self.path_of(key), line: entry.line, node: &entry.node })
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &str) -> Result<Field<'a>, LoadError> {
        let missing = || LoadError::new(self.file, self.line, format!("{} is missing", self.path_of(key)));
        self.get(key).ok_or_else(missing)
    }

    /// Every entry, for keys that files share.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.entries.iter().map(|e| {
            (
                e.key.as_str(),
                Field { file: self.file, path: self.path_of(&e.key), line: e.line, node: &e.node },
            )
        })
    }
}
