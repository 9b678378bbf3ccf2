//! One body part: lines without a placeholder are encoded once, the others for each recipient.

use super::{FIRST_NAME, UNSUBSCRIBE_URL, qp};

/// How a value is made safe for the part it goes into.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Escape {
    Nothing,
    Html,
}

/// A part in its two forms, with and without a name.
pub(crate) struct Part {
    named: Vec<Block>,
    nameless: Vec<Block>,
    escape: Escape,
}

enum Block {
    /// Encoded lines.
    Fixed(Vec<u8>),
    /// The pieces of one line.
    Line(Vec<Piece>),
}

enum Piece {
    Text(String),
    Name,
    Url,
}

impl Part {
    pub(crate) fn new(named: &str, nameless: &str, escape: Escape) -> Self {
        Self { named: blocks(named), nameless: blocks(nameless), escape }
    }

    /// Appends the part with these values.
    pub(crate) fn merge(&self, name: &str, url: &str, out: &mut Vec<u8>) {
        let blocks = if name.is_empty() { &self.nameless } else { &self.named };
        let (name, url) = match self.escape {
            Escape::Nothing => (name.to_owned(), url.to_owned()),
            Escape::Html => (escape(name), escape(url)),
        };
        let mut line = Vec::with_capacity(256);
        for block in blocks {
            match block {
                Block::Fixed(bytes) => out.extend_from_slice(bytes),
                Block::Line(pieces) => {
                    line.clear();
                    for piece in pieces {
                        line.extend_from_slice(match piece {
                            Piece::Text(text) => text.as_bytes(),
                            Piece::Name => name.as_bytes(),
                            Piece::Url => url.as_bytes(),
                        });
                    }
                    qp::line(&line, out);
                }
            }
        }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in text.lines() {
        let pieces = pieces(line);
        match (pieces.as_slice(), blocks.last_mut()) {
            ([] | [Piece::Text(_)], Some(Block::Fixed(bytes))) => qp::line(line.as_bytes(), bytes),
            ([] | [Piece::Text(_)], _) => {
                let mut bytes = Vec::new();
                qp::line(line.as_bytes(), &mut bytes);
                blocks.push(Block::Fixed(bytes));
            }
            _ => blocks.push(Block::Line(pieces)),
        }
    }
    blocks
}

fn pieces(mut line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while !line.is_empty() {
        let next = [(FIRST_NAME, true), (UNSUBSCRIBE_URL, false)]
            .into_iter()
            .filter_map(|(mark, is_name)| line.split_once(mark).map(|around| (around, is_name)))
            .min_by_key(|((before, _), _)| before.len());
        let Some(((before, behind), is_name)) = next else {
            pieces.push(Piece::Text(line.to_owned()));
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(if is_name { Piece::Name } else { Piece::Url });
        line = behind;
    }
    pieces
}

/// Escapes text for HTML elements and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
