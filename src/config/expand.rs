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

pub(super) use crate::domain::{Dollars, is_variable_name as is_name};
use crate::domain::{GroupValues, Piece, pieces};

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
