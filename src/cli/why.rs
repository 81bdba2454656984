//! `devgroup why`: which rule decides about a path, and whom a change would restart; and why a service is as it is. The
//! group need not run.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::arguments::{Place, WhyArguments};
use super::{Failure, client, print, why_service};
use crate::control::{Ask, Reply, Why};
use crate::display::{self, OutputStyle};
use crate::domain::{Scale, is_too_long, path_text, visible, visible_path};
use crate::watch::rules::Rules;

/// The exit code of `-q` if a path restarts nothing, as of `grep -q`.
const RESTARTS_NOTHING: u8 = 1;

/// How long a group may take to explain a path; then it is explained here.
const PATIENCE: Duration = Duration::from_secs(5);

/// So much of a path that is too long is shown.
const SHOWN: usize = 60;

/// Explains each path: by the rules of the group that runs here, as they are now, or else by those of the file.
pub(super) fn run(place: &Place, arguments: &WhyArguments) -> Result<u8, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("cannot read the current folder: {error}")))?;
    // What a script asks is about paths.
    let (services, named) = match arguments.quiet {
        true => (Vec::new(), arguments.paths.clone()),
        false => why_service::split(place, &here, &arguments.paths)?,
    };
    let paths: Vec<PathBuf> =
        paths(&named, if arguments.null { 0 } else { b'\n' })?.iter().map(|path| here.join(path)).collect();
    if let Some((path, problem)) = paths.iter().find_map(|path| Some((path, is_too_long(path)?))) {
        let begin: String = visible_path(path).chars().take(SHOWN).collect();
        return Err(Failure::Usage(format!("{begin}… is too long: {problem}")));
    }
    let explained = match paths.as_slice() {
        [] => Vec::new(),
        paths => by_group(place, paths).map_or_else(|| by_file(place, paths), Ok)?,
    };
    if arguments.quiet {
        let all = explained.iter().all(|why| why.line.verdict == "watched" && !why.line.services.is_empty());
        return Ok(if all { 0 } else { RESTARTS_NOTHING });
    }
    if arguments.json {
        let paths: Vec<_> = explained.iter().map(|why| &why.line).collect();
        print(&super::json::pretty(&json!({ "version": 1, "paths": paths, "services": services }))?)?;
        return Ok(0);
    }
    let color = OutputStyle::of(&io::stdout()).color;
    let services = services.iter().map(|service| service.text(color));
    let blocks: Vec<_> = services.chain(explained.iter().map(|why| text_of(why, color))).collect();
    print(&blocks.join("\n")).map(|()| 0)
}

/// Nothing if no group runs here, or it does not answer: the file says the same, if it has not been changed meanwhile.
fn by_group(place: &Place, paths: &[PathBuf]) -> Option<Vec<Why>> {
    let mut group = match client::find::group(place) {
        Ok(group) => group,
        Err(Failure::Client { error }) => {
            // Its rules may be others than those of the file by now.
            super::print_message(&format!("warning: {error}\n  note: the rules below are those in the file"));
            return None;
        }
        Err(_) => return None,
    };
    group.set_patience(PATIENCE).ok()?;
    let explain = |path: &PathBuf| {
        let bytes = path.to_str().is_none().then(|| path.as_os_str().as_bytes().to_vec());
        match group.ask(Ask::Why { path: path_text(path).into_owned(), bytes }) {
            Ok(Reply::Why(why)) => Some(*why),
            _ => None,
        }
    };
    paths.iter().map(explain).collect()
}

fn by_file(place: &Place, paths: &[PathBuf]) -> Result<Vec<Why>, Failure> {
    let loaded = super::file(place.config.as_deref())?.load().map_err(super::invalid)?;
    // As it is for a running group: each instance acts.
    let mut rules = Rules::new(&loaded.spec.with_instances(&Scale::new()), &[]);
    Ok(paths.iter().map(|path| Why::from(&rules.why(path))).collect())
}

/// The paths that are meant; of `-`, those on stdin, each with this byte at its end.
fn paths(named: &[PathBuf], end: u8) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for path in named {
        if path == Path::new("-") {
            let mut text = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut text)
                .map_err(|error| Failure::Unexpected(format!("cannot read stdin: {error}")))?;
            let found = text.split(|byte| *byte == end).filter(|path| !path.is_empty());
            paths.extend(found.map(|path| PathBuf::from(OsString::from_vec(path.to_vec()))));
        } else if path.as_os_str().is_empty() {
            return Err(Failure::Usage("empty path".into()));
        } else {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

/// One block for a path: the verdict, the rule that decided, notes, and the whole chain.
fn text_of(Why { line, words }: &Why, color: bool) -> String {
    let paint = |code: &str, text: &str| {
        if color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let verdict = match line.verdict.as_str() {
        "watched" => "32",
        "ignored" => "33",
        _ => "2",
    };
    let mut text = format!("{}\n  {}\n", paint("1", &visible(&line.path)), paint(verdict, &visible(&words.summary)));
    if let Some(rule) = &words.rule {
        text += &format!("  rule   {}\n", visible(rule));
    }
    for note in &line.notes {
        text += &format!("  note   {}\n", visible(note));
    }
    let width = |column: usize| {
        let cells = words.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| display::width(cell)).max().unwrap_or_default()
    };
    let widths = [width(0), width(1)];
    for (number, ([source, outcome, why], step)) in words.rows.iter().zip(&line.chain).enumerate() {
        let row =
            format!("  {:>2}  {}  {}  {}", number + 1, padded(source, widths[0]), padded(outcome, widths[1]), why);
        let style = if matches!(step.outcome.as_str(), "watched" | "ignored") { "0" } else { "2" };
        text += &format!("{}\n", paint(style, visible(&row).trim_end()));
    }
    text
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(display::width(text))))
}
