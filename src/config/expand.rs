//! `${NAME}`, `${NAME:-default}` and `$$` where devgroup puts values in: lists, `env`, environment files, `dir`, `url`,
//! `ready` and `alive`.
//!
//! - `${NAME}` is the value of a variable; `${NAME:-default}` also has a value if the variable is missing or empty.
//!   The default may hold variables itself.
//! - `${services.api.port}` and `${worktree}` are what the group says (see `references`): they are put in before a start.
//! - `$$` is a dollar. A dollar before anything else is itself.
//! - What else `${…}` can be is the shell's own (`${#name}`, `${name%.*}`), and an error here.
//!
//! In `ready.log` only `${` is ours, because `$` is the end of a line there: `$${` is `${`, every other dollar is itself. In a
//! regular expression a value stands for its own letters; a default is part of the expression.
//!
//! The text of a command is not touched: all of its dollars are the shell's, which has the same variables.

use std::ffi::{OsStr, OsString};

use crate::domain::GroupValues;

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// A variable without a value and without a default.
    #[error("the variable `{0}` is not set; give it a default with `${{{0}:-value}}`")]
    Unset(String),
    /// `${` without its end, or with something in it that is not a name.
    #[error("`{0}` is neither `${{NAME}}` nor `${{NAME:-default}}`")]
    Malformed(String),
}

/// Whose the dollars of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dollars {
    /// Ours: `$$` is one.
    Ours,
    /// Those of a pattern, but for `${` and `$${`.
    OfPattern,
}

/// Puts in the values that `lookup` knows.
pub(super) fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<OsString, ExpandError> {
    expand_by(text, Dollars::Ours, lookup)
}

/// The same, by these rules.
pub(super) fn expand_by(
    text: &str,
    dollars: Dollars,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<OsString, ExpandError> {
    let mut out = OsString::with_capacity(text.len());
    for piece in pieces(text, dollars) {
        match piece {
            Piece::Text(text) => out.push(text),
            Piece::Dollar => out.push("$"),
            Piece::Brace => out.push("${"),
            Piece::Variable { name, default } => {
                let value = lookup(name);
                match (value, default) {
                    (Some(value), None) => out.push(value),
                    (Some(value), Some(_)) if !value.is_empty() => out.push(value),
                    (_, Some(default)) => out.push(expand_by(default, dollars, lookup)?),
                    (None, None) => return Err(ExpandError::Unset(name.to_owned())),
                }
            }
            Piece::Foreign(source) => return Err(ExpandError::Malformed(shorten(source))),
        }
    }
    Ok(out)
}

/// The first `${…}` that [`expand`] would refuse whatever the variables are.
pub(super) fn malformed(text: &str) -> Option<ExpandError> {
    expand(text, &|_| Some(OsStr::new("x").to_owned())).err()
}

/// What a text is whatever the variables are; `None` if it holds one.
///
/// # Errors
/// It would be refused whatever the variables are.
pub(super) fn fixed(text: &str, dollars: Dollars) -> Result<Option<String>, ExpandError> {
    // A default is read only where there is no value.
    for lookup in [|_: &str| Some(OsString::from("x")), |_: &str| None] {
        match expand_by(text, dollars, &lookup) {
            Err(ExpandError::Unset(_)) | Ok(_) => {}
            Err(malformed) => return Err(malformed),
        }
    }
    if pieces(text, dollars).any(|piece| matches!(piece, Piece::Variable { .. })) {
        return Ok(None);
    }
    expand_by(text, dollars, &|_| None).map(|text| text.into_string().ok())
}

/// The names in a text that the group has the values of, also those in defaults.
pub(super) fn references(text: &str, dollars: Dollars) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in pieces(text, dollars) {
        if let Piece::Variable { name, default } = piece {
            found.extend(GroupValues::knows(name).then_some(name));
            found.extend(default.map(|default| references(default, dollars)).unwrap_or_default());
        }
    }
    found
}

/// The text with the values of the group in it; all else is as it was written.
pub(super) fn with_values(text: &str, dollars: Dollars, values: &GroupValues) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text, dollars) {
        match piece {
            Piece::Text(text) | Piece::Foreign(text) => out.push_str(text),
            Piece::Dollar => out.push_str("$$"),
            Piece::Brace => out.push_str("$${"),
            Piece::Variable { name, default } => match (values.get(name).filter(|_| GroupValues::knows(name)), default)
            {
                (Some(value), _) => out.push_str(&value),
                (None, Some(default)) => out += &format!("${{{name}:-{}}}", with_values(default, dollars, values)),
                (None, None) => out += &format!("${{{name}}}"),
            },
        }
    }
    out
}

