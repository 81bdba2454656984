//! Copying out of the panes: by mouse and by key, and where it arrives.

use crate::harness::{Dash, Project, copied, key, place, quit, write_program};

/// A service that prints numbered lines, the last of them last.
fn counter(lines: u32) -> Project {
    let script = format!("seq -f 'line %03g of the log' {lines}; echo last''-line; exec sleep 1000");
    Project::new(&format!("[services]\napi = {script:?}\n"))
}

#[test]
fn a_drag_copies_text_and_neither_border_nor_gutter() {
    let project = counter(5);
    for size in [(160, 50), (80, 24), (40, 12)] {
        let mut dash = Dash::start(&project, size, &[]);
        let screen = dash.wait_for_text("last-line");
        let (column, row) = place(&screen, "line 002");
        dash.press_at(column + 5, row);
        dash.drag_to(column + 7, row + 2);
        dash.release_at(column + 7, row + 2);
        dash.wait_for_text("sent 3 lines");
        assert_eq!(copied(&dash), ["002 of the log\nline 003 of the log\nline 004"], "{size:?}");
        quit(dash);
    }
}

#[test]
fn a_click_copies_nothing_a_double_click_a_word_and_a_triple_click_a_whole_line() {
    let project = Project::new(
        "[services]\napi = \"echo see src/main.rs:41:18, x; seq -s ' ' 100; echo last''-line; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (80, 24), &[]);
    let screen = dash.wait_for_text("last-line");
    let (column, row) = place(&screen, "main.rs");
    dash.click(column, row);
    dash.click(column, row);
    dash.wait_for_text("sent 1 line to the terminal (OSC 52)");
    assert_eq!(copied(&dash), ["src/main.rs:41:18"]);
    let (column, row) = place(&screen, "1 2 3 4");
    for _ in 0..3 {
        dash.click(column, row);
    }
    let numbers: Vec<_> = (1..=100).map(|n| n.to_string()).collect();
    dash.wait_until_raw("the long line, of which the pane shows a part, is copied as a whole", |dash| {
        copied(dash).last() == Some(&numbers.join(" "))
    });
    quit(dash);
}

#[test]
fn a_drag_over_what_stands_for_the_rest_of_a_line_copies_the_rest() {
    let project =
        Project::new("[services]\napi = \"seq -s ' ' 100; seq -s ' ' 200; echo last''-line; exec sleep 1000\"\n");
    let mut dash = Dash::start(&project, (80, 24), &[]);
    let screen = dash.wait_for_text("last-line");
    let numbers = |from: u32, to: u32| (from..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let (column, row) = place(&screen, "1 2 3 4");
    // The first line of the log is one of devgroup, and may be cut as well.
    let (cut, _) = place(screen.lines().nth(row).unwrap(), "…");
    // Never at one place twice: that would be a double click.
    for (from, to, text) in [(column + 4, cut, numbers(3, 100)), (column + 2, column + 6, numbers(2, 4))] {
        dash.press_at(from, row);
        dash.drag_to(to, row);
        dash.release_at(to, row);
        dash.wait_until_raw("the line is copied", |dash| copied(dash).last() == Some(&text));
    }
    // As over several lines.
    dash.press_at(column, row);
    dash.drag_to(cut, row + 1);
    dash.release_at(cut, row + 1);
    dash.wait_until_raw("both lines are copied", |dash| {
        copied(dash).last() == Some(&format!("{}\n{}", numbers(1, 100), numbers(1, 200)))
    });
    quit(dash);
}

#[test]
fn a_drag_beyond_the_edge_scrolls_and_selects_what_comes() {
    let project = counter(200);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    let screen = dash.wait_for_text("last-line");
    let (column, row) = place(&screen, "last-line");
    dash.press_at(column + 3, row);
    dash.drag_to(column, 1);
    dash.wait_for_text("line 150");
    dash.release_at(column, 1);
    dash.wait_for("more is copied than fits", |screen| screen.contains("sent "));
    let text = copied(&dash).pop().unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() > 50, "{} lines", lines.len());
    assert_eq!(lines.last(), Some(&"last"));
    let numbers: Vec<_> = lines[1..lines.len() - 1].iter().map(|line| line[5..8].parse::<u32>().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]) && numbers.last() == Some(&200), "{numbers:?}");
    quit(dash);
}

