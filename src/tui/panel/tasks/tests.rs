//! What the table of tasks shows, asks and says.

use std::sync::Arc;

use super::*;
use crate::display::GlyphSet;
use crate::domain::{Command, Refusal, TaskDetails, WorkerSnapshot};
use crate::tui::fixture::{Bench, NOW, shop};
use crate::tui::ui_state::{Followup, World};
use crate::tui::worker_fixture::{answer, later, table, wall, workshop};

fn bench() -> Bench {
    let mut bench = Bench::new(workshop(), 160, 50, GlyphSet::Unicode);
    bench.press("T");
    bench.frame();
    bench
}

fn panel(bench: &Bench) -> &TasksPanel {
    bench.ui.panels.tasks().unwrap()
}

fn shown(bench: &Bench) -> Vec<String> {
    panel(bench).rows(0, usize::MAX).map(|row| row.id.to_string()).collect()
}

fn marked(bench: &Bench) -> String {
    panel(bench).subject().map(|row| row.id.to_string()).unwrap_or_default()
}

/// What the keys leave to be asked.
fn asked(bench: &mut Bench, keys: &str) -> Vec<TaskQuestion> {
    assert_eq!(bench.press(keys), [] as [Command; 0]);
    let followups = std::mem::take(&mut bench.ui.requests.followups).into_iter();
    followups
        .filter_map(|followup| if let Followup::Task(question) = followup { Some(question) } else { None })
        .collect()
}

fn said(bench: &Bench) -> String {
    bench.ui.message(&bench.snapshot, NOW).map(|message| message.to_string()).unwrap_or_default()
}

fn told(bench: &mut Bench, question: &TaskQuestion) {
    bench.ui.told_of_tasks(question, answer(question), (NOW, wall()));
}

#[test]
fn a_group_without_workers_says_how_to_have_one() {
    let mut bench = Bench::new(shop(), 160, 50, GlyphSet::Unicode);
    bench.press("T");
    assert!(bench.ui.panels.tasks().is_none());
    assert_eq!(said(&bench), "no task workers: no service has kind = \"worker\"");
}

#[test]
fn the_mark_stays_with_its_task_and_a_text_filters_the_rows() {
    let mut bench = bench();
    assert_eq!((shown(&bench).len(), marked(&bench).as_str()), (10, "fix-login"));
    bench.press("jj");
    assert_eq!(marked(&bench), "b-7f3-02");
    bench.press("/ANGA");
    assert_eq!((shown(&bench), marked(&bench).as_str()), (vec!["b-7f3-02".into(), "b-7f3-01".into()], "b-7f3-02"));
    bench.press("⏎j");
    assert_eq!(marked(&bench), "b-7f3-01", "j is a key again");
    bench.press("⎋");
    assert_eq!((shown(&bench).len(), marked(&bench).as_str()), (10, "b-7f3-01"));
    bench.press("/blocked on fix-login");
    assert_eq!(shown(&bench), ["release"], "the reason is found too");
    bench.press("⎋/nothing like it");
    assert!(bench.text().contains("no matching task"));
    bench.press("⎋⎋");
    assert!(bench.ui.panels.tasks().is_none());
}

#[test]
fn rows_that_come_and_go_do_not_move_the_mark() {
    let mut bench = bench();
    bench.press("jjjj");
    let list = TaskQuestion::List { worker: None, limit: ROWS };
    let mut tell = |table: TaskTable| {
        bench.ui.told_of_tasks(&list, Ok(TaskAnswer::Table(table)), (NOW, wall()));
        marked(&bench)
    };
    let mut other = table();
    other.rows.remove(0);
    assert_eq!(tell(other.clone()), "b-7f3-05");
    // Two dead letters of one id: the mark does not jump from the second to the first.
    let twin = other.rows[3].clone();
    other.rows.insert(0, twin);
    assert_eq!(tell(other), "b-7f3-05");
    bench.press("k");
    let place = panel(&bench).place();
    bench.press("j");
    assert_eq!(panel(&bench).place(), place + 1);
    bench.ui.told_of_tasks(&list, Ok(TaskAnswer::Table(TaskTable::default())), (NOW, wall()));
    assert_eq!((shown(&bench).len(), panel(&bench).place()), (0, 0));
    assert_eq!(asked(&mut bench, "rx⏎jG"), [], "there is no task to act on");
}

