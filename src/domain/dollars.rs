//! The pieces of a text in which devgroup puts values in: what is itself, and what stands between `${` and `}`.
//!
//! What the pieces mean is said where they are put in, in `config/expand.rs`. Those who hand a group over to other tools read
//! the same pieces.

use super::GroupValues;

/// Whose the dollars of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dollars {
    /// Ours: `$$` is one.
    Ours,
    /// Those of a pattern, but for `${` and `$${`.
    OfPattern,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// This text itself.
    Text(&'t str),
    /// A dollar.
    Dollar,
    /// An escaped brace: the text is `${` itself.
    Brace,
    /// `${NAME}`, or `${NAME:-default}`, whose default may hold such pieces itself.
    Variable {
        /// Its name.
        name: &'t str,
        /// What is taken where it has no value.
        default: Option<&'t str>,
    },
    /// A `${…}` that is neither.
    Foreign(&'t str),
}

/// The pieces of a text, in their order.
pub fn pieces(mut text: &str, dollars: Dollars) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (piece, length) = if dollars == Dollars::OfPattern && text.starts_with("$${") {
            (Piece::Brace, 3)
        } else if dollars == Dollars::Ours && text.starts_with("$$") {
            (Piece::Dollar, 2)
        } else if text.starts_with("${") {
            let end = closing_brace(text).unwrap_or(text.len());
            let source = text.get(..end).unwrap_or(text);
            (braces(source), source.len())
        } else {
            // At least one character; up to the next dollar.
            let end = text.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(text.len(), |(at, _)| at);
            (Piece::Text(text.get(..end).unwrap_or(text)), end)
        };
        text = text.get(length..).unwrap_or("");
        Some(piece)
    })
}

/// The end of the `${…}` that the text begins with, with those inside of it counted.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

fn braces(source: &str) -> Piece<'_> {
    let Some(inner) = source.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Piece::Foreign(source);
    };
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let is_known = is_variable_name(name) || name.starts_with(GroupValues::SERVICES);
    if is_known { Piece::Variable { name, default } } else { Piece::Foreign(source) }
}

/// A name of a variable that `${…}` can hold: letters, digits and underscores, not beginning with a digit (POSIX).
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
