//! Where everything is: pure arithmetic from the size of the terminal and what is open.
//!
//! Width and height decide separately; see [`OuterScreen::new`] for the table.

use ratatui::layout::Rect;

use super::options::preferred_arrangement;

/// A pane in the grid has at least so many columns and rows, so that a stack trace can be read in each …
const GRID: (u16, u16) = (80, 15);
/// … or so many, if the user wants the grid.
const SMALL_GRID: (u16, u16) = (50, 6);
/// Each pane below the selected one has so many rows.
const FOCUS_ROWS: u16 = 6;
/// Where there are fewer rows, only the selected pane is shown, unless the user wants more.
const FOCUS_BODY: u16 = 30;
/// From this height on, the last file event has a row …
const STRIP_ROWS: u16 = 20;
/// … and from this one on, up to four have.
const HIGH_STRIP_ROWS: u16 = 40;

/// How the main area is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// As the size says.
    #[default]
    Auto,
    /// All panes, where they fit.
    Grid,
    /// The selected pane, and below it those that matter most.
    Focus,
    /// The selected pane.
    Single,
}

impl Arrangement {
    const ALL: [Self; 4] = [Self::Auto, Self::Grid, Self::Focus, Self::Single];

    /// The one after this, in the order of the key.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Grid,
            Self::Grid => Self::Focus,
            Self::Focus => Self::Single,
            Self::Single => Self::Auto,
        }
    }

    /// As files and messages have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Grid => "grid",
            Self::Focus => "focus",
            Self::Single => "single",
        }
    }

    /// The one of that word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arrangement| arrangement.word() == word)
    }
}

/// What the size depends on, besides the terminal.
#[derive(Clone, Debug, Default)]
pub(super) struct LayoutRequest {
    /// How many services there are.
    pub(super) services: usize,
    /// The first pane shows this one.
    pub(super) main: usize,
    /// The others that have a pane where there is room, the one that matters most first.
    pub(super) others: Vec<usize>,
    /// What the user has chosen with `L`.
    pub(super) arrangement: Arrangement,
    /// The user has hidden the sidebar with `b`.
    pub(super) sidebar_hidden: bool,
    /// One pane has the whole screen.
    pub(super) zoom: bool,
    /// The watcher panel is in place of the panes.
    pub(super) watcher: bool,
    /// Something holds: there is a banner.
    pub(super) banner: bool,
    /// The lines of all services are in place of the panes.
    pub(super) merged: bool,
    /// A service watches files.
    pub(super) watches: bool,
    /// Rows that the last file events need.
    pub(super) strip_rows: u16,
}

/// How much a line of the sidebar tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SidebarStyle {
    /// 36 columns: two lines for each service.
    Wide,
    /// 28 columns: glyph, name, state word, counts.
    Medium,
    /// 22 columns: glyph, name, counts.
    Narrow,
}

impl SidebarStyle {
    /// Columns, without the rule beside them.
    pub(super) fn columns(self) -> u16 {
        match self {
            Self::Wide => 36,
            Self::Medium => 28,
            Self::Narrow => 22,
        }
    }
}

/// A pane with the log of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pane {
    /// The index of the service in the group.
    pub(super) service: usize,
    /// With its title and the column of its marks.
    pub(super) area: Rect,
    /// A line above the text says whose it is.
    pub(super) title: bool,
}

impl Pane {
    fn titled(service: usize, area: Rect) -> Self {
        Self { service, area, title: true }
    }

    /// Where the text is.
    pub(super) fn inner(&self) -> Rect {
        let Rect { x, y, width, height } = self.area;
        let above = u16::from(self.title).min(height);
        let beside = 1.min(width);
        Rect { x: x + beside, y: y + above, width: width - beside, height: height - above }
    }

    /// The column before the text: it tells of levels and matches.
    pub(super) fn gutter(&self) -> Rect {
        let inner = self.inner();
        Rect { x: self.area.x, width: inner.x - self.area.x, ..inner }
    }
}

