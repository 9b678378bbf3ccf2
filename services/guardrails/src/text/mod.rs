//! Text analysis that several rails share: normal form, words and sentences, personal data, HTML.

pub(crate) mod hidden;
pub(crate) mod html;
pub(crate) mod lexicon;
pub(crate) mod normal;
pub(crate) mod pattern;
pub(crate) mod private;
pub(crate) mod tokens;
