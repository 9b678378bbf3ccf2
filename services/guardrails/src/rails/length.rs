//! `email check length`: limits in characters.

use super::Piece;
use crate::config::Limits;

/// Why the piece is too long or too short, if it is.
pub(crate) fn check(piece: Piece, text: &str, limits: &Limits) -> Option<String> {
    let n = text.trim().chars().count();
    let (least, most) = match piece {
        Piece::Subject => (limits.subject_min, limits.subject_max),
        Piece::Preheader => (0, limits.preheader_max),
        Piece::Body => (limits.body_min, limits.body_max),
    };
    if n > most {
        return Some(format!("it has {n} characters, at most {most} are allowed"));
    }
    (n < least).then(|| format!("it has {n} characters, at least {least} are needed"))
}
