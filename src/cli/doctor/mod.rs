//! `devgroup doctor`: looks at this machine, the file and the running group, and says what is not as it should be.

mod facts;
mod findings;

use std::fmt::Write;

use serde_json::json;

use super::arguments::Place;
use super::exit_code::Failure;
use super::json::line as json_line;
use super::print;
use crate::domain::visible;
use findings::{Finding, Level, findings};

/// Looks, and prints a line for each thing. The exit code is 1 if one fails.
pub(super) fn run(json: bool, place: &Place) -> Result<u8, Failure> {
    let found = findings(&facts::gather(place)?);
    let failed = found.iter().any(|finding| finding.level == Level::Fail);
    print(&if json { as_json(&found, !failed)? } else { as_text(&found) })?;
    Ok(u8::from(failed))
}

fn as_text(found: &[Finding]) -> String {
    let width = found.iter().map(|finding| finding.area.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Finding { level, area, message, remedy } in found {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:4}  {area:width$}  {}", level.word(), visible(message));
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "      {:width$}  help: {}", "", visible(remedy));
        }
    }
    text
}

fn as_json(found: &[Finding], ok: bool) -> Result<String, Failure> {
    let checks: Vec<_> = found
        .iter()
        .map(|Finding { level, area, message, remedy }| {
            json!({ "area": area, "level": level.word(), "message": message, "remedy": remedy })
        })
        .collect();
    json_line(&json!({ "version": 1, "ok": ok, "checks": checks }))
}
