//! What the model is asked for, one piece at a time.

use super::Piece;

/// One request's worth of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Subject,
    Preheader,
    /// The sentence that tells the news.
    Opening,
    /// The sentence that says what is in it for the reader.
    Benefit,
    /// The sentence that invites.
    Invitation,
}

impl Ask {
    /// In the order in which they are written and read.
    pub(super) const ALL: [Self; 5] =
        [Self::Subject, Self::Preheader, Self::Opening, Self::Benefit, Self::Invitation];

    /// How many of them are lines of their own; the others make the body.
    pub(super) const LINES: usize = 2;

    /// What a reason calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::Opening => "opening sentence",
            Self::Benefit => "second sentence",
            Self::Invitation => "closing sentence",
        }
    }

    /// As what the rails judge it.
    pub(super) const fn piece(self) -> Piece {
        match self {
            Self::Subject => Piece::Subject,
            Self::Preheader => Piece::Preheader,
            _ => Piece::Body,
        }
    }

    /// Whether it is a line without a full stop, not a sentence of the body.
    pub(super) const fn is_line(self) -> bool {
        matches!(self, Self::Subject | Self::Preheader)
    }

    /// Fewest and most characters that are accepted.
    pub(super) const fn length(self) -> (usize, usize) {
        match self {
            Self::Subject => (10, 60),
            Self::Preheader => (14, 90),
            _ => (20, 220),
        }
    }

    /// Fewest and most characters that read well.
    pub(super) const fn good_length(self) -> (usize, usize) {
        match self {
            Self::Subject => (18, 48),
            Self::Preheader => (24, 64),
            Self::Opening => (28, 130),
            Self::Benefit => (34, 110),
            Self::Invitation => (28, 90),
        }
    }

    /// What ends an answer: a line is one sentence at most and loses its full stop.
    pub(super) const fn stop(self) -> &'static [&'static str] {
        if self.is_line() { &["\n", ". "] } else { &["\n"] }
    }

    /// A little more than the longest good answer takes.
    pub(super) const fn max_tokens(self) -> usize {
        match self {
            Self::Subject => 20,
            Self::Preheader => 24,
            _ => 44,
        }
    }
}