#[test]
fn keys_ask_for_the_marked_task_and_the_answer_is_said() {
    let mut bench = bench();
    let id = |text: &str| TaskId::parse(text).unwrap();
    let cancel = TaskQuestion::Cancel("marie".into(), id("fix-login"));
    let retry = TaskQuestion::Retry("marie".into(), id("fix-login"));
    assert_eq!(asked(&mut bench, "xr"), [cancel.clone(), retry.clone()], "in the order of the keys");
    told(&mut bench, &cancel);
    assert_eq!(said(&bench), "fix-login is cancelled");
    told(&mut bench, &retry);
    assert_eq!(said(&bench), "fix-login still runs");
    // A key and the end of the table in one read: what was asked for is asked.
    assert_eq!(asked(&mut bench, "jxT"), [TaskQuestion::Cancel("marie".into(), id("b-7f3-04"))]);
    assert!(bench.ui.panels.tasks().is_none());
    told(&mut bench, &TaskQuestion::Cancel("marie".into(), id("b-7f3-04")));
    assert_eq!(said(&bench), "b-7f3-04 is cancelled");
}

#[test]
fn the_mark_goes_on_when_its_task_is_cancelled_by_key_and_follows_it_otherwise() {
    let list = TaskQuestion::List { worker: None, limit: ROWS };
    let without_first = || {
        let mut table = table();
        let mut first = table.rows.remove(0);
        first.state = TaskState::Cancelled;
        table.rows.push(first);
        Ok(TaskAnswer::Table(table))
    };
    let mut bench = bench();
    assert_eq!(marked(&bench), "fix-login");
    bench.ui.told_of_tasks(&list, without_first(), (NOW, wall()));
    assert_eq!(marked(&bench), "fix-login", "somebody else has cancelled it");
    let mut bench = self::bench();
    let cancel = TaskQuestion::Cancel("marie".into(), TaskId::parse("fix-login").unwrap());
    assert_eq!(asked(&mut bench, "x"), std::slice::from_ref(&cancel));
    told(&mut bench, &cancel);
    bench.ui.told_of_tasks(&list, Ok(TaskAnswer::Table(table())), (NOW, wall()));
    assert_eq!(marked(&bench), "fix-login", "it runs until it has ended");
    bench.ui.told_of_tasks(&list, without_first(), (NOW, wall()));
    assert_eq!(marked(&bench), "b-7f3-04");
}

#[test]
fn a_file_without_an_id_cannot_be_named() {
    let mut bench = bench();
    bench.press("/half⏎");
    assert_eq!(asked(&mut bench, "r"), []);
    assert!(said(&bench).contains("no valid task id"), "{}", said(&bench));
    bench.press("⏎");
    let text = bench.text();
    assert!(text.contains("invalid_json") && text.contains("fix it, and put it into the folder again"), "{text}");
}

#[test]
fn a_dead_letter_for_no_worker_says_what_to_do_with_it() {
    let mut bench = bench();
    let mut table = table();
    table.rows.truncate(1);
    table.rows[0].worker = UNROUTED.into();
    let list = TaskQuestion::List { worker: None, limit: ROWS };
    bench.ui.told_of_tasks(&list, Ok(TaskAnswer::Table(table)), (NOW, wall()));
    assert_eq!(asked(&mut bench, "r"), []);
    assert_eq!(said(&bench), "fix-login is for no worker: correct its `worker`, and move it to tasks/");
}

#[test]
fn a_task_is_shown_with_its_output_and_nothing_of_it_is_obeyed() {
    let mut bench = bench();
    bench.press("⏎");
    let text = bench.text();
    for part in ["fix-login ● running · marie", "STDOUT", "reading src/login.rs", "done", "STDERR", "nothing"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("pwned") && !text.contains("[2J"), "{text}");
    bench.press("⎋");
    assert!(bench.text().contains("TASK"), "back to the table");
}

#[test]
fn a_long_output_is_wrapped_and_scrolls_to_its_end() {
    let mut bench = Bench::new(workshop(), 80, 24, GlyphSet::Unicode);
    bench.press("T");
    bench.frame();
    bench.press("⏎");
    bench.frame();
    let show = TaskQuestion::Show("marie".into(), TaskId::parse("fix-login").unwrap());
    let lines: String = (0..500).map(|number| format!("{number} {}\n", "x".repeat(60))).collect();
    let texts = vec![crate::domain::TaskText { title: "stdout", text: lines.into() }];
    let details = TaskDetails { row: table().rows.swap_remove(0), texts };
    bench.ui.told_of_tasks(&show, Ok(TaskAnswer::Details(Box::new(details))), (NOW, wall()));
    assert!(bench.text().contains("more"));
    // Followups would tell the short text again.
    bench.ui.requests.followups.clear();
    bench.press("G");
    let open = panel(&bench).open_task().unwrap();
    assert_eq!(open.lines().map(<[_]>::len), Some(1001), "each line has two rows");
    assert!(bench.text().contains("499 xxx"));
    bench.press("↓↓↑");
    let after = panel(&bench).open_task().unwrap().scroll;
    bench.press("g");
    assert!(after > 900 && panel(&bench).open_task().unwrap().scroll == 0);
}

