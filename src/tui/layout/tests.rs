//! The table of sizes, tried over all sizes.

use super::*;

fn screen(columns: u16, rows: u16) -> OuterScreen {
    let request = LayoutRequest { services: 6, main: 1, second: Some(2), watches: true, ..LayoutRequest::default() };
    OuterScreen::new(columns, rows, request)
}

fn parts(screen: &OuterScreen) -> Vec<Rect> {
    let lines = [screen.header, screen.banner, screen.tabs, screen.watcher, screen.strip, screen.footer];
    let sidebar = screen.sidebar.map(|(area, _)| area);
    let panes = screen.panes.iter().map(|pane| pane.area);
    let rules = screen.rules.iter().copied();
    lines.into_iter().chain([sidebar]).flatten().chain(panes).chain(rules).collect()
}

#[test]
fn parts_never_overlap_and_never_leave_the_screen() {
    for columns in 0..=210 {
        for rows in 0..=60 {
            for variant in 0..96_usize {
                let request = LayoutRequest {
                    merged: false,
                    services: [0, 1, 2, 6, 13, 40][variant % 6],
                    main: 0,
                    second: (variant % 6 > 1).then_some(1),
                    arrangement: [Arrangement::Auto, Arrangement::Grid, Arrangement::Stack, Arrangement::Single]
                        [variant / 6 % 4],
                    sidebar_hidden: variant % 5 == 0,
                    zoom: variant / 24 == 1,
                    watcher: variant / 24 == 2,
                    banner: variant / 24 == 3,
                    watches: variant % 7 > 0,
                };
                let screen = OuterScreen::new(columns, rows, request);
                let parts = parts(&screen);
                let covered: u32 = parts.iter().map(|part| part.area()).sum();
                for (place, part) in parts.iter().enumerate() {
                    assert_eq!(
                        part.intersection(screen.area),
                        *part,
                        "{part} leaves {columns}x{rows} with {request:?}"
                    );
                    for other in &parts[place + 1..] {
                        assert!(!part.intersects(*other), "{part} and {other} at {columns}x{rows} with {request:?}");
                    }
                }
                // The last row of a grid may be short of panes.
                if request.services > 0 && !screen.one_line && screen.panes.len() < 3 {
                    assert_eq!(
                        covered,
                        u32::from(columns) * u32::from(rows),
                        "holes at {columns}x{rows} with {request:?}"
                    );
                }
                for pane in &screen.panes {
                    let inner = pane.inner();
                    assert_eq!(inner.intersection(pane.area), inner);
                    assert_eq!(pane.gutter().right(), inner.x, "the marks are at the text");
                }
            }
        }
    }
}

#[test]
fn the_width_chooses_sidebar_and_panes() {
    let shape = |columns| {
        let screen = screen(columns, 50);
        (screen.sidebar.map(|(area, _)| area.width), screen.panes.len(), screen.panes.first().map(|pane| pane.title))
    };
    assert_eq!(shape(200), (Some(36), 6, Some(true)));
    assert_eq!(shape(140), (Some(36), 6, Some(true)));
    assert_eq!(shape(139), (Some(28), 2, Some(true)));
    assert_eq!(shape(100), (Some(28), 2, Some(true)));
    assert_eq!(shape(99), (Some(22), 1, Some(true)));
    assert_eq!(shape(60), (Some(22), 1, Some(true)));
    assert_eq!(shape(59), (None, 1, Some(false)));
    let grid_columns = |columns| screen(columns, 50).panes.iter().filter(|pane| pane.area.y == 1).count();
    assert_eq!((grid_columns(199), grid_columns(200)), (2, 3));
}

#[test]
fn the_height_chooses_strip_header_and_footer() {
    let shape = |rows| {
        let screen = screen(100, rows);
        let strip = screen.strip.map(|area| area.height);
        (strip, screen.header.is_some(), screen.footer.is_some(), screen.tabs.is_some(), screen.one_line)
    };
    assert_eq!(shape(40), (Some(4), true, true, false, false));
    assert_eq!(shape(39), (Some(1), true, true, false, false));
    assert_eq!(shape(20), (Some(1), true, true, false, false));
    assert_eq!(shape(19), (None, true, true, false, false));
    assert_eq!(shape(16), (None, true, true, false, false));
    assert_eq!(shape(15), (None, true, true, true, false));
    assert_eq!(shape(12), (None, true, true, true, false));
    assert_eq!(shape(11), (None, true, false, true, false));
    assert_eq!(shape(7), (None, true, false, false, false));
    assert_eq!(shape(6), (None, true, false, false, false));
    assert_eq!(shape(5), (None, false, false, false, true));
    assert!(screen(19, 50).one_line);
    assert!(!screen(20, 50).one_line);
    let idle = LayoutRequest { services: 6, ..LayoutRequest::default() };
    assert_eq!(OuterScreen::new(100, 50, idle).strip, None, "nobody watches");
}

#[test]
fn many_services_give_up_the_grid_and_keep_the_columns_of_the_sidebar() {
    let forty = |columns, rows| {
        OuterScreen::new(columns, rows, LayoutRequest { services: 40, second: Some(7), ..LayoutRequest::default() })
    };
    let screen = forty(160, 50);
    assert_eq!(screen.panes.len(), 2);
    assert_eq!(screen.sidebar.map(|(_, style)| style), Some(SidebarStyle::Wide));
    for pane in OuterScreen::new(160, 50, LayoutRequest { services: 12, ..LayoutRequest::default() }).panes {
        assert!(pane.area.width >= PANE_COLUMNS && pane.area.height >= PANE_ROWS, "{pane:?}");
    }
}

#[test]
fn services_start_with_the_size_of_their_pane() {
    assert_eq!(pane_size(6, true, (160, 50)), (60, 13));
    assert_eq!(pane_size(6, true, (80, 24)), (56, 20));
    assert_eq!(pane_size(6, false, (80, 24)), (56, 21));
    assert_eq!(pane_size(6, true, (40, 12)), (39, 9));
    assert_eq!(pane_size(6, true, (0, 0)), (80, 24));
    assert_eq!(pane_size(0, true, (160, 50)), (80, 24));
    for columns in 0..=200 {
        for rows in 0..=60 {
            let (wide, high) = pane_size(3, true, (columns, rows));
            assert!(wide >= 2 && high >= 1);
        }
    }
}
