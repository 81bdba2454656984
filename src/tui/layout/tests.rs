//! The table of sizes, tried over all sizes.

use super::*;

/// A group of so many services that all have a pane; the second one is selected.
fn group(services: usize) -> LayoutRequest {
    let others = (0..services).filter(|index| *index != 1).collect();
    LayoutRequest { services, main: 1, others, watches: true, strip_rows: 4, ..LayoutRequest::default() }
}

/// Columns and rows of the text of each pane.
fn texts(columns: u16, rows: u16, request: &LayoutRequest) -> Vec<(u16, u16)> {
    let panes = OuterScreen::new(columns, rows, request).panes;
    panes.iter().map(Pane::inner).map(|inner| (inner.width, inner.height)).collect()
}

fn screen(columns: u16, rows: u16) -> OuterScreen {
    OuterScreen::new(columns, rows, &group(6))
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
                    others: (1..[0, 1, 2, 6, 5, 40][variant % 6]).collect(),
                    arrangement: Arrangement::ALL[variant / 6 % 4],
                    sidebar_hidden: variant % 5 == 0,
                    zoom: variant / 24 == 1,
                    watcher: variant / 24 == 2,
                    banner: variant / 24 == 3,
                    watches: variant % 7 > 0,
                    strip_rows: 4,
                };
                let screen = OuterScreen::new(columns, rows, &request);
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
                if request.services > 0 && !screen.one_line {
                    let all = u32::from(columns) * u32::from(rows);
                    assert_eq!(covered, all, "holes at {columns}x{rows} with {request:?}");
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
fn the_width_chooses_the_sidebar() {
    let shape = |columns| {
        let screen = screen(columns, 50);
        (screen.sidebar.map(|(area, _)| area.width), screen.panes.first().map(|pane| pane.title))
    };
    assert_eq!(shape(140), (Some(36), Some(true)));
    assert_eq!(shape(139), (Some(28), Some(true)));
    assert_eq!(shape(100), (Some(28), Some(true)));
    assert_eq!(shape(99), (Some(22), Some(true)));
    assert_eq!(shape(60), (Some(22), Some(true)));
    assert_eq!(shape(59), (None, Some(false)));
}

#[test]
fn the_selected_log_is_large_enough_to_read_a_stack_trace() {
    // Seven services: the selected one, and two below it.
    assert_eq!(texts(160, 50, &group(7)), [(122, 27), (122, 7), (122, 7)]);
    let banner = LayoutRequest { banner: true, ..group(7) };
    assert!(texts(160, 50, &banner)[0].1 >= 24);
    assert_eq!(texts(80, 24, &group(7)), [(56, 20)]);
    let banner = LayoutRequest { banner: true, ..group(7) };
    assert!(texts(80, 24, &banner)[0].1 >= 17);
    for rows in 0..=120 {
        for services in 2..9 {
            let screen = OuterScreen::new(120, rows, &group(services));
            let heights: Vec<u16> = screen.panes.iter().map(|pane| pane.area.height).collect();
            let all: u16 = heights.iter().sum();
            if let [first, small @ ..] = &*heights
                && screen.rules.len() < 2
                && !small.iter().all(|height| height >= &GRID.1)
            {
                assert!(u32::from(*first) * 5 >= u32::from(all) * 3, "{services} at {rows}: {heights:?}");
                assert!(small.iter().all(|height| *height >= FOCUS_ROWS), "{services} at {rows}: {heights:?}");
                assert!(small.is_empty() || all >= FOCUS_BODY, "{services} at {rows}: {heights:?}");
            }
        }
    }
}

#[test]
fn the_grid_is_there_while_a_stack_trace_fits_into_each_pane() {
    let shape = |columns, rows, services| {
        let screen = OuterScreen::new(columns, rows, &group(services));
        let first_row = screen.panes.first().map_or(0, |pane| pane.area.y);
        (screen.panes.len(), screen.panes.iter().filter(|pane| pane.area.y == first_row).count())
    };
    assert_eq!(shape(160, 50, 2), (2, 1), "below each other: no line is cut");
    assert_eq!(shape(220, 50, 4), (4, 2));
    assert_eq!(shape(300, 50, 6), (6, 3));
    assert_eq!(texts(220, 60, &group(5)).last(), Some(&(182, 17)), "the last row has no hole");
    assert_eq!(shape(220, 50, 7), (3, 1), "four rows of panes would be too low");
    let grid = LayoutRequest { arrangement: Arrangement::Grid, ..group(6) };
    assert_eq!(texts(160, 50, &grid), [(60, 13), (60, 13), (60, 13), (60, 13), (60, 15), (60, 15)]);
    let many = LayoutRequest { arrangement: Arrangement::Grid, ..group(40) };
    assert_eq!(OuterScreen::new(160, 50, &many).panes.len(), 3, "too many for any grid");
}

#[test]
fn whoever_is_stopped_has_a_pane_only_while_it_is_selected() {
    let services = |main, others: &[usize], arrangement| {
        let request = LayoutRequest { main, others: others.into(), arrangement, ..group(7) };
        let screen = OuterScreen::new(160, 60, &request);
        screen.panes.iter().map(|pane| pane.service).collect::<Vec<_>>()
    };
    assert_eq!(services(6, &[2, 4, 0], Arrangement::Grid), [0, 2, 4, 6], "in the order of the file");
    assert_eq!(services(6, &[2, 4, 0], Arrangement::Focus), [6, 2, 4, 0], "in the order of what matters");
    assert_eq!(services(6, &[2, 4, 0], Arrangement::Single), [6]);
    assert_eq!(services(6, &[], Arrangement::Auto), [6]);
}

#[test]
fn whoever_wants_more_panes_gets_them_where_auto_shows_one() {
    let shape = |arrangement| texts(80, 24, &LayoutRequest { arrangement, ..group(7) });
    assert_eq!(shape(Arrangement::Auto), [(56, 20)]);
    assert_eq!(shape(Arrangement::Focus), [(56, 12), (56, 7)]);
    assert_eq!(shape(Arrangement::Grid), shape(Arrangement::Focus), "too small for a grid");
    assert_eq!(shape(Arrangement::Single), [(56, 20)]);
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
    assert_eq!(OuterScreen::new(100, 50, &idle).strip, None, "nobody watches");
}

#[test]
fn services_start_with_the_size_of_their_pane() {
    assert_eq!(pane_size(6, true, (160, 50)), (122, 28));
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