#[test]
fn a_selection_stays_with_its_lines_while_others_arrive() {
    let project = Project::new(
        "[services]\napi = \"echo first''-line; echo second''-line; until [ -e ../home/go ]; do sleep 0.02; done; seq 100; echo last''-line; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (80, 24), &[]);
    let screen = dash.wait_for_text("second-line");
    let (column, row) = place(&screen, "first-line");
    dash.press_at(column, row);
    dash.drag_to(column + 5, row + 1);
    dash.drag_to(column + 6, row + 1);
    dash.wait_for("both lines are there", |screen| screen.contains("first-line"));
    project.write("../home/go", "");
    // What is being selected does not move away, and when it is copied, the end is followed again.
    let screen = dash.wait_for("the others are told", |screen| screen.contains("new"));
    assert_eq!(place(&screen, "first-line"), (column, row));
    dash.release_at(column + 6, row + 1);
    dash.wait_for_text("sent 2 lines");
    assert_eq!(copied(&dash), ["first-line\nsecond-"]);
    dash.wait_for_text("last-line");
    quit(dash);
}

#[test]
fn keys_select_the_rows_of_a_full_screen_program() {
    let project =
        Project::new("[services]\napi = \"printf '\\\\033[?1049hfirst row\\\\r\\\\nlast''-row'; exec sleep 1000\"\n");
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-row");
    dash.keys("zV");
    dash.wait_for("they are in sight, and can be extended", |screen| {
        screen.contains("extend") && screen.contains("last-row")
    });
    dash.keys("gc");
    dash.wait_for_text("sent ");
    assert!(copied(&dash).pop().unwrap().starts_with("first row\nlast-row"));
    dash.keys("q");
    quit(dash);
}

#[test]
fn keys_select_in_zoom_and_copy_what_is_in_sight_elsewhere() {
    let project = counter(200);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-line");
    dash.keys("c");
    dash.wait_for_text("sent the 21 visible lines");
    let visible = copied(&dash).pop().unwrap();
    assert!(visible.starts_with("line 181 of the log\n") && visible.ends_with("\nlast-line"), "{visible}");
    dash.keys("V");
    dash.wait_for("it is zoomed", |screen| screen.contains("extend") && !screen.contains('▸'));
    dash.keys("kkk");
    dash.keys("y");
    dash.wait_for_text("sent 4 lines");
    assert_eq!(
        copied(&dash).pop().unwrap(),
        "line 198 of the log\nline 199 of the log\nline 200 of the log\nlast-line"
    );
    dash.keys("Vg");
    dash.wait_for_text("line 001");
    dash.keys("c");
    dash.wait_for_text("sent 201 lines");
    let all = copied(&dash).pop().unwrap();
    assert!(all.starts_with("line 001 of the log\nline 002"), "{all}");
    // Not `q`: it would quit if the selection were gone already.
    dash.keys("V");
    dash.wait_for_text("extend");
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("the selection is gone, zoom is not", |screen| !screen.contains("extend") && !screen.contains('▸'));
    dash.keys("q");
    quit(dash);
}

#[test]
fn keys_select_from_the_line_that_was_gone_to() {
    let project = counter(200);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-line");
    dash.keys("z/line 190\r");
    dash.wait_for("the line is gone to, and the search over", |screen| {
        screen.contains(">line 190") && !screen.contains("line 190_")
    });
    dash.keys("V");
    dash.wait_for_text("extend");
    dash.keys("jc");
    dash.wait_for_text("sent 2 lines");
    assert_eq!(copied(&dash).pop().unwrap(), "line 190 of the log\nline 191 of the log");
    // Out of the search and the zoom first.
    dash.keys("qq");
    quit(dash);
}

#[test]
fn down_from_the_top_of_all_services_goes_on_from_there() {
    let project = counter(200);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-line");
    dash.keys("a");
    dash.wait_for_text("─ all logs");
    dash.keys("g");
    dash.wait_for_text("line 001");
    // The first line is the marker of the start.
    for _ in 0..2 {
        let drawn = dash.raw().len();
        dash.keys(key::DOWN);
        dash.wait_until_raw("the mark is drawn", |dash| dash.raw().len() > drawn);
    }
    dash.keys("V");
    dash.wait_for_text("extend");
    dash.keys("c");
    dash.wait_for_text("sent 1 line");
    assert_eq!(copied(&dash).pop().unwrap(), "line 001 of the log");
    dash.keys("q");
    quit(dash);
}

#[test]
fn a_program_of_a_local_session_gets_it_too() {
    let project = counter(5);
    let folder = project.path("bin");
    write_program(&folder.join("xclip"), "#!/bin/sh\ncat > ../home/clipboard\n");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path).with_env("DISPLAY", ":0");
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-line");
    dash.keys("c");
    dash.wait_for_text("copied the 6 visible lines");
    let text = copied(&dash).pop().unwrap();
    dash.wait_while_reading("the program has it", |project| project.read("../home/clipboard") == text);
    quit(dash);
}

#[test]
fn what_is_copied_inside_of_tmux_goes_through_it() {
    let project = counter(5);
    let folder = project.path("bin");
    let script =
        "#!/bin/sh\nif [ -e ../home/broken ]; then exit 1; fi\necho \"$@\" > ../home/how; cat > ../home/buffer\n";
    write_program(&folder.join("tmux"), script);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path).with_env("TMUX", "/tmp/tmux,1,0").with_env("SSH_TTY", "/dev/pts/0");
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last-line");
    dash.keys("c");
    dash.wait_for_text("copied the 6 visible lines through tmux");
    dash.wait_while_reading("tmux has it", |project| project.read("../home/buffer").ends_with("last-line"));
    assert_eq!(project.read("../home/how"), "load-buffer -w -\n");
    assert_eq!(copied(&dash), [""; 0], "not twice");
    project.write("../home/broken", "");
    dash.keys("c");
    dash.wait_for_text("not copied: tmux failed");
    quit(dash);
}

