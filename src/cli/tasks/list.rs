//! `devgroup task list`: a table that fits the terminal, and how many tasks there are of each state.

use std::fmt::Write;
use std::time::SystemTime;

use serde::Serialize;

use super::row::RowReport;
use crate::control;
use crate::display::{self, OutputStyle};
use crate::domain::{TaskRow, TaskState, TaskTable, approx, in_ascii, visible};

/// The last column is cut to fit, but never below this.
const LEAST_REASON: usize = 16;

/// The list for programs.
#[derive(Serialize)]
pub(super) struct ListReport<'t> {
    version: u32,
    counts: Counts,
    tasks: Vec<RowReport<'t>>,
    /// Tasks that were left off.
    left_off: usize,
    /// What lies in the folders and is never taken, for people.
    notes: &'t [String],
}

/// How many tasks there are of each state.
#[derive(Serialize)]
struct Counts {
    waiting: usize,
    blocked: usize,
    running: usize,
    retrying: usize,
    completed: usize,
    cancelled: usize,
    dead: usize,
}

/// The list as one value. `left_off`: how many more there are. `notes`: sentences below it.
pub(super) fn report<'t>(table: &'t TaskTable, left_off: usize, notes: &'t [String]) -> ListReport<'t> {
    let [waiting, blocked, running, retrying, completed, cancelled, dead] = table.counts;
    ListReport {
        version: control::VERSION,
        counts: Counts { waiting, blocked, running, retrying, completed, cancelled, dead },
        tasks: table.rows.iter().map(RowReport::of).collect(),
        left_off,
        notes,
    }
}

/// The list for people.
pub(super) fn text(
    table: &TaskTable,
    left_off: usize,
    notes: &[String],
    (style, now): (OutputStyle, SystemTime),
) -> String {
    let mut out = String::new();
    if !table.rows.is_empty() {
        let head = ["STATE", "ID", "WORKER", "TRIES", "AGE", "REASON"].map(str::to_owned);
        let rows = std::iter::once(head).chain(table.rows.iter().map(|row| cells(row, now)));
        put_table(&mut out, &rows.collect::<Vec<_>>(), style);
    }
    if left_off > 0 {
        let all = table.rows.len() + left_off;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "… and {left_off} more; `-n {all}` lists all");
    }
    let told = table.told();
    out.push_str(&if told.is_empty() { "no tasks".into() } else { told.join(" · ") });
    out.push('\n');
    notes.iter().for_each(|note| out += &format!("{note}\n"));
    if style.unicode { out } else { in_ascii(&out) }
}

fn put_table(out: &mut String, rows: &[[String; 6]], style: OutputStyle) {
    let width = |column: usize| rows.iter().map(|row| display::width(&row[column])).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let before: usize = widths.iter().map(|width| width + 2).sum();
    let rest = style.columns.map(|columns| usize::from(columns).saturating_sub(before).max(LEAST_REASON));
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += cell;
            line += &" ".repeat(width.saturating_sub(display::width(cell)) + 2);
        }
        line += &rest.map_or_else(|| row[5].clone(), |rest| display::cut_right(&row[5], rest, "…"));
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn cells(row: &TaskRow, now: SystemTime) -> [String; 6] {
    let age = row.since.and_then(|since| now.duration_since(since).ok());
    [
        row.state.word().to_owned(),
        visible(&row.id).into_owned(),
        row.worker.to_string(),
        if row.tries == 0 { "-".into() } else { row.tries.to_string() },
        age.map_or_else(|| "-".into(), approx),
        visible(&reason(row, now)).into_owned(),
    ]
}

