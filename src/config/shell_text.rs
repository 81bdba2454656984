//! Where the text of a command counts on devgroup to put values in, as it did once. All dollars of a text are the shell's.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::draft::Draft;
use super::env_file;
use super::expand::is_name;
use super::group::Named;
use super::problems::Problems;
use crate::domain::{Kind, WorkerSpec, count};

/// A piece of a text that the shell reads differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'t> {
    /// `$${` or `$$NAME`, once a dollar of its own: for the shell `$$` is the number of its process.
    Dollars(&'t str),
    /// `${NAME}` in single quotes, where the shell puts nothing in.
    Quoted(&'t str),
}

impl<'t> Piece<'t> {
    fn text(self) -> &'t str {
        match self {
            Self::Dollars(text) | Self::Quoted(text) => text,
        }
    }
}

/// Warns once for the file, at the first place.
pub(super) fn check(services: &[Named], all: &str, problems: &mut Problems) {
    let mut found: Vec<(Range<usize>, Piece<'_>)> = Vec::new();
    for service in services {
        for (text, span) in service.draft.shell_texts() {
            for piece in pieces(text, &|name| is_own(&service.draft, name)) {
                let written = all.get(span.clone()).unwrap_or_default();
                let at = written.find(piece.text()).map(|at| span.start + at..span.start + at + piece.text().len());
                let at = at.unwrap_or_else(|| span.clone());
                // What `[defaults]` say is there for each service.
                if !found.iter().any(|(other, _)| *other == at) {
                    found.push((at, piece));
                }
            }
        }
    }
    found.sort_by_key(|(at, _)| at.start);
    let Some((at, piece)) = found.first().cloned() else { return };
    let (message, help) = match piece {
        Piece::Dollars(_) => (
            "the shell reads `$$` in a command as its own pid".to_owned(),
            "write `$` before a shell variable, and `\\$` for a plain dollar".to_owned(),
        ),
        Piece::Quoted(text) => (
            format!("`{text}` stays as it is: the shell expands nothing between single quotes"),
            format!(
                "use double quotes\nor write the command as a list, in which devgroup expands it: \
                 [\"program\", \"{text}\"]"
            ),
        ),
    };
    let label = match found.len() - 1 {
        0 => String::from("here"),
        more => format!("here and in {}", count(more, "more place")),
    };
    problems.add(Diagnostic::warning("shell-text", message).at(at, label).help(help));
}

/// Whether the service gets the variable by the file, so that it was surely put in.
fn is_own(draft: &Draft, name: &str) -> bool {
    let files = draft.env_files.iter().flat_map(|files| files.get_ref());
    draft.env.iter().any(|(own, _)| own == name)
        || draft.kind() == Kind::Worker && WorkerSpec::VARIABLES.contains(&name)
        || files
            .filter_map(|file| env_file::read(env_file::in_use(file)).ok()?)
            .flatten()
            .any(|entry| entry.name == name)
}

/// What the shell reads differently. `is_own`: whether the service gets a variable of this name by the file.
fn pieces<'t>(text: &'t str, is_own: &dyn Fn(&str) -> bool) -> Vec<Piece<'t>> {
    let mut found = Vec::new();
    let mut quote: Option<char> = None;
    // Another shell reads what stands between these quotes.
    let mut for_shell = false;
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        let from = text.get(at..).unwrap_or_default();
        match (quote, c) {
            (None | Some('"'), '\\') => drop(rest.next()),
            (None, '\'' | '"') => {
                quote = Some(c);
                for_shell = c == '\'' && ends_with_a_shell(text.get(..at).unwrap_or_default());
            }
            (Some(open), _) if c == open => quote = None,
            (_, '$') if from.starts_with("$$") => {
                rest.next();
                found.extend(dollars(from).map(Piece::Dollars));
            }
            (Some('\''), '$') if !for_shell => found.extend(braces(from, is_own).map(Piece::Quoted)),
            _ => {}
        }
    }
    found
}

/// `$$` before what it once kept from devgroup: a brace, a name, another `$$`.
fn dollars(from: &str) -> Option<&str> {
    let after = from.get(2..)?.chars().next()?;
    let kept = after == '{' || after == '$' || after == '_' || after.is_ascii_alphabetic();
    kept.then(|| from.get(..2 + after.len_utf8())).flatten()
}

/// `${NAME}` or `${NAME:-default}` that was surely put in.
fn braces<'t>(from: &'t str, is_own: &dyn Fn(&str) -> bool) -> Option<&'t str> {
    let (inside, _) = from.strip_prefix("${")?.split_once('}')?;
    let (name, has_default) = inside.split_once(":-").map_or((inside, false), |(name, _)| (name, true));
    (is_name(name) && (has_default || is_own(name))).then(|| from.get(..inside.len() + 3)).flatten()
}

/// `sh -c`, `bash -lc`, `eval`, `trap`.
pub(super) fn ends_with_a_shell(before: &str) -> bool {
    let mut words = before.split_whitespace().map(|word| word.trim_matches(['"', '\''])).rev();
    match words.next() {
        Some("eval" | "trap") => true,
        Some(option) if option.starts_with('-') && option.ends_with('c') => {
            words.find(|word| !word.starts_with('-')).is_some_and(|word| word.ends_with("sh"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_shell_reads_differently_is_found_and_nothing_else() {
        let found = |text: &'static str| {
            let pieces = pieces(text, &|name| name == "OWN");
            pieces.into_iter().map(Piece::text).collect::<Vec<_>>()
        };
        for same in [
            "serve ${OWN} \"${OWN:-x}\" $OWN",
            "echo $$ > pid; kill -9 $$",
            "for f in a b; do echo ${f:-none} ${f%.*}; done",
            "echo '$OWN ${f} ${f%.*}' \"it's ${OWN:-x}\" \\'${OWN}\\'",
            "sh -c 'echo ${OWN:-x}'; bash -lc 'exec ${OWN}'; docker exec db sh -e -c '${OWN}'; trap 'rm ${OWN}' EXIT",
            "'bash' '-c' 'exec ${OWN:-x}'",
            "perl -e 'print ${x}'",
        ] {
            assert!(found(same).is_empty(), "{same}: {:?}", found(same));
        }
        assert_eq!(found("echo $${OWN} $$HOME $$$$"), ["$${", "$$H", "$$$"]);
        assert_eq!(found("psql -c 'select ${OWN}' -v '${N:-1}'"), ["${OWN}", "${N:-1}"]);
    }
}
