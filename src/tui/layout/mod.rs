//! Where everything is: pure arithmetic from the size of the terminal and what is open.
//!
//! Width and height decide separately; see [`OuterScreen::new`] for the table.

use ratatui::layout::Rect;

/// A pane in the grid is at least so wide …
pub(super) const PANE_COLUMNS: u16 = 50;
/// … and so high, borders included.
pub(super) const PANE_ROWS: u16 = 6;

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
    /// Columns, borders included.
    pub(super) fn columns(self) -> u16 {
        match self {
            Self::Wide => 36,
            Self::Medium => 28,
            Self::Narrow => 22,
        }
    }
}

/// What is around a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A border on all sides.
    Full,
    /// One line above: so that the terminal's own selection is clean.
    Title,
    /// No border and no title.
    None,
}

/// A pane with the log of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pane {
    /// The index of the service in the group.
    pub(super) service: usize,
    /// With its frame.
    pub(super) area: Rect,
    /// What is around it.
    pub(super) frame: Frame,
}

impl Pane {
    /// Where the text is.
    pub(super) fn inner(&self) -> Rect {
        let Rect { x, y, width, height } = self.area;
        match self.frame {
            Frame::None => self.area,
            Frame::Title if height == 0 => self.area,
            Frame::Title => Rect { x, y: y + 1, width, height: height - 1 },
            Frame::Full if width < 2 || height < 2 => Rect { x, y, width: 0, height: 0 },
            Frame::Full => Rect { x: x + 1, y: y + 1, width: width - 2, height: height - 2 },
        }
    }

    /// The column that tells of levels and matches: the left border. Where there is none, the last column of the text:
    /// lines begin in the first one, so that the terminal's own selection is clean.
    pub(super) fn gutter(&self) -> Rect {
        let inner = self.inner();
        let x = if self.frame == Frame::Full { self.area.x } else { inner.right().saturating_sub(1) };
        Rect { x, width: 1, ..inner }
    }
}

/// Where everything is. Parts that are not shown are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OuterScreen {
    /// All of it.
    pub(super) area: Rect,
    /// The terminal is too small for anything but one line.
    pub(super) one_line: bool,
    /// No borders, no sidebar: short forms everywhere.
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
    /// | below 60, or height below 16 | a line of tabs | the selected pane, without borders |
    ///
    /// | height | watcher strip | header and footer |
    /// |---|---|---|
    /// | from 40 | 6 events | both |
    /// | 28 to 39 | 3 events | both |
    /// | 12 to 27 | – | both |
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
            screen.show(Pane { service: request.main, area: rest, frame: Frame::Title }, request);
            return screen;
        }
        if rows >= 28 && !request.watcher {
            let events = if rows >= 40 { 6 } else { 3 };
            screen.strip = Some(take_bottom(&mut rest, events + 2));
        }
        if screen.compact {
            if request.watcher {
                screen.watcher = Some(rest);
                return screen;
            }
            if rows >= 8 {
                screen.tabs = Some(take_top(&mut rest, 1));
            }
            screen.show(Pane { service: request.main, area: rest, frame: Frame::None }, request);
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
        let main_beside = |style: SidebarStyle| {
            let mut main = body;
            let sidebar = (!request.sidebar_hidden).then(|| (take_left(&mut main, style.columns()), style));
            (sidebar, main)
        };
        if chosen == Arrangement::Grid {
            let (sidebar, main) = main_beside(style);
            if let Some(panes) = grid(main, request.services, if width >= 200 { 3 } else { 2 }) {
                self.place(sidebar, main, panes, request);
                return;
            }
        }
        let (sidebar, main) = main_beside(style);
        let panes = match (chosen, request.second) {
            (Arrangement::Grid | Arrangement::Stack, Some(second)) => stack(main, request.main, second),
            _ => None,
        };
        let single = || vec![Pane { service: request.main, area: main, frame: Frame::Full }];
        self.place(sidebar, main, panes.unwrap_or_else(single), request);
    }

    fn place(&mut self, sidebar: Option<(Rect, SidebarStyle)>, main: Rect, panes: Vec<Pane>, request: LayoutRequest) {
        self.sidebar = sidebar;
        if request.watcher {
            self.watcher = Some(main);
        } else if request.merged {
            self.show(Pane { service: request.main, area: main, frame: Frame::Full }, request);
        } else if request.services > 0 {
            self.panes = panes;
        }
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

/// All panes in rows of at most `columns`; `None` if one of them would be too small.
fn grid(main: Rect, services: usize, columns: u16) -> Option<Vec<Pane>> {
    let count = u16::try_from(services).ok().filter(|count| *count > 0)?;
    let columns = columns.min(count);
    let rows = count.div_ceil(columns);
    let (width, height) = (main.width / columns, main.height / rows);
    if width < PANE_COLUMNS || height < PANE_ROWS {
        return None;
    }
    let pane = |index: u16| {
        let (column, row) = (index % columns, index / columns);
        // What does not divide goes to the last column and the last row.
        let area = Rect {
            x: main.x + column * width,
            y: main.y + row * height,
            width: if column + 1 == columns { main.width - column * width } else { width },
            height: if row + 1 == rows { main.height - row * height } else { height },
        };
        Pane { service: usize::from(index), area, frame: Frame::Full }
    };
    Some((0..count).map(pane).collect())
}

/// The selected pane above, a little larger, and one more below; `None` if one of them would be too small.
fn stack(main: Rect, first: usize, second: usize) -> Option<Vec<Pane>> {
    let mut rest = main;
    let above = take_top(&mut rest, u16::try_from(u32::from(main.height) * 4 / 7).unwrap_or(0));
    let fits = |area: Rect| area.height >= PANE_ROWS && area.width >= PANE_COLUMNS;
    (first != second && fits(above) && fits(rest)).then(|| {
        vec![
            Pane { service: first, area: above, frame: Frame::Full },
            Pane { service: second, area: rest, frame: Frame::Full },
        ]
    })
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
/// for its pane. `terminal` is columns and rows of the host terminal.
pub fn pane_size(services: usize, terminal: (u16, u16)) -> (u16, u16) {
    let screen = OuterScreen::new(terminal.0, terminal.1, LayoutRequest { services, ..LayoutRequest::default() });
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
