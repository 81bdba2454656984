//! Where everything is: pure arithmetic from the size of the terminal and what is open.
//!
//! Width and height decide separately; see [`OuterScreen::new`] for the table.

use ratatui::layout::Rect;

/// A pane in the grid is at least so wide …
pub(super) const PANE_COLUMNS: u16 = 50;
/// … and so high, with its title.
pub(super) const PANE_ROWS: u16 = 6;
/// From this height on, the last file event has a row …
const STRIP_ROWS: u16 = 20;
/// … and from this one on, the last four have.
const HIGH_STRIP_ROWS: u16 = 40;

/// How the main area is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// As the width says.
    #[default]
    Auto,
    /// All panes, where they fit.
    Grid,
    /// The selected pane and the most recent failure.
    Stack,
    /// The selected pane.
    Single,
}

impl Arrangement {
    /// The one after this, in the order of the key.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Grid,
            Self::Grid => Self::Stack,
            Self::Stack => Self::Single,
            Self::Single => Self::Auto,
        }
    }
}

/// What the size depends on, besides the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LayoutRequest {
    /// How many services there are.
    pub(super) services: usize,
    /// The first pane shows this one.
    pub(super) main: usize,
    /// What the second pane of a stack shows.
    pub(super) second: Option<usize>,
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
    /// | width | sidebar | main area |
    /// |---|---|---|
    /// | from 140 | 36 columns | grid of all panes, 2 columns; 3 from 200 |
    /// | 100 to 139 | 28 columns | the selected pane and the most recent failure |
    /// | 60 to 99 | 22 columns | the selected pane |
    /// | below 60, or height below 16 | a line of tabs | the selected pane, without a title |
    ///
    /// | height | watcher strip, if a service watches | header and footer |
    /// |---|---|---|
    /// | from 40 | 4 rows | both |
    /// | 20 to 39 | 1 row | both |
    /// | 12 to 19 | – | both |
    /// | 6 to 11 | – | the footer goes, then the tabs |
    /// | below 6, or below 20 columns | – | one line |
    pub(super) fn new(columns: u16, rows: u16, request: LayoutRequest) -> Self {
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
            screen.strip = Some(take_bottom(&mut rest, if rows >= HIGH_STRIP_ROWS { 4 } else { 1 }));
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

    /// Sidebar and panes. A line of the table whose panes would be too small gives way to the next one.
    fn divide(&mut self, body: Rect, request: LayoutRequest) {
        let width = self.area.width;
        let (wanted, style) = match width {
            140.. => (Arrangement::Grid, SidebarStyle::Wide),
            100.. => (Arrangement::Stack, SidebarStyle::Medium),
            _ => (Arrangement::Single, SidebarStyle::Narrow),
        };
        let chosen = if request.arrangement == Arrangement::Auto { wanted } else { request.arrangement };
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
        if chosen == Arrangement::Grid
            && let Some((panes, rules)) = grid(main, request.services, if width >= 200 { 3 } else { 2 })
        {
            self.panes = panes;
            self.rules.extend(rules);
            return;
        }
        let panes = match (chosen, request.second) {
            (Arrangement::Grid | Arrangement::Stack, Some(second)) => stack(main, request.main, second),
            _ => None,
        };
        self.panes = panes.unwrap_or_else(|| vec![Pane::titled(request.main, main)]);
    }

    /// One pane alone.
    fn show(&mut self, pane: Pane, request: LayoutRequest) {
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

/// All panes in rows of at most `columns`, with the rules between them; `None` if one of them would be too small.
fn grid(main: Rect, services: usize, columns: u16) -> Option<(Vec<Pane>, Vec<Rect>)> {
    let count = u16::try_from(services).ok().filter(|count| *count > 0)?;
    let columns = columns.min(count);
    let rows = count.div_ceil(columns);
    // Each but the last in its row has a rule beside it.
    let (width, height) = ((main.width + 1) / columns, main.height / rows);
    if width <= PANE_COLUMNS || height < PANE_ROWS {
        return None;
    }
    let (mut panes, mut rules) = (Vec::new(), Vec::new());
    for index in 0..count {
        let (column, row) = (index % columns, index / columns);
        // What does not divide goes to the last column and the last row.
        let area = Rect {
            x: main.x + column * width,
            y: main.y + row * height,
            width: if column + 1 == columns { main.width - column * width } else { width - 1 },
            height: if row + 1 == rows { main.height - row * height } else { height },
        };
        if column + 1 < columns {
            rules.push(Rect { x: area.right(), width: 1, ..area });
        }
        panes.push(Pane::titled(usize::from(index), area));
    }
    Some((panes, rules))
}

/// The selected pane above, a little larger, and one more below; `None` if one of them would be too small.
fn stack(main: Rect, first: usize, second: usize) -> Option<Vec<Pane>> {
    let mut rest = main;
    let above = take_top(&mut rest, u16::try_from(u32::from(main.height) * 4 / 7).unwrap_or(0));
    let fits = |area: Rect| area.height >= PANE_ROWS && area.width >= PANE_COLUMNS;
    (first != second && fits(above) && fits(rest)).then(|| vec![Pane::titled(first, above), Pane::titled(second, rest)])
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
    let request = LayoutRequest { services, watches, ..LayoutRequest::default() };
    let screen = OuterScreen::new(terminal.0, terminal.1, request);
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
