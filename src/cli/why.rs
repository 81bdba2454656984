//! `devgroup why`: which rule decides about a path, and whom a change would restart. The group need not run.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::WhyArguments;
use super::{Failure, print};
use crate::domain::{Explanation, GroupSpec, PathVerdict, Rule, StepOutcome, WhyStep};
use crate::tui::DashboardOptions;
use crate::watch::rules::Rules;

/// The exit code of `-q` if a path restarts nothing, as of `grep -q`.
const RESTARTS_NOTHING: u8 = 1;

/// Explains each path.
pub(super) fn run(spec: &GroupSpec, arguments: &WhyArguments) -> Result<u8, Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Unexpected(format!("the current folder cannot be read: {error}")))?;
    let mut rules = Rules::new(spec, &[]);
    let paths = paths(&arguments.paths)?;
    let explanations: Vec<_> = paths.iter().map(|path| rules.why(&here.join(path))).collect();
    if arguments.quiet {
        let all = explanations.iter().all(|explanation| explanation.verdict == PathVerdict::Watched);
        return Ok(if all { 0 } else { RESTARTS_NOTHING });
    }
    if arguments.json {
        let paths: Vec<_> = explanations.iter().map(json_of).collect();
        print(&format!("{:#}\n", json!({ "version": 1, "paths": paths })))?;
        return Ok(0);
    }
    let color = io::stdout().is_terminal() && DashboardOptions::from_environment().color;
    let blocks: Vec<_> = explanations.iter().map(|explanation| text_of(explanation, color)).collect();
    print(&blocks.join("\n")).map(|()| 0)
}

/// The paths that are meant; of `-`, the lines of stdin.
fn paths(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for path in named {
        if path == Path::new("-") {
            let mut text = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut text)
                .map_err(|error| Failure::Unexpected(format!("stdin cannot be read: {error}")))?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            paths.extend(lines.map(|line| PathBuf::from(OsString::from_vec(line.to_vec()))));
        } else if path.as_os_str().is_empty() {
            return Err(Failure::Usage("a path is empty".into()));
        } else {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

/// One block for a path: the verdict, the rule that decided, notes, and the whole chain.
fn text_of(explanation: &Explanation, color: bool) -> String {
    let paint = |code: &str, text: &str| {
        if color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let verdict = match explanation.verdict {
        PathVerdict::Watched => "32",
        PathVerdict::Ignored => "33",
        PathVerdict::NoMatch | PathVerdict::Outside => "2",
    };
    let mut text =
        format!("{}\n  {}\n", paint("1", &printable(&explanation.path)), paint(verdict, &explanation.summary("·")));
    if let Some(rule) = &explanation.rule {
        text += &format!("  rule   {}\n", printable(&explanation.place_of(rule)));
    }
    for note in &explanation.notes {
        text += &format!("  note   {}\n", printable(note));
    }
    let rows: Vec<_> = explanation.rows().collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths = [width(0).unwrap_or_default(), width(1).unwrap_or_default()];
    for (number, ([source, outcome, why], step)) in rows.iter().zip(&explanation.chain).enumerate() {
        let row =
            format!("  {:>2}  {}  {}  {}", number + 1, padded(source, widths[0]), padded(outcome, widths[1]), why);
        let style = match step.outcome {
            StepOutcome::Watches | StepOutcome::Ignores => "0",
            StepOutcome::Powerless | StepOutcome::NoMatch | StepOutcome::NotReached => "2",
        };
        text += &format!("{}\n", paint(style, printable(&row).trim_end()));
    }
    text
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().count())))
}

/// Names of files may hold what a terminal obeys.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn json_of(explanation: &Explanation) -> Value {
    let verdict = match explanation.verdict {
        PathVerdict::Watched => "watched",
        PathVerdict::Ignored => "ignored",
        PathVerdict::NoMatch => "no-match",
        PathVerdict::Outside => "outside",
    };
    let services: Vec<&str> = explanation.services.iter().map(|name| name.as_str()).collect();
    let rule = |rule: &Rule| {
        let mut shown = json!({ "file": explanation.file_of(rule), "pattern": &*rule.pattern });
        if let (Some(line), Some(fields)) = (rule.line, shown.as_object_mut()) {
            fields.insert("line".into(), line.into());
        }
        shown
    };
    let step = |step: &WhyStep| {
        let outcome = match step.outcome {
            StepOutcome::Watches => "watched",
            StepOutcome::Ignores => "ignored",
            StepOutcome::Powerless => "too-late",
            StepOutcome::NoMatch => "no-match",
            StepOutcome::NotReached => "not-reached",
        };
        json!({
            "source": &*step.source,
            "outcome": outcome,
            "rule": step.rule.as_ref().map(rule),
            "about": step.about.as_deref(),
        })
    };
    json!({
        "path": &*explanation.path,
        "verdict": verdict,
        "services": services,
        "rule": explanation.rule.as_ref().map(rule),
        "notes": explanation.notes,
        "chain": explanation.chain.iter().map(step).collect::<Vec<_>>(),
    })
}
