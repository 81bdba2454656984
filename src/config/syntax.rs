//! Text → tree with the place of every value; what TOML cannot read, in words that say what to write.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, position};
use super::foreign;

/// How the message about a list or a table without its end goes on.
const UNCLOSED: &str = " is not closed";

/// More errors of the parser are not looked at: it is a file of another kind, and each costs a walk through the text.
const ENOUGH: usize = 100;

/// The tree of a text, as far as it can be read, and what could not be.
pub(super) fn tree(text: &str) -> (DeTable<'_>, Vec<Diagnostic>) {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let tree = tree.into_inner();
    if errors.is_empty() {
        return (tree, Vec::new());
    }
    if let Some(problem) = foreign::recognise(text) {
        return (DeTable::new(), vec![problem]);
    }
    let mut errors: Vec<(Range<usize>, &str)> = errors
        .iter()
        .map(|error| (inside(text, error.span().unwrap_or(text.len()..text.len())), error.message()))
        .collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut problems = unclosed(text, &mut errors);
    let mut last_line = 0;
    for (span, message) in errors.into_iter().take(ENOUGH) {
        let line = position(text, span.start).0;
        // One slip of a line makes the parser stumble several times.
        if line != last_line {
            problems.push(problem(text, &tree, span, message));
        }
        last_line = line;
    }
    (tree, problems)
}

/// A list or a table without its end swallows the lines behind it: what the parser says about them is dropped, and the
/// first of those places is named.
fn unclosed(text: &str, errors: &mut Vec<(Range<usize>, &str)>) -> Vec<Diagnostic> {
    const INSIDE: [&str; 4] = ["array", "inline table", "key-value pair", "table element"];
    let Some((_, message)) = errors
        .iter()
        .find(|(_, message)| message.starts_with("unclosed array,") || message.starts_with("unclosed inline table"))
    else {
        return Vec::new();
    };
    let (what, end) = if message.contains("array") { ("list", "]") } else { ("table", "}") };
    let mut first =
        errors.iter().position(|(_, message)| INSIDE.iter().any(|part| message.contains(part))).unwrap_or(0);
    // The key that follows a list without its end is read as one more entry of it.
    let is_key = |(span, message): &(Range<usize>, &str)| {
        let behind = text.get(span.end..).unwrap_or_default();
        message.starts_with("string values must be quoted") && behind.trim_start_matches([' ', '\t']).starts_with('=')
    };
    while first > 0 && errors.get(first - 1).is_some_and(is_key) {
        first -= 1;
    }
    let at = errors.get(first).map(|(span, _)| span.clone()).unwrap_or_default();
    errors.truncate(first);
    vec![
        Diagnostic::error("syntax", format!("invalid TOML: a {what}{UNCLOSED}"))
            .at(at, format!("`{end}` is missing before this"))
            .help(format!("close a {what} with `{end}`, and separate its entries with commas")),
    ]
}

/// The lines, from 1, that hold a problem of the syntax: what else is wrong there is only its consequence. So are the lines
/// below a header that could not be read: nobody knows whose they are; and all lines below a list or a table without its
/// end, which swallows them.
pub(super) fn lines(text: &str, problems: &[Diagnostic]) -> Vec<usize> {
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let mut broken = Vec::new();
    for (problem, label) in problems.iter().flat_map(|problem| problem.labels.iter().map(move |label| (problem, label)))
    {
        let line = position(text, label.span.start).0;
        broken.push(line);
        if problem.message.ends_with(UNCLOSED) {
            broken.extend(line + 1..=text.lines().count());
        }
        let mut from = text.lines().skip(line.saturating_sub(1));
        if from.next().is_some_and(is_header) {
            let below = from.take_while(|line| !is_header(line)).count();
            broken.extend(line + 1..=line + below);
        }
    }
    broken
}

fn inside(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    start..span.end.clamp(start, text.len())
}

fn problem(text: &str, tree: &DeTable<'_>, span: Range<usize>, message: &str) -> Diagnostic {
    let here = text.get(span.clone()).unwrap_or("");
    if message == "duplicate key" {
        return duplicate(text, tree, span, here);
    }
    if let Some(problem) = foreign::line(text, &span) {
        return problem;
    }
    if message.starts_with("string values must be quoted") {
        return unquoted(span, here.trim());
    }
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    };
    let label = match expected {
        Some(one) if one.starts_with('`') && !one.contains(", ") => format!("{one} is missing here"),
        _ => "here".to_owned(),
    };
    let swallowed = if what.contains("missing comma") { swallowed_key(text, span.start) } else { None };
    let problem = Diagnostic::error("syntax", format!("invalid TOML: {what}")).at(span, label);
    if let Some((quote, begin)) = swallowed {
        return problem.help(format!("separate entries with commas; or is a `{quote}` missing after `{begin}`?"));
    }
    match advice(what) {
        Some(advice) => problem.help(advice),
        None => problem,
    }
}