/// Why the task is where it is, in a line.
pub(super) fn reason(row: &TaskRow, now: SystemTime) -> String {
    match &row.state {
        TaskState::Retrying { at: Some(at) } => {
            // Below a second, and where the breaker or the disk holds it up, nobody knows when.
            let left = at.duration_since(now).unwrap_or_default();
            let due = match left.as_secs() {
                0 => "next try is due".to_owned(),
                _ => format!("next try in {}", approx(left)),
            };
            if row.reason.is_empty() { due } else { format!("{} · {due}", row.reason) }
        }
        TaskState::Blocked(ids) if row.reason.is_empty() => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            format!("blocked on {}", ids.join(", "))
        }
        // The word comes first: `--reason` takes it.
        TaskState::Dead(of) if row.reason.is_empty() || *row.reason == of.word().replace('_', " ") => of.word().into(),
        TaskState::Dead(of) => format!("{}: {}", of.word(), row.reason),
        _ => row.reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{DeadReason, Priority, ServiceName, TaskId};
    use crate::logs::StyleSupport;

    fn row(id: &str, state: TaskState, tries: u32, reason: &str) -> TaskRow {
        TaskRow {
            id: id.into(),
            worker: ServiceName::new("marie"),
            state,
            priority: Some(Priority::High),
            tries,
            since: Some(SystemTime::UNIX_EPOCH),
            reason: reason.into(),
            batch: None,
        }
    }

    fn style(columns: Option<u16>, unicode: bool) -> OutputStyle {
        OutputStyle { links: false, color: false, styles: StyleSupport::FULL, unicode, columns }
    }

    fn table() -> TaskTable {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(49);
        let blocked = TaskState::Blocked(vec![TaskId::parse("a").unwrap()]);
        TaskTable {
            rows: vec![
                row("test-001", TaskState::Running, 1, ""),
                row("t-2", TaskState::Retrying { at: Some(at) }, 2, "exit 1"),
                row("t-3", blocked, 0, ""),
                row("x\u{202e}.raw", TaskState::Dead(DeadReason::InvalidJson), 0, "expected value at line 1 column 3"),
            ],
            counts: [0, 1, 1, 1, 0, 2, 93],
        }
    }

    #[test]
    fn a_list_says_where_each_task_is_and_how_many_there_are() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(45);
        let expected = "\
STATE     ID             WORKER  TRIES  AGE  REASON
running   test-001       marie   1      45s
retrying  t-2            marie   2      45s  exit 1 · next try in 4s
blocked   t-3            marie   -      45s  blocked on a
dead      x\\u{202e}.raw  marie   -      45s  invalid_json: expected value at line 1 column 3
… and 92 more; `-n 96` lists all
1 running · 1 retrying · 1 blocked · 93 dead · 2 cancelled
";
        assert_eq!(text(&table(), 92, &[], (style(None, true), now)), expected);
        let said = text(&TaskTable::default(), 0, &["a folder stays".into()], (style(None, true), now));
        assert_eq!(said, "no tasks\na folder stays\n");
    }

    #[test]
    fn a_try_whose_time_has_come_is_due_and_not_in_0s() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let said = |millis| reason(&row("a", TaskState::Retrying { at: Some(at(millis)) }, 1, "exit 1"), at(10_000));
        assert_eq!(said(11_000), "exit 1 · next try in 1s");
        for millis in [10_999, 10_000, 0] {
            assert_eq!(said(millis), "exit 1 · next try is due");
        }
    }

    #[test]
    fn a_list_fits_the_terminal() {
        let now = SystemTime::UNIX_EPOCH;
        let narrow = text(&table(), 0, &[], (style(Some(66), true), now));
        assert!(narrow.lines().all(|line| display::width(line) <= 66), "{narrow}");
        assert!(narrow.contains("  invalid_json: expect…\n"), "{narrow}");
        assert!(text(&table(), 0, &[], (style(Some(66), false), now)).is_ascii());
    }

    #[test]
    fn programs_get_the_true_values() {
        let report = serde_json::to_value(report(&table(), 2, &["a note".into()])).unwrap();
        assert_eq!(report["notes"][0], "a note");
        assert_eq!(report["counts"]["dead"], 93);
        assert_eq!(report["left_off"], 2);
        assert_eq!(report["tasks"][3]["task_id"], "x\u{202e}.raw");
        assert_eq!(report["tasks"][3]["dlq_reason"], "invalid_json");
        assert_eq!(report["tasks"][2]["blocked_on"], serde_json::json!(["a"]));
        assert_eq!(report["tasks"][1]["next_try_at"], "1970-01-01T00:00:49.000Z");
        assert_eq!(report["tasks"][0]["priority"], "high");
    }
}
