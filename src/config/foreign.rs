//! Files of another kind under our name: YAML, a Procfile, JSON.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::problems::shown;

const EXAMPLE: &str = "[services]\nweb = \"npm run dev\"";

/// What the whole text is, if it is not meant as TOML at all. Asked only about texts that TOML cannot read.
pub(super) fn recognise(text: &str) -> Option<Diagnostic> {
    let mut lines = Lines::of(text).peekable();
    let first = lines.peek().copied()?;
    if first.text.starts_with('{') {
        return Some(
            Diagnostic::error("not-toml", "this looks like JSON, not TOML")
                .at(first.start..first.start + 1, "JSON starts like this, TOML does not")
                .help(EXAMPLE),
        );
    }
    let (mut foreign, mut nested, mut own) = (0_usize, false, 0_usize);
    let mut command: Option<(Line<'_>, &str, &str)> = None;
    for line in lines {
        match colon(line.text) {
            _ if line.text.starts_with("- ") || line.text == "---" || line.text == "-" => {
                (foreign, nested) = (foreign + 1, true)
            }
            Some((name, value)) => {
                foreign += 1;
                nested |= value.is_empty() || line.indent > 0;
                if command.is_none() && !value.is_empty() {
                    command = Some((line, name, value));
                }
            }
            None if line.text.starts_with('[') || line.text.contains('=') => own += 1,
            None => {}
        }
    }
    if foreign == 0 || own >= foreign {
        return None;
    }
    let what = if nested { "YAML" } else { "a Procfile" };
    let problem = Diagnostic::error("not-toml", format!("this looks like {what}, not TOML"));
    Some(match command {
        Some((line, name, value)) if !nested => {
            problem.at(line.colon(name), LABEL).help(format!("[services]\n{}", entry(name, value)))
        }
        Some((line, name, _)) => problem.at(line.colon(name), LABEL).help(EXAMPLE),
        None => problem.at(first.start..first.start + first.text.len(), "not a line of TOML").help(EXAMPLE),
    })
}

/// A single line of another kind in a file that is TOML otherwise.
pub(super) fn line(text: &str, span: &Range<usize>) -> Option<Diagnostic> {
    let line = Lines::of(text).find(|line| line.start <= span.start && span.start <= line.start + line.text.len())?;
    let (name, value) = colon(line.text)?;
    Some(
        Diagnostic::error("not-toml", "this looks like a line of a Procfile or of YAML, not TOML")
            .at(line.colon(name), LABEL)
            .help(if value.is_empty() { EXAMPLE.to_owned() } else { entry(name, value) }),
    )
}

const LABEL: &str = "in TOML, write `=` between a name and its value";

fn entry(name: &str, value: &str) -> String {
    let value = value.trim_matches(['"', '\'']);
    format!("{name} = \"{}\"", shown(value).replace('\\', "\\\\").replace('"', "\\\""))
}

/// `name: value` with a plain name.
fn colon(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (plain && (value.is_empty() || value.starts_with([' ', '\t']))).then_some((name, value.trim()))
}

/// A line that is neither empty nor a comment.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// Its first byte that is not blank.
    start: usize,
    indent: usize,
    text: &'t str,
}

impl Line<'_> {
    fn colon(&self, name: &str) -> Range<usize> {
        self.start + name.len()..self.start + name.len() + 1
    }
}

struct Lines;

impl Lines {
    fn of(text: &str) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        let lines = text.split_inclusive('\n').map(move |line| {
            let trimmed = line.trim_start();
            let indent = line.len() - trimmed.len();
            let found = Line { start: start + indent, indent, text: trimmed.trim_end() };
            start += line.len();
            found
        });
        lines.filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
    }
}