#[test]
fn it_asks_anew_when_a_worker_has_done_something_and_never_twice_at_once() {
    let mut group = workshop();
    let mut panel = TasksPanel::default();
    let list = panel.question(&group, NOW).unwrap();
    assert_eq!(list, TaskQuestion::List { worker: None, limit: ROWS });
    let done = |active| Some(Arc::new(WorkerSnapshot { active, ..WorkerSnapshot::busy() }));
    group.services[1].worker = done(1);
    assert_eq!(panel.question(&group, later(1_000)), None, "the answer has not come");
    panel.told(&list, answer(&list), (later(1_000), wall()));
    assert_eq!(
        (panel.question(&group, later(1_001)), panel.next_question()),
        (None, Some(later(5_000))),
        "a slow disk"
    );
    assert!(panel.question(&group, later(5_000)).is_some());
    panel.told(&list, answer(&list), (later(5_001), wall()));
    assert_eq!((panel.question(&group, later(9_000)), panel.next_question()), (None, None), "nothing has happened");
    group.services[1].worker = done(3);
    assert!(panel.question(&group, later(9_000)).is_some());
    panel.told(&list, Err(Refusal::Unavailable.to_string()), (later(9_001), wall()));
    assert!(matches!(panel.table(), Some(Err(_))));
    let retry = TaskQuestion::Retry("marie".into(), TaskId::parse("a").unwrap());
    panel.told(&retry, Ok(TaskAnswer::Done), (later(9_010), wall()));
    assert!(panel.question(&group, later(9_010)).is_some(), "an order has changed something");
}

#[test]
fn ages_and_waits_go_on_between_answers() {
    let bench = bench();
    let panel = panel(&bench);
    let rows: Vec<_> = panel.rows(0, 3).cloned().collect();
    assert_eq!(panel.age(&rows[0], NOW), Some(Duration::from_secs(74)));
    assert_eq!(panel.age(&rows[0], later(6_000)), Some(Duration::from_secs(80)));
    assert_eq!(panel.wait(&rows[2], later(1_000)), Some(Duration::from_secs(3)));
    assert_eq!(panel.wait(&rows[2], later(60_000)), Some(Duration::ZERO));
    assert_eq!(panel.wait(&rows[0], NOW), None);
}

#[test]
fn ten_thousand_rows_scroll_and_what_is_behind_them_is_counted() {
    let mut bench = bench();
    let list = TaskQuestion::List { worker: None, limit: ROWS };
    let like = table().rows.swap_remove(4);
    let rows = (0..10_000).map(|number| TaskRow { id: format!("t-{number:05}").into(), ..like.clone() }).collect();
    let table = TaskTable { rows, counts: [100_000, 0, 0, 0, 0, 0, 0] };
    bench.ui.told_of_tasks(&list, Ok(TaskAnswer::Table(table)), (NOW, wall()));
    let snapshot = bench.snapshot.clone();
    bench.ui.adjust(&World { snapshot: &snapshot, size: bench.size, now: NOW });
    bench.press("G");
    assert_eq!(marked(&bench), "t-09999");
    let text = bench.text();
    assert!(text.contains("10000 of the first 10,000") && text.contains("t-09999"), "{text}");
    bench.press("g");
    assert!(bench.text().contains("1 of the first 10,000"));
}

#[test]
fn a_click_marks_a_row_and_the_wheel_goes_on() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut bench = bench();
    let text = bench.text();
    let row = text.lines().position(|line| line.contains("b-7f3-02")).unwrap();
    let snapshot = bench.snapshot.clone();
    let world = World { snapshot: &snapshot, size: bench.size, now: NOW };
    let mut mouse = |kind| {
        let event = MouseEvent { kind, column: 60, row: u16::try_from(row).unwrap(), modifiers: KeyModifiers::NONE };
        bench.ui.pointer(event, &world);
        marked(&bench)
    };
    assert_eq!(mouse(MouseEventKind::Down(MouseButton::Left)), "b-7f3-02");
    assert_ne!(mouse(MouseEventKind::ScrollDown), "b-7f3-02");
}
