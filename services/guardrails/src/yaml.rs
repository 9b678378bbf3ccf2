//! YAML with line numbers, and only the part of it that a configuration needs.
//!
//! Anchors, aliases, tags, merge keys, duplicate keys, several documents and deep nesting are refused, so
//! that a small file can't become a large tree and nothing is said twice.

use granit_parser::{Event, Options, Parser, ScalarStyle};

use crate::config::shown;

/// Nodes of one file.
const MAX_NODES: usize = 20_000;
/// Mappings and sequences inside each other.
const MAX_DEPTH: usize = 32;

/// A value and the line that it starts at, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What YAML can say here.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// The text, and whether it stood without quotes.
    Scalar(String, bool),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key with its line, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// What is wrong, and in which line.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) line: usize,
    pub(crate) problem: String,
}

/// A mapping or sequence that is being read.
struct Open {
    line: usize,
    /// `None`: a sequence. `Some`: a mapping whose key this is, once it is read.
    key: Option<Option<(String, usize)>>,
    items: Vec<Node>,
    entries: Vec<Entry>,
}

/// Reads one document; `None` if the file holds none.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let mut options = Options::default();
    // Whatever another crate has turned on: a comment is no value.
    options.set_emit_comments(false);
    options.strict_indentation = true;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut nodes = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| error(e.marker().line(), format!("not YAML: {}", e.info())))?;
        let line = span.start.line().max(1);
        nodes += 1;
        if nodes > MAX_NODES || open.len() > MAX_DEPTH {
            return Err(error(line, format!("more than {MAX_NODES} values or {MAX_DEPTH} levels")));
        }
        let done = match event {
            Event::Alias(_) => return Err(error(line, "anchors and aliases are not allowed")),
            Event::Scalar(text, style, anchor, tag) => {
                plain(line, anchor, tag.is_some())?;
                let value = Value::Scalar(text.into_owned(), style == ScalarStyle::Plain);
                Some(Node { line, value })
            }
            Event::SequenceStart(_, anchor, tag) => {
                plain(line, anchor, tag.is_some())?;
                open.push(Open { line, key: None, items: Vec::new(), entries: Vec::new() });
                None
            }
            Event::MappingStart(_, anchor, tag) => {
                plain(line, anchor, tag.is_some())?;
                open.push(Open { line, key: Some(None), items: Vec::new(), entries: Vec::new() });
                None
            }
            Event::SequenceEnd => open.pop().map(|o| Node { line: o.line, value: Value::Sequence(o.items) }),
            Event::MappingEnd => open.pop().map(|o| Node { line: o.line, value: Value::Mapping(o.entries) }),
            Event::DocumentStart(..) if root.is_some() => return Err(error(line, "more than one document")),
            _ => None,
        };
        if let Some(node) = done {
            match open.last_mut() {
                None => root = Some(node),
                Some(parent) => add(parent, node)?,
            }
        }
    }
    Ok(root)
}

/// Adds a finished value to the mapping or sequence around it.
fn add(parent: &mut Open, node: Node) -> Result<(), YamlError> {
    let Some(key) = &mut parent.key else {
        parent.items.push(node);
        return Ok(());
    };
    let Some((key, line)) = key.take() else {
        let line = node.line;
        let Value::Scalar(name, _) = node.value else { return Err(error(line, "a key is not a text")) };
        if let Some(first) = parent.entries.iter().find(|e| e.key == name) {
            return Err(error(line, format!("key {} is already in line {}", shown(&name), first.line)));
        }
        *key = Some((name, line));
        return Ok(());
    };
    parent.entries.push(Entry { key, line, node });
    Ok(())
}

fn plain(line: usize, anchor: usize, tagged: bool) -> Result<(), YamlError> {
    if anchor > 0 {
        return Err(error(line, "anchors and aliases are not allowed"));
    }
    if tagged {
        return Err(error(line, "tags are not allowed"));
    }
    Ok(())
}

fn error(line: usize, problem: impl Into<String>) -> YamlError {
    YamlError { line: line.max(1), problem: problem.into() }
}
