//! The tasks of all workers: the table in place of the panes, and one task with its output in place of the table.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::super::panel::TasksPanel;
use super::super::panel::tasks::{OpenTask, TaskLine, reason};
use super::super::sidebar_rows::window;
use super::super::text::{column, cut_left, cut_right, pad, thousands, width};
use super::Scene;
use super::paint::{self, Titles};
use crate::domain::{Priority, TaskId, TaskRow, TaskState, approx, count, visible};

/// From this width on, each task says whose it is and how often it was tried …
const ALL_COLUMNS: u16 = 60;
/// … and from this one on, how old its state is.
const AGES: u16 = 48;
/// Rows of facts above the text of a task, with the line below them.
const FACTS: u16 = 3;

/// Draws the panel. The answer is where the marked task is.
pub(super) fn draw(scene: &Scene<'_>, area: Rect, panel: &TasksPanel, buffer: &mut Buffer) -> Option<Position> {
    match panel.open_task() {
        Some(open) => task(scene, area, (panel, open), buffer),
        None => table(scene, area, panel, buffer),
    }
}

fn table(scene: &Scene<'_>, area: Rect, panel: &TasksPanel, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let mut left = vec![Span::styled("tasks", theme.strong())];
    if panel.typing || !panel.wanted.is_empty() {
        let cursor = if panel.typing { "_" } else { "" };
        left.push(Span::styled(format!(" /{}{cursor}", cut_left(&panel.wanted, 24, glyphs.ellipsis)), theme.busy()));
    }
    let mut right = Vec::new();
    if let Some(Ok(table)) = panel.table() {
        left.extend(table.told().into_iter().map(|said| Span::raw(format!(" {} {said}", glyphs.dot))));
        let place = if panel.count() == 0 { 0 } else { panel.place() + 1 };
        let number = |count: usize| thousands(u64::try_from(count).unwrap_or(u64::MAX));
        let is_part = table.counts.iter().sum::<usize>() > table.rows.len();
        right.push(Span::raw(match (is_part, panel.wanted.is_empty()) {
            (false, _) => format!("{place} of {}", number(panel.count())),
            (true, true) => format!("{place} of the first {}", number(panel.count())),
            (true, false) => format!("{place} of {} in the first {}", number(panel.count()), number(table.rows.len())),
        }));
    }
    title(scene, area, left, right, buffer);
    let list = list(area);
    if let Some(text) = nothing(scene, panel) {
        let style = if matches!(panel.table(), Some(Err(_))) { theme.bad() } else { theme.structure() };
        let text = cut_right(&text, usize::from(list.width).saturating_sub(1), glyphs.ellipsis);
        paint::put_text(buffer, list, list.x + 1, list.y, &text, style);
        return Some(Position { x: list.x, y: list.y }).filter(|position| list.contains(*position));
    }
    let start = first_shown(panel, list.height);
    let rows: Vec<&TaskRow> = panel.rows(start, usize::from(list.height)).collect();
    let cells: Vec<[String; 6]> = rows.iter().map(|row| cells(scene, panel, row)).collect();
    let columns = Columns::of(&cells, list.width);
    if area.height > list.height + 1 {
        let y = list.y.saturating_sub(1);
        let heading = columns.line(&HEADINGS.map(str::to_owned), glyphs.ellipsis);
        paint::put_text(buffer, Rect { y, height: 1, ..list }, list.x + 3, y, &heading, theme.structure());
    }
    let mut cursor = None;
    for (((place, row), cells), y) in (start..).zip(&rows).zip(&cells).zip(list.top()..list.bottom()) {
        let is_marked = place == panel.place();
        let (glyph, style) = look(scene, &row.state);
        let state = column(&cells[STATE], columns.widths[STATE], glyphs.ellipsis);
        let left = usize::from(list.width).saturating_sub(width(&state) + 3);
        let rest = pad(cut_right(&columns.rest(cells, glyphs.ellipsis), left, glyphs.ellipsis), left);
        // The colour is that of the state; a mark goes through to the end.
        let spans = [Span::raw(" "), glyph, Span::raw(" "), Span::styled(state, style), Span::raw(rest)];
        let mark = |span: Span<'static>| if is_marked { span.patch_style(Modifier::REVERSED) } else { span };
        paint::put_spans(buffer, list, list.x, y, &spans.map(mark));
        if is_marked {
            cursor = Some(Position { x: list.x, y });
        }
    }
    cursor.filter(|position| list.contains(*position))
}

/// What is said where there is no row.
fn nothing(scene: &Scene<'_>, panel: &TasksPanel) -> Option<String> {
    match panel.table() {
        None => Some(format!("reading the tasks{}", scene.glyphs().ellipsis)),
        Some(Err(problem)) => Some(visible(problem).into_owned()),
        Some(Ok(_)) if panel.count() > 0 => None,
        Some(Ok(table)) if table.rows.is_empty() => {
            Some("no tasks: `devgroup task add WORKER TEXT`, or drop a file into the queue of a worker".to_owned())
        }
        Some(Ok(_)) => Some("no matching task".to_owned()),
    }
}