/// The string that ends right before a place holds what looks like the next key, as one does that lacks its closing quote:
/// that quote, and what stands before the key.
fn swallowed_key(text: &str, place: usize) -> Option<(char, &str)> {
    let line = text.get(..place)?.rsplit('\n').next()?.trim_end();
    let quote = line.chars().next_back().filter(|last| matches!(last, '"' | '\''))?;
    let (_, string) = line.strip_suffix(quote)?.rsplit_once(quote)?;
    let (begin, behind) = string.split_once(',')?;
    let key = behind.split_once('=')?.0.trim();
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_key.then_some((quote, begin))
}

/// A value that is none of TOML's: mostly a text without quotes.
fn unquoted(span: Range<usize>, here: &str) -> Diagnostic {
    let problem = |message: &str, label: &str| Diagnostic::error("syntax", message).at(span.clone(), label);
    match here {
        "" => problem("invalid TOML: the value is missing", "nothing here")
            .help("write a value after `=`: \"text\", 1, true, [list] or { table }"),
        "yes" | "on" | "True" | "TRUE" => problem("invalid TOML: an unknown value", "`true`?"),
        "no" | "off" | "False" | "FALSE" => problem("invalid TOML: an unknown value", "`false`?"),
        _ if here.len() <= 60 && !here.contains(['"', '\\', '\n']) => {
            problem("invalid TOML: a string without quotes", "put strings in quotes").help(format!("\"{here}\""))
        }
        _ => problem("invalid TOML: a string without quotes", "put strings in quotes").help("web = \"npm run dev\""),
    }
}

/// What to do about a message of the parser.
fn advice(what: &str) -> Option<&'static str> {
    const ADVICE: [(&str, &str); 10] = [
        ("key with no value", "write lines like `name = value`, `[table]` or `# comment`"),
        (
            "invalid basic string",
            "close the string with `\"` on its line, or use \"\"\" for several lines; write a backslash as `\\\\`, or use 'a literal string'",
        ),
        ("invalid literal string", "close the string with `'` on its line"),
        ("max recursion depth", "no key takes lists nested this deep: is there an extra `[` or `{`?"),
        ("carriage return", "end lines with a newline (a carriage return may precede it)"),
        ("unclosed table", "start a table with `[services.name]`"),
        ("missing comma", "separate entries with commas"),
        ("missing escaped value", "write n, t, \" or \\ after a backslash; 'text as it is' needs no backslash"),
        ("unexpected", "write lines like `name = value`, `[table]` or `# comment`"),
        ("invalid unquoted key", "names of letters, digits, `-` and `_` need no quotes; others do: \"my.service\""),
    ];
    ADVICE.iter().find(|(part, _)| what.contains(part)).map(|(_, advice)| *advice)
}

/// Points at both places of a name that stands twice.
fn duplicate(text: &str, tree: &DeTable<'_>, span: Range<usize>, name: &str) -> Diagnostic {
    let line_start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("").trim();
    let is_table = line.starts_with('[');
    let first = if is_table { header_before(text, line, line_start) } else { key_before(tree, name, span.start) };
    let what = if is_table { "table" } else { "key" };
    let problem = Diagnostic::error("duplicate", format!("duplicate {what} `{}`", super::problems::shown(name)));
    let problem = match first {
        Some(first) => problem.at(span, "again here").at(first, "first here"),
        None => problem.at(span, "already defined above"),
    };
    problem.help(if is_table { "merge them, or rename one" } else { "keep one of them" })
}

/// An earlier line with the same header.
fn header_before(text: &str, header: &str, before: usize) -> Option<Range<usize>> {
    let bare =
        |line: &str| line.split('#').next().unwrap_or("").chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let wanted = bare(header);
    let mut start = 0;
    for line in text.get(..before)?.split_inclusive('\n') {
        if bare(line) == wanted {
            let indent = line.len() - line.trim_start().len();
            let shown = line.split('#').next().unwrap_or("").trim();
            return Some(start + indent..start + indent + shown.len());
        }
        start += line.len();
    }
    None
}

/// The last key of that name before a place, anywhere in the tree: the one that stands twice is not in it.
fn key_before(tree: &DeTable<'_>, name: &str, before: usize) -> Option<Range<usize>> {
    let name = name.trim_matches(['"', '\'']);
    let mut found: Option<Range<usize>> = None;
    let mut open = vec![tree];
    while let Some(table) = open.pop() {
        for (key, value) in table {
            let span = key.span();
            if key.get_ref() == name && span.end <= before && found.as_ref().is_none_or(|f| f.start < span.start) {
                found = Some(span);
            }
            if let DeValue::Table(below) = value.get_ref() {
                open.push(below);
            }
        }
    }
    found
}