fn shorten(source: &str) -> String {
    match source.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", source.get(..cut).unwrap_or(source)),
        None => source.to_owned(),
    }
}

enum Piece<'t> {
    Text(&'t str),
    Dollar,
    /// An escaped brace: the text is `${` itself.
    Brace,
    Variable {
        name: &'t str,
        default: Option<&'t str>,
    },
    Foreign(&'t str),
}

fn pieces(mut text: &str, dollars: Dollars) -> impl Iterator<Item = Piece<'_>> {
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
    let is_known = is_name(name) || name.starts_with(GroupValues::SERVICES);
    if is_known { Piece::Variable { name, default } } else { Piece::Foreign(source) }
}

/// A name of a variable that `${…}` can hold: letters, digits and underscores, not beginning with a digit (POSIX).
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, ExpandError> {
        let lookup = |name: &str| match name {
            "PORT" => Some(OsString::from("4000")),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        };
        expand(text, &lookup).map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn variables_defaults_and_dollars() {
        let cases = [
            ("http://localhost:${PORT}/x", "http://localhost:4000/x"),
            ("${PORT:-1}${NONE:-1}", "40001"),
            ("${EMPTY}|${EMPTY:-full}", "|full"),
            ("${NONE:-${PORT}/${EMPTY:-a}}", "4000/a"),
            ("${NONE:-}", ""),
            ("$$PORT $${PORT} $PORT 5$", "$PORT ${PORT} $PORT 5$"),
            ("größe ${PORT} 🦀$", "größe 4000 🦀$"),
        ];
        for (text, expanded) in cases {
            assert_eq!(with(text).as_deref(), Ok(expanded), "{text}");
        }
    }

    #[test]
    fn of_a_pattern_only_braces_are_ours() {
        let lookup = |name: &str| (name == "PORT").then(|| OsString::from("4000"));
        let cases = [
            ("done$", "done$"),
            ("$$|a$", "$$|a$"),
            ("on ${PORT}$", "on 4000$"),
            ("$${PORT} $$${PORT}", "${PORT} $${PORT}"),
            ("${NONE:-[0-9]+$}", "[0-9]+$"),
        ];
        for (text, expanded) in cases {
            assert_eq!(expand_by(text, Dollars::OfPattern, &lookup), Ok(expanded.into()), "{text}");
        }
        assert_eq!(fixed("done$", Dollars::OfPattern), Ok(Some("done$".into())));
        assert_eq!(fixed("a $$ ${PORT:-1}", Dollars::Ours), Ok(None));
        assert_eq!(fixed("a $$ 5$", Dollars::Ours), Ok(Some("a $ 5$".into())));
    }

    #[test]
    fn the_values_of_the_group_are_put_in_and_nothing_else() {
        let ports = [("services.api.port".to_owned(), 4000), ("services.web.ports.http".to_owned(), 4100)];
        let values = GroupValues { worktree: "feat".into(), ports: ports.into(), ..GroupValues::default() };
        let cases = [
            ("http://localhost:${services.api.port}/${HOST}", "http://localhost:4000/${HOST}"),
            ("shop_${worktree} $${worktree} $worktree $$", "shop_feat $${worktree} $worktree $$"),
            ("${URL:-http://x:${services.web.ports.http}}", "${URL:-http://x:4100}"),
            ("${services.none.port}", "${services.none.port}"),
        ];
        for (text, expected) in cases {
            assert_eq!(with_values(text, Dollars::Ours, &values), expected);
        }
        assert_eq!(with_values("$${worktree} ${worktree}$", Dollars::OfPattern, &values), "$${worktree} feat$");
        assert_eq!(
            references("${A:-${services.api.port}} ${worktree}", Dollars::Ours),
            ["services.api.port", "worktree"]
        );
    }

    #[test]
    fn what_nobody_knows_and_what_is_the_shells_is_refused() {
        for text in ["${f}", "${f%.*}", "${#f}", "${f:?no}", "${", "${f", "${}"] {
            assert!(with(text).is_err(), "{text}");
        }
        assert_eq!(with("${f}"), Err(ExpandError::Unset("f".into())));
        assert_eq!(fixed("${f:-${g%x}}", Dollars::Ours), Err(ExpandError::Malformed("${g%x}".into())));
        assert_eq!(malformed("${f}"), None);
        assert_eq!(malformed("a ${f-b} c"), Some(ExpandError::Malformed("${f-b}".into())));
    }
}