/// Where everything is. Parts that are not shown are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OuterScreen {
    /// All of it.
    pub(super) area: Rect,
    /// The terminal is too small for anything but one line.
    pub(super) one_line: bool,
    /// No sidebar: short forms everywhere.
    pub(super) compact: bool,
    /// The first line.
    pub(super) header: Option<Rect>,
    /// The line that says what holds changes back.
    pub(super) banner: Option<Rect>,
    /// All services in one line.
    pub(super) tabs: Option<Rect>,
    /// All services in a column.
    pub(super) sidebar: Option<(Rect, SidebarStyle)>,
    /// The logs in sight, in reading order.
    pub(super) panes: Vec<Pane>,
    /// The lines of all services in place of the panes. Its service means nothing.
    pub(super) merged: Option<Pane>,
    /// The watcher panel in place of the panes.
    pub(super) watcher: Option<Rect>,
    /// Upright lines between what stands side by side.
    pub(super) rules: Vec<Rect>,
    /// The last file events.
    pub(super) strip: Option<Rect>,
    /// The last line: what the keys do.
    pub(super) footer: Option<Rect>,
}

impl OuterScreen {
    /// The layout of a terminal of that size.
    ///
    /// | width | sidebar |
    /// |---|---|
    /// | from 140 | 36 columns |
    /// | 100 to 139 | 28 columns |
    /// | 60 to 99 | 22 columns |
    /// | below 60, or height below 16 | a line of tabs, and only the selected pane, without a title |
    ///
    /// | main area | panes |
    /// |---|---|
    /// | 80×15 for each | a grid of all |
    /// | 30 rows or more | the selected one with 60 % of the height, and below it as many as have 6 rows |
    /// | less | the selected one |
    ///
    /// | height | watcher strip, if a service watches | header and footer |
    /// |---|---|---|
    /// | from 40 | as many rows as there is something to say in | both |
    /// | 20 to 39 | 1 row | both |
    /// | 12 to 19 | – | both |
    /// | 6 to 11 | – | the footer goes, then the tabs |
    /// | below 6, or below 20 columns | – | one line |
    pub(super) fn new(columns: u16, rows: u16, request: &LayoutRequest) -> Self {
        let area = Rect { x: 0, y: 0, width: columns, height: rows };
        let mut screen = Self { area, compact: columns < 60 || rows < 16, ..Self::default() };
        if columns < 20 || rows < 6 {
            screen.one_line = true;
            return screen;
        }
        let mut rest = area;
        // In a small zoom, and a small watcher panel, the title is the only line above the text.
        let covered = request.zoom || request.watcher;
        if !(screen.compact && covered) {
            screen.header = Some(take_top(&mut rest, 1));
        }
        if rows >= 12 {
            screen.footer = Some(take_bottom(&mut rest, 1));
        }
        if request.banner {
            screen.banner = Some(take_top(&mut rest, 1));
        }
        if request.zoom {
            screen.show(Pane::titled(request.main, rest), request);
            return screen;
        }
        if rows >= STRIP_ROWS && request.watches && !request.watcher {
            screen.strip =
                Some(take_bottom(&mut rest, if rows >= HIGH_STRIP_ROWS { request.strip_rows.max(1) } else { 1 }));
        }
        if screen.compact {
            if request.watcher {
                screen.watcher = Some(rest);
                return screen;
            }
            if rows >= 8 {
                screen.tabs = Some(take_top(&mut rest, 1));
            }
            screen.show(Pane { service: request.main, area: rest, title: false }, request);
            return screen;
        }
        screen.divide(rest, request);
        screen
    }

    /// Sidebar and panes.
    fn divide(&mut self, body: Rect, request: &LayoutRequest) {
        let style = match self.area.width {
            140.. => SidebarStyle::Wide,
            100.. => SidebarStyle::Medium,
            _ => SidebarStyle::Narrow,
        };
        let mut main = body;
        if !request.sidebar_hidden {
            self.sidebar = Some((take_left(&mut main, style.columns()), style));
            self.rules.push(take_left(&mut main, 1));
        }
        if request.watcher {
            self.watcher = Some(main);
            return;
        }
        if request.merged || request.services == 0 {
            return self.show(Pane::titled(request.main, main), request);
        }
        let grid_of = |least| grid(main, request, least);
        let focus_of = |least| focus(main, request, least);
        let (panes, rules) = match request.arrangement {
            Arrangement::Auto => grid_of(GRID).unwrap_or_else(|| (focus_of(FOCUS_BODY), Vec::new())),
            Arrangement::Grid => grid_of(SMALL_GRID).unwrap_or_else(|| (focus_of(0), Vec::new())),
            Arrangement::Focus => (focus_of(0), Vec::new()),
            Arrangement::Single => (vec![Pane::titled(request.main, main)], Vec::new()),
        };
        self.panes = panes;
        self.rules.extend(rules);
    }

