//! Colours of services, on terminals that have fewer of them.

use crate::harness::{Dash, Project, Stream};

/// What a service prints: the one colour in three ways.
const PRINTS: &str = "[services]\napi = \"printf '\\\\033[38;2;255;0;0mone\\\\033[0m \\\\033[48;5;196mtwo\\\\033[0m \\\\033[31mthree\\\\033[0m end\\\\n'; exec sleep 1000\"\n";

/// The environment of a terminal, and how it is told `one` and `two` by a stream.
const TERMINALS: [(&str, &str, &str, &str, &str); 4] = [
    ("xterm-256color", "truecolor", "", "38;2;255;0;0mone", "48;5;196mtwo"),
    ("xterm-256color", "", "", "38;5;196mone", "48;5;196mtwo"),
    ("xterm", "", "", "91mone", "101mtwo"),
    // GNU screen, started in a terminal that has all colours.
    ("screen", "truecolor", "1.screen", "91mone", "101mtwo"),
];

fn project((term, colorterm, sty, ..): (&str, &str, &str, &str, &str)) -> Project {
    Project::new(PRINTS).with_env("TERM", term).with_env("COLORTERM", colorterm).with_env("STY", sty)
}

fn raw(dash: &Dash<'_>) -> String {
    String::from_utf8_lossy(dash.raw()).into_owned()
}

#[test]
fn a_stream_and_logs_have_those_of_the_terminal() {
    for terminal in TERMINALS {
        let project = project(terminal);
        let mut stream = Dash::start(&project, (100, 30), &["--no-tui"]);
        stream.wait_for_text("one two three end");
        let mut logs = Dash::start(&project, (100, 30), &["logs", "api"]);
        logs.wait_for_text("one two three end");
        for printed in [raw(&stream), raw(&logs)] {
            let has = |text: &str| printed.contains(text);
            assert!(has(terminal.3) && has(terminal.4) && has("31mthree"), "{terminal:?}: {printed:?}");
        }
        logs.wait_end();
        stream.keys("\x03");
        stream.wait_exit();
    }
}

/// No colour beyond those of the terminal was sent to it.
fn assert_fits(dash: &Dash<'_>, terminal: (&str, &str, &str, &str, &str)) {
    let raw = raw(dash);
    assert_eq!(raw.contains("\x1b[0;38;2;"), terminal.3.contains("38;2;"), "{terminal:?}: {raw:?}");
    assert_eq!(raw.contains("\x1b[0;48;5;"), terminal.4.contains("8;5;"), "{terminal:?}: {raw:?}");
}

#[test]
fn the_dashboard_has_those_of_the_terminal_that_it_is_drawn_on() {
    for terminal in TERMINALS {
        let project = project(terminal);
        let mut dash = Dash::start(&project, (100, 30), &[]);
        dash.wait_for_text("one two three end");
        assert_fits(&dash, terminal);
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
    // The group was started where there are all colours; who attaches has fewer.
    let [full, _, few, _] = TERMINALS;
    let project = project(full);
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
    let project = project.with_env("TERM", few.0).with_env("COLORTERM", "");
    let mut dash = Dash::start(&project, (100, 30), &["attach"]);
    dash.wait_for_text("one two three end");
    assert_fits(&dash, few);
    dash.keys("D");
    dash.wait_end();
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}
