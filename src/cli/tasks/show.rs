//! `devgroup task show`: a task with its tries, its result and its output.

use std::io;
use std::time::SystemTime;

use serde::Serialize;

use super::super::exit_code::Failure;
use super::super::json::line as json_line;
use super::super::print;
use super::arguments::ShowArguments;
use super::letter_orders;
use super::list::reason;
use super::row::RowReport;
use super::store;
use super::workers::Workers;
use crate::control;
use crate::display::{self, OutputStyle};
use crate::domain::{TaskDetails, approx, count, framed, in_ascii, visible};

/// Columns from one stop of the tabulator to the next.
const TAB: usize = 8;

/// A task for programs.
#[derive(Serialize)]
pub(super) struct Report<'t> {
    version: u32,
    #[serde(flatten)]
    row: RowReport<'t>,
    texts: Vec<Text<'t>>,
}

/// A text that belongs to it: its file, its result, its output.
#[derive(Serialize)]
struct Text<'t> {
    title: &'t str,
    text: &'t str,
}

/// Shows it. The result is the exit code.
pub(super) fn run(arguments: &ShowArguments, workers: &Workers) -> Result<u8, Failure> {
    let (worker, id) = (arguments.worker.as_deref(), &arguments.id);
    let details = match store::the_one(workers, worker, id) {
        Ok((_, details)) => details,
        Err(failure @ Failure::Unknown { .. }) => match letter_orders::find(workers, worker, id)? {
            Some((_, letter)) => letter.details,
            None => worker.is_none().then(|| store::for_no_worker(workers, id)).flatten().ok_or(failure)?,
        },
        Err(failure) => return Err(failure),
    };
    print(&match arguments.json {
        true => json_line(&report(&details))?,
        false => text(&details, OutputStyle::of(&io::stdout()), super::now()),
    })?;
    Ok(0)
}

pub(super) fn report(details: &TaskDetails) -> Report<'_> {
    let texts = details.texts.iter().map(|text| Text { title: text.title, text: &text.text });
    Report { version: control::VERSION, row: RowReport::of(&details.row), texts: texts.collect() }
}

pub(super) fn text(details: &TaskDetails, style: OutputStyle, now: SystemTime) -> String {
    let row = &details.row;
    let mut head = vec![row.id.to_string(), row.worker.to_string(), row.state.word().to_owned()];
    if row.tries > 0 {
        head.push(count(row.tries, "try"));
    }
    if let Some(age) = row.since.and_then(|since| now.duration_since(since).ok()) {
        head.push(format!("{} ago", approx(age)));
    }
    if let Some(batch) = &row.batch {
        head.push(format!("batch {batch}"));
    }
    let mut out = visible(&head.join(" · ")).into_owned() + "\n";
    let reason = reason(row, now);
    if !reason.is_empty() {
        out += &format!("{}\n", visible(&reason));
    }
    for text in &details.texts {
        out += &format!("\n{}\n", framed(text.title));
        out += &plain(&text.text);
        if !text.text.is_empty() && !text.text.ends_with('\n') {
            out.push('\n');
        }
    }
    if style.unicode { out } else { in_ascii(&out) }
}

/// Output as text that a terminal does not obey: tabulators become blanks, all else that would lead astray an escape.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let mut column = 0;
        for (index, part) in line.strip_suffix('\r').unwrap_or(line).split('\t').enumerate() {
            if index > 0 {
                let gap = TAB - column % TAB;
                out.extend(std::iter::repeat_n(' ', gap));
                column += gap;
            }
            let part = visible(part);
            column += display::width(&part);
            out.push_str(&part);
        }
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{DeadReason, ServiceName, TaskRow, TaskState, TaskText};
    use crate::logs::StyleSupport;

    fn details() -> TaskDetails {
        let row = TaskRow {
            id: "t-1".into(),
            worker: ServiceName::new("marie"),
            state: TaskState::Dead(DeadReason::MaxRetriesExceeded),
            priority: None,
            tries: 4,
            since: Some(SystemTime::UNIX_EPOCH),
            reason: "exit 1".into(),
            batch: Some("b-7".into()),
        };
        let texts = vec![
            TaskText { title: "task", text: "{\"a\": 1}".into() },
            TaskText { title: "stdout", text: "a\tb\r\n\u{1b}[31mred\u{202e}\n".into() },
            TaskText { title: "stderr", text: "".into() },
        ];
        TaskDetails { row, texts }
    }

    #[test]
    fn a_task_is_shown_with_its_output_which_no_terminal_obeys() {
        let style =
            OutputStyle { links: false, color: true, styles: StyleSupport::FULL, unicode: true, columns: Some(80) };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(180);
        let expected = "\
t-1 · marie · dead · 4 tries · 3m ago · batch b-7
max_retries_exceeded: exit 1

── task ──
{\"a\": 1}

── stdout ──
a       b
\\u{1b}[31mred\\u{202e}

── stderr ──
";
        assert_eq!(text(&details(), style, now), expected);
        let ascii = text(&details(), OutputStyle { links: false, unicode: false, ..style }, now);
        assert!(ascii.is_ascii(), "{ascii}");
    }

    #[test]
    fn programs_get_the_true_texts() {
        let report = serde_json::to_value(report(&details())).unwrap();
        assert_eq!(report["task_id"], "t-1");
        assert_eq!(report["texts"][1]["title"], "stdout");
        assert_eq!(report["texts"][1]["text"], "a\tb\r\n\u{1b}[31mred\u{202e}\n");
    }
}
