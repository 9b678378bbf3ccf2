//! Terraform modules read as text: their variables, their outputs, and what a contract compares.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hcl_edit::{
    expr::{Expression, FuncCall, Object, ObjectKey},
    structure::{Block, Body},
};

use crate::shell::Result;

/// A module: one folder of `.tf` files.
pub(crate) struct Module {
    blocks: Vec<Block>,
}

/// One input.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) kind: Option<Expression>,
    pub(crate) default: Option<Expression>,
    pub(crate) description: Option<String>,
    pub(crate) validated: bool,
}

/// One output.
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

impl Module {
    /// Reads every `.tf` file of the folder, in order of their names.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let mut blocks = Vec::new();
        for file in files(dir, ".tf")? {
            blocks.extend(body(&file)?.into_blocks());
        }
        Ok(Self { blocks })
    }

    /// The blocks of a kind, such as `variable`.
    pub(crate) fn blocks<'a>(&'a self, ident: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| block.has_ident(ident))
    }

    pub(crate) fn all_blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(crate) fn variables(&self) -> Vec<Variable> {
        let variable = |block: &Block| Variable {
            name: label(block),
            kind: value(&block.body, "type").cloned(),
            default: value(&block.body, "default").cloned(),
            description: string(&block.body, "description"),
            validated: block.body.has_blocks("validation"),
        };
        sorted(self.blocks("variable").map(variable).collect(), |variable| &variable.name)
    }

    pub(crate) fn outputs(&self) -> Vec<Output> {
        let output =
            |block: &Block| Output { name: label(block), description: string(&block.body, "description") };
        sorted(self.blocks("output").map(output).collect(), |output| &output.name)
    }
}

fn sorted<T>(mut items: Vec<T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    items.sort_by(|a, b| name(a).cmp(name(b)));
    items
}

/// The files of a folder whose names end so, sorted.
pub(crate) fn files(dir: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    Ok(files)
}

/// Parses one file.
pub(crate) fn body(file: &Path) -> Result<Body> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.parse().map_err(|error| format!("{}: {error}", file.display()))
}

/// A block's first label.
pub(crate) fn label(block: &Block) -> String {
    block.labels.first().map(|label| label.as_str().to_owned()).unwrap_or_default()
}

/// An attribute's expression.
pub(crate) fn value<'a>(body: &'a Body, key: &str) -> Option<&'a Expression> {
    body.get_attribute(key).map(|attribute| &attribute.value)
}

fn string(body: &Body, key: &str) -> Option<String> {
    value(body, key).and_then(Expression::as_str).map(ToOwned::to_owned)
}

/// An expression on one line, without comments: the same text for the same meaning, whatever its layout.
pub(crate) fn text(expression: &Expression) -> String {
    match expression {
        Expression::FuncCall(call) => function(call),
        Expression::Object(object) => pairs(object, false),
        Expression::Array(array) => format!("[{}]", joined(array.iter())),
        other => one_line(&other.to_string()),
    }
}

fn function(call: &FuncCall) -> String {
    format!("{}({})", call.name.name.as_str(), joined(call.args.iter()))
}

fn joined<'a>(expressions: impl Iterator<Item = &'a Expression>) -> String {
    expressions.map(text).collect::<Vec<_>>().join(", ")
}

/// A type, its attributes sorted: two types with one meaning have one text.
pub(crate) fn type_text(expression: &Expression) -> String {
    match expression {
        Expression::Object(object) => pairs(object, true),
        Expression::FuncCall(call) => {
            let inner: Vec<_> = call.args.iter().map(type_text).collect();
            format!("{}({})", call.name.name.as_str(), inner.join(", "))
        }
        other => text(other),
    }
}

fn pairs(object: &Object, sort: bool) -> String {
    let mut pairs: Vec<_> = object
        .iter()
        .map(|(key, value)| {
            let key = match key {
                ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                ObjectKey::Expression(expression) => text(expression),
            };
            let value = if sort { type_text(value.expr()) } else { text(value.expr()) };
            format!("{key} = {value}")
        })
        .collect();
    if sort {
        pairs.sort();
    }
    match pairs.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", pairs.join(", ")),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Expression {
        text.parse().expect("HCL")
    }

    #[test]
    fn a_type_has_one_text_whatever_its_layout() {
        let one = parsed("map(object({\n  b = optional(number, 3) # why\n  a = list(string)\n}))");
        let other = parsed("map(object({ a = list(string), b = optional(number, 3) }))");
        assert_eq!(type_text(&one), type_text(&other));
        assert_eq!(type_text(&one), "map(object({ a = list(string), b = optional(number, 3) }))");
        assert_ne!(type_text(&one), type_text(&parsed("map(object({ a = list(string), b = number }))")));
    }

    #[test]
    fn a_default_stays_as_it_is_written() {
        assert_eq!(text(&parsed("{ b = 1, a = [\"x\",\n true] }")), "{ b = 1, a = [\"x\", true] }");
        assert_eq!(text(&parsed("null")), "null");
        assert_eq!(text(&parsed("{}")), "{}");
    }
}