#[test]
fn a_copy_has_no_markers_unless_there_is_nothing_else() {
    let project = counter(2);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    let screen = dash.wait_for_text("last-line");
    let (column, row) = place(&screen, "── started");
    dash.press_at(column, row);
    dash.drag_to(column + 4, row + 1);
    dash.release_at(column + 4, row + 1);
    dash.wait_for_text("sent 1 line");
    assert_eq!(copied(&dash), ["line "]);
    for _ in 0..3 {
        dash.click(column + 6, row);
    }
    dash.wait_until_raw("the marker is copied", |dash| {
        copied(dash).last().is_some_and(|text| text.starts_with("── started · "))
    });
    // The same in the view of all services.
    dash.keys("a");
    dash.wait_for_text("─ all logs");
    dash.keys("c");
    dash.wait_for_text("sent the 3 visible lines");
    assert_eq!(copied(&dash).pop().unwrap(), "line 001 of the log\nline 002 of the log\nlast-line");
    dash.keys("a");
    quit(dash);
}

#[test]
fn what_is_too_long_for_the_terminal_is_cut_and_said_to_be() {
    let project = counter(20_000);
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("last-line");
    dash.keys("zVgc");
    dash.wait_for_text("takes only the first");
    let text = copied(&dash).pop().unwrap();
    assert!(text.len() <= 75_000 && text.contains("line 001 of the log\n"), "{}", text.len());
    dash.keys("q");
    quit(dash);
}

#[test]
fn a_whole_log_is_saved_outside_of_the_project() {
    let project = counter(3000);
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("last-line");
    dash.keys("S");
    dash.wait_for_text("saved 3,002 lines: ~/state/devgroup/app-");
    let entries = std::fs::read_dir(project.path("../home/state/devgroup")).unwrap();
    // Beside the folder is the lock of the group.
    let folder = entries.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let file = std::fs::read_dir(folder.join("saved")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    let expected: String = (1..=3000).map(|n| format!("line {n:03} of the log\n")).collect();
    assert!(text.starts_with("── started · ") && text.ends_with(&(expected + "last-line\n")), "{text}");
    quit(dash);
}

#[test]
fn a_stack_trace_is_copied_as_it_was_printed() {
    let project = Project::new(
        "[services]\napi = \"printf 'Error: no  \\\\n\\\\tat a.b (c.js:1)\\\\t\\\\n    ~~~~   \\\\nend\\\\n'; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (100, 30), &[]);
    let screen = dash.wait_for("the end", |screen| screen.lines().any(|line| line.contains("│ end")));
    let (column, row) = place(&screen, "│ Error: no");
    let column = column + 2;
    dash.press_at(column, row);
    dash.drag_to(column + 40, row + 3);
    dash.release_at(column + 40, row + 3);
    dash.wait_for_text("sent 4 lines");
    assert_eq!(copied(&dash), ["Error: no  \n\tat a.b (c.js:1)\t\n    ~~~~   \nend"]);
    quit(dash);
}

/// What failed, its trace and what the server says of the request are one failure: keys go from one failure to the next, and
/// what is typed in one go happens in its order.
#[test]
fn an_error_is_gone_to_and_copied_with_its_trace_and_the_errors_beside_it() {
    let failure = |number: u32| {
        format!(
            "Internal Server Error: /orders/{number}\nTraceback (most recent call last):\n  File \"web.py\", line 6, in render\n    \
             return tpl[path]\nKeyError: '/orders/{number}'\n\"GET /orders/{number} HTTP/1.1\" 500 -"
        )
    };
    let project = Project::empty();
    let fine = "\"GET /items HTTP/1.1\" 200 -";
    project.write("log", format!("{fine}\n{}\n{fine}\n{}\n{fine}\nlast-line\n", failure(5), failure(7)));
    project.write("procgroup.toml", "[services]\napi = \"cat log; exec sleep 1000\"\nweb = \"exec sleep 1000\"\n");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("last-line");
    for (copies, (keys, place)) in
        [("ec", "error 2 of 2"), ("ec", "error 1 of 2"), ("ec", "error 2 of 2"), ("Ec", "error 1 of 2")]
            .into_iter()
            .enumerate()
    {
        dash.keys(keys);
        dash.wait_until_raw("it is copied", |dash| copied(dash).len() == copies + 1);
        let screen = dash.wait_for_text(place);
        assert!(screen.contains("sent \"Internal Server Error: "), "{screen}");
        assert!(screen.contains(", 6 lines, to the terminal"), "{screen}");
    }
    assert_eq!(copied(&dash), [failure(7), failure(5), failure(7), failure(5)]);
    dash.keys("2e");
    dash.wait_for_text("no errors in web · api has 2");
    quit(dash);
}