    /// One pane alone.
    fn show(&mut self, pane: Pane, request: &LayoutRequest) {
        if request.services == 0 {
            return;
        }
        if request.merged { self.merged = Some(pane) } else { self.panes.push(pane) }
    }

    /// The pane of that service, if it is shown.
    pub(super) fn pane(&self, service: usize) -> Option<&Pane> {
        self.panes.iter().find(|pane| pane.service == service)
    }
}

/// All panes side by side and below each other, in the order of the file, with the rules between them; `None` if one of
/// them would be smaller than `least`.
fn grid(main: Rect, request: &LayoutRequest, least: (u16, u16)) -> Option<(Vec<Pane>, Vec<Rect>)> {
    let mut services: Vec<usize> = std::iter::once(request.main).chain(request.others.iter().copied()).collect();
    services.sort_unstable();
    services.dedup();
    let count = u16::try_from(services.len()).ok()?;
    // Each but the last in its row has a rule beside it.
    let wide = |columns: &u16| (main.width + 1) / columns > least.0;
    let high = |columns: u16, rows| main.height / count.div_ceil(columns) >= rows;
    let most = (1..=count).take_while(wide).last()?;
    // Rather wide panes than high ones, as long as a stack trace fits into each.
    let columns = (1..=most).find(|columns| high(*columns, GRID.1)).unwrap_or(most);
    if !high(columns, least.1) {
        return None;
    }
    let height = main.height / count.div_ceil(columns);
    let (mut panes, mut rules) = (Vec::new(), Vec::new());
    let mut below = main;
    let mut left = count;
    for row in services.chunks(usize::from(columns)) {
        // The last row has what is left of the height, and its panes share the width.
        let in_row = left.min(columns);
        left -= in_row;
        let rows = if left == 0 { below.height } else { height };
        let mut beside = take_top(&mut below, rows);
        let width = (main.width + 1) / in_row;
        for (service, place) in row.iter().zip(1..) {
            let wide = if place == in_row { beside.width } else { width - 1 };
            panes.push(Pane::titled(*service, take_left(&mut beside, wide)));
            if place < in_row {
                rules.push(take_left(&mut beside, 1));
            }
        }
    }
    Some((panes, rules))
}

/// The selected pane with at least 60 % of the height, and below it, in their order, as many others as have room; none
/// where there are fewer rows than `least`.
fn focus(main: Rect, request: &LayoutRequest, least: u16) -> Vec<Pane> {
    let selected = u16::try_from((u32::from(main.height) * 3).div_ceil(5)).unwrap_or(main.height);
    let below = if main.height < least { 0 } else { main.height - selected };
    let others: Vec<usize> = request.others.iter().copied().take(usize::from(below / FOCUS_ROWS)).collect();
    let each = u16::try_from(others.len()).ok().and_then(|count| below.checked_div(count)).unwrap_or(0);
    let mut rest = main;
    let small: Vec<Rect> = others.iter().map(|_| take_bottom(&mut rest, each)).collect();
    let small = small.into_iter().rev().zip(others).map(|(area, service)| Pane::titled(service, area));
    std::iter::once(Pane::titled(request.main, rest)).chain(small).collect()
}

fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let taken = Rect { height: rows, ..*rest };
    rest.y += rows;
    rest.height -= rows;
    taken
}

fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.y + rest.height, height: rows, ..*rest }
}

fn take_left(rest: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(rest.width);
    let taken = Rect { width: columns, ..*rest };
    rest.x += columns;
    rest.width -= columns;
    taken
}

/// The size that the terminal of each service should have at its start, so that the first thing it prints is laid out
/// for its pane. `terminal` is columns and rows of the host terminal; `watches`: a service watches files.
pub fn pane_size(services: usize, watches: bool, terminal: (u16, u16)) -> (u16, u16) {
    let (others, arrangement) = ((1..services).collect(), preferred_arrangement());
    let request = LayoutRequest { services, others, arrangement, watches, ..LayoutRequest::default() };
    let screen = OuterScreen::new(terminal.0, terminal.1, &request);
    match screen.panes.first() {
        Some(pane) => service_size(pane),
        // Nothing is shown: the size that terminals have always had.
        None => (80, 24),
    }
}

/// The size of the service's terminal in that pane: at least 2×1, because screens of one column cannot hold a wide
/// character.
pub(super) fn service_size(pane: &Pane) -> (u16, u16) {
    let inner = pane.inner();
    (inner.width.max(2), inner.height.max(1))
}

#[cfg(test)]
mod tests;