/// The line above the rows.
fn title(scene: &Scene<'_>, area: Rect, left: Vec<Span<'_>>, right: Vec<Span<'_>>, buffer: &mut Buffer) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let row = Rect { height: 1.min(area.height), ..area };
    if scene.screen.compact {
        let room = usize::from(row.width).saturating_sub(1);
        paint::put_cut(buffer, row, row.x + 1, row.y, &left, room, glyphs.ellipsis);
    } else {
        paint::put_text(buffer, row, row.x, row.y, &glyphs.rule.repeat(usize::from(row.width)), theme.accent());
        paint::title_row(buffer, row, glyphs, &Titles { left, right, ..Titles::default() });
    }
}

/// The rows of the tasks: below the title, and below the headings where there is room for them.
fn list(area: Rect) -> Rect {
    let above = if area.height > 8 && area.width >= AGES { 2 } else { 1.min(area.height) };
    Rect { y: area.y + above, height: area.height - above, ..area }
}

fn first_shown(panel: &TasksPanel, height: u16) -> usize {
    window(panel.count(), usize::from(height), panel.place())
}

/// The place of the task that is drawn at a position of the panel.
pub(in super::super) fn task_at(at: Position, area: Rect, panel: &TasksPanel) -> Option<usize> {
    let list = list(area);
    let is_in_table = list.contains(at) && panel.open_task().is_none();
    let place = is_in_table.then(|| first_shown(panel, list.height) + usize::from(at.y - list.y))?;
    (place < panel.count()).then_some(place)
}

/// The glyph of a state with its style, and the style of its word.
fn look(scene: &Scene<'_>, state: &TaskState) -> (Span<'static>, Style) {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let (glyph, style, word) = match state {
        TaskState::Running => (glyphs.up, theme.good_glyph(), theme.good()),
        TaskState::Retrying { .. } => (glyphs.busy, theme.busy_glyph(), theme.busy()),
        TaskState::Waiting => (glyphs.waits, theme.plain(), theme.plain()),
        TaskState::Blocked(_) => (glyphs.waits, theme.busy_glyph(), theme.busy()),
        TaskState::Dead(_) => (glyphs.failed, theme.bad_glyph(), theme.bad()),
        TaskState::Completed => (glyphs.done, theme.good_glyph(), theme.plain()),
        TaskState::Cancelled => (glyphs.stopped, theme.plain(), theme.plain()),
    };
    (Span::styled(glyph, style), word)
}

const HEADINGS: [&str; 6] = ["STATE", "TASK", "WORKER", "TRIES", "AGE", "REASON"];
const STATE: usize = 0;
const TASK: usize = 1;
const WORKER: usize = 2;
const AGE: usize = 4;
const REASON: usize = 5;

fn cells(scene: &Scene<'_>, panel: &TasksPanel, row: &TaskRow) -> [String; 6] {
    let wait = panel.wait(row, scene.now).filter(|wait| wait.as_secs() > 0);
    let state =
        wait.map_or_else(|| row.state.word().to_owned(), |wait| format!("{} {}", row.state.word(), approx(wait)));
    let age = panel.age(row, scene.now).map(approx).unwrap_or_default();
    let tries = if row.tries == 0 { "-".to_owned() } else { row.tries.to_string() };
    let [id, reason] = [&*row.id, &reason(row)].map(|text| visible(text).into_owned());
    [state, id, row.worker.to_string(), tries, age, scene.glyphs().own_text(&reason)]
}

/// How wide each column is; 0 where there is no room for it.
struct Columns {
    widths: [usize; 6],
}

impl Columns {
    fn of(rows: &[[String; 6]], columns: u16) -> Self {
        let mut widths = HEADINGS.map(|heading| if columns >= AGES { width(heading) } else { 0 });
        for row in rows {
            for (cells, text) in widths.iter_mut().zip(row) {
                *cells = (*cells).max(width(text));
            }
        }
        // A task that is looked at says all of it.
        if columns < ALL_COLUMNS {
            widths[WORKER..AGE].fill(0);
        }
        if columns < AGES {
            widths[AGE] = 0;
        }
        let gaps = widths[TASK..].iter().filter(|cells| **cells > 0).count() * 2;
        let others: usize = widths.iter().sum::<usize>() - widths[TASK] - widths[REASON] + gaps;
        let left = usize::from(columns).saturating_sub(3 + others);
        // Where there is no room for both, the reason has two fifths, or what it needs.
        widths[TASK] = widths[TASK].min((left * 3 / 5).max(left.saturating_sub(widths[REASON])));
        widths[REASON] = left - widths[TASK];
        Self { widths }
    }

