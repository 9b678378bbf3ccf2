//! `rails.config.regex_detection.input` and `.output`.

use super::{LoadError, rails::Place, table::Field};
use crate::rails::regex::{Pattern, Patterns};

/// Patterns of one direction.
const MAX_PATTERNS: usize = 256;

pub(crate) fn read(field: &Field<'_>) -> Result<(Patterns, Place), LoadError> {
    let table = field.table(&["patterns", "case_insensitive"], &[])?;
    let case_insensitive = table.get("case_insensitive").map_or(Ok(false), |f| f.boolean())?;
    let mut patterns = Vec::new();
    for item in table.need("patterns")?.list(MAX_PATTERNS)? {
        let pattern = Pattern::new(&item.text()?, case_insensitive);
        patterns.push(pattern.map_err(|problem| item.error(format!("{}: {problem}", item.path)))?);
    }
    let patterns = Patterns::new(patterns);
    if patterns.is_empty() {
        return Err(field.error(format!("{}.patterns is empty", field.path)));
    }
    Ok((patterns, (field.file.to_owned(), field.line)))
}