    /// The cells behind the state.
    fn rest(&self, row: &[String; 6], ellipsis: &str) -> String {
        let cells = row.iter().zip(self.widths).enumerate().skip(TASK).filter(|(_, (_, cells))| *cells > 0);
        let texts = cells.map(|(place, (text, cells))| match place {
            TASK => pad(cut_left(text, cells, ellipsis), cells),
            REASON => cut_right(text, cells, ellipsis),
            _ => column(text, cells, ellipsis),
        });
        texts.fold(String::new(), |line, text| line + "  " + &text)
    }

    fn line(&self, row: &[String; 6], ellipsis: &str) -> String {
        column(&row[STATE], self.widths[STATE], ellipsis) + &self.rest(row, ellipsis)
    }
}

/// The text of a task: below the title and the facts.
fn text_area(area: Rect) -> Rect {
    let above = (1 + FACTS).min(area.height);
    Rect { y: area.y + above, height: area.height - above, ..area }
}

/// Rows of the text of a task.
pub(in super::super) fn rows_of_text(area: Rect) -> usize {
    usize::from(text_area(area).height)
}

/// Columns of the text of a task.
pub(in super::super) fn text_columns(area: Rect) -> usize {
    usize::from(area.width).saturating_sub(4)
}

fn task(
    scene: &Scene<'_>,
    area: Rect,
    (panel, open): (&TasksPanel, &OpenTask),
    buffer: &mut Buffer,
) -> Option<Position> {
    let (glyphs, theme, row) = (scene.glyphs(), scene.theme(), &open.row);
    let (glyph, style) = look(scene, &row.state);
    let [state, id, ..] = cells(scene, panel, row);
    let left = vec![
        Span::styled(format!("{id} "), theme.strong()),
        glyph,
        Span::styled(format!(" {state}"), style),
        Span::raw(format!(" {} {}", glyphs.dot, row.worker)),
    ];
    let text = text_area(area);
    let lines = open.lines().unwrap_or_default();
    let below = lines.len().saturating_sub(open.scroll + usize::from(text.height));
    let more = (below > 0).then(|| Span::raw(format!("{} {} more", glyphs.more, below)));
    title(scene, area, left, more.into_iter().collect(), buffer);
    let room = usize::from(area.width).saturating_sub(2);
    for (line, y) in facts(scene, panel, row).iter().zip(area.y + 1..text.y) {
        paint::put_text(buffer, area, area.x + 1, y, &cut_right(line, room, glyphs.ellipsis), Style::new());
    }
    let first = Position { x: area.x, y: text.y };
    let said = match (&open.problem, open.lines()) {
        (Some(problem), _) => Some((visible(problem).into_owned(), theme.bad())),
        (None, None) if TaskId::parse(&row.id).is_none() => Some((
            "this file has no valid task id: fix it, and put it into the folder again".to_owned(),
            theme.structure(),
        )),
        (None, None) => Some((format!("reading{}", glyphs.ellipsis), theme.structure())),
        (None, Some(_)) => None,
    };
    if let Some((said, style)) = said {
        paint::put_text(buffer, text, text.x + 1, text.y, &cut_right(&said, room, glyphs.ellipsis), style);
        return Some(first).filter(|position| text.contains(*position));
    }
    for (line, y) in lines.iter().skip(open.scroll).zip(text.top()..text.bottom()) {
        let (x, line, style) = match line {
            TaskLine::Heading(heading) => (1, heading.to_uppercase(), theme.strong()),
            TaskLine::Text(line) => (3, line.clone(), Style::new()),
            TaskLine::Nothing => (3, "nothing".to_owned(), theme.structure()),
        };
        paint::put_text(buffer, text, text.x + x, y, &line, style);
    }
    Some(first).filter(|position| text.contains(*position))
}

/// What the row of a task says, in two lines.
fn facts(scene: &Scene<'_>, panel: &TasksPanel, row: &TaskRow) -> [String; 2] {
    let dot = format!(" {} ", scene.glyphs().dot);
    let priority = row.priority.map(|priority| match priority {
        Priority::Critical => "critical priority".to_owned(),
        Priority::High => "high priority".to_owned(),
        Priority::Normal => "normal priority".to_owned(),
        Priority::Low => "low priority".to_owned(),
    });
    let batch = row.batch.as_ref().map(|batch| format!("batch {}", visible(batch)));
    let tries = Some(if row.tries == 0 { "not tried yet".to_owned() } else { count(row.tries, "try") });
    let age = panel.age(row, scene.now).map(approx);
    let age = age.map(|age| match row.state {
        TaskState::Completed | TaskState::Cancelled => format!("{} {age} ago", row.state.word()),
        _ => format!("{} for {age}", row.state.word()),
    });
    let facts: Vec<String> = [age, tries, priority, batch].into_iter().flatten().collect();
    [facts.join(&dot), scene.glyphs().own_text(&visible(&reason(row)))]
}
