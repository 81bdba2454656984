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

/// Asks its terminal for the background after the first byte, and writes down what it is sent then.
const ASKS: &str = r#"
[services]
api = """
stty raw -echo; printf 'ask''ing'; head -c1 >/dev/null
printf '\\033]11;?\\033\\\\\\033]4;1;?\\007'; exec cat > ../home/typed
"""
"#;

const QUESTION: &str = "\x1b]11;?\x1b\\";

/// Lets the service ask, and compares what it is sent. A key that is typed then may arrive before the answers.
fn assert_told(dash: &mut Dash<'_>, expected: &str) {
    dash.keys("i");
    dash.wait_for_text("TYPING");
    dash.keys("?");
    dash.wait_while_reading("it has asked", |project| project.root().join("../home/typed").exists());
    dash.keys("!");
    dash.wait_while_reading("the key and as many answers have arrived", |project| {
        let typed = project.read("../home/typed");
        typed.contains('!') && typed.len() > expected.len()
    });
    assert_eq!(dash.project().read("../home/typed").replace('!', ""), expected);
    dash.keys("\x1d");
    dash.wait_for("typing is over", |screen| !screen.contains("TYPING"));
}

#[test]
fn a_service_is_told_what_the_terminal_says_else_what_the_theme_stands_on() {
    let told = "\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\\x1b]4;1;rgb:dcdc/0000/0000\x07";
    let black = "\x1b]11;rgb:0000/0000/0000\x1b\\";
    let white = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
    let terminal_says = "\x1b]11;rgb:fd/f6/e3\x1b\\\x1b]4;1;rgb:dc/00/00\x07";
    for (term, ground, says, expected) in [
        ("xterm", "", terminal_says, told),
        ("xterm", "15;0", terminal_says, told),
        ("xterm", "15;0", "", black),
        ("linux", "15;0", "", black),
        ("xterm", "0;15", "", white),
        // The terminal answers what it is (DA1), and no colours; or it is not asked.
        ("xterm", "", "", black),
        ("linux", "", "", black),
    ] {
        let project = Project::new(ASKS).with_env("TERM", term).with_env("COLORFGBG", ground);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("asking");
        let asked = raw(&dash);
        assert_eq!(asked.matches(QUESTION).count(), usize::from(term == "xterm"), "{asked:?}");
        let blue = asked.contains(";34m") || asked.contains("\x1b[0;34");
        assert_eq!(blue, ground == "0;15", "{asked:?}");
        dash.keys(says);
        if ground.is_empty() && !says.is_empty() {
            dash.wait_until_raw("the theme is that for a light background", |dash| raw(dash).contains("\x1b[0;34m"));
        }
        assert_told(&mut dash, expected);
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

#[test]
fn a_service_is_told_what_the_theme_is_for_where_the_terminal_answers_nothing_at_all() {
    let asks = r#"
[services]
api = """
stty raw -echo min 0 time 2; echo asking
until grep -q rgb ../home/typed; do printf '\\033]11;?\\033\\\\'; dd bs=100 count=1 >> ../home/typed; done 2>/dev/null
exec sleep 1000
"""
"#;
    let project = Project::new(asks);
    let mut dash = Dash::start(&project, (80, 24), &[]).mute();
    dash.wait_while_reading("it is told", |project| {
        // On a busy machine it asks twice before the first answer is there.
        let typed = project.root().join("../home/typed");
        typed.exists() && project.read("../home/typed").contains("\x1b]11;rgb:0000/0000/0000\x1b\\")
    });
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn of_several_terminals_the_last_that_has_told_counts() {
    let project = Project::new(ASKS);
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
    let mut dashes = Vec::new();
    for says in ["\x1b]11;rgb:00/00/00\x1b\\", "\x1b]11;rgb:ffff/ffff/ffff\x07"] {
        let mut dash = Dash::start(&project, (80, 24), &["attach"]);
        dash.wait_for_text("asking");
        assert_eq!(raw(&dash).matches(QUESTION).count(), 1);
        dash.keys(says);
        // Keys arrive in order: this one was taken, so the answer was.
        dash.keys("?");
        dash.wait_for_text("restart menu");
        dash.keys("\x1b[27u");
        dash.wait_for("the help is closed", |screen| !screen.contains("restart menu"));
        dashes.push(dash);
    }
    assert_told(&mut dashes[0], "\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
    for mut dash in dashes {
        dash.keys("D");
        dash.wait_end();
    }
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

/// A shell that takes down what is typed after the dashboard.
const SHELL: &str =
    "saved=$(stty -g); \"$0\"; stty -echo -icanon min 0 time 10; cat > ../home/typed; stty \"$saved\"; echo over";

/// What is left for the shell if this is typed as soon as the dashboard has given the screen back.
fn left_for_the_shell(mut dash: Dash<'_>, typed: &str) -> String {
    dash.keys("q");
    dash.wait_until_raw("the screen is given back", |dash| raw(dash).contains("\x1b[?1049l"));
    dash.keys(typed);
    dash.wait_for_text("over");
    assert!(!raw(&dash).contains("rgb:"), "answers were echoed");
    let left = dash.project().read("../home/typed");
    assert_eq!(dash.wait_exit().code, Some(0));
    left
}

#[test]
fn answers_that_come_after_the_end_are_not_typed_into_the_shell() {
    let answers = "\x1b]10;rgb:0/0/0\x1b\\\x1b]11;rgb:fd/f6/e3\x1b\\\x1b]4;1;rgb:dc/00/00\x1b\\\x1b[?62;22c";
    let project = Project::new(ASKS);
    let start = || Dash::start_program(&project, "sh", (80, 24), &["-c", SHELL, env!("CARGO_BIN_EXE_devgroup")]);
    let mut dash = start().mute();
    dash.wait_for_text("asking");
    assert!(raw(&dash).contains("\x1b[c"), "the last question");
    assert_eq!(left_for_the_shell(dash, answers), "");
    // Where all is answered, nobody waits, and what is typed is the shell's.
    let mut dash = start();
    dash.wait_for_text("asking");
    dash.keys("?");
    dash.wait_for_text("restart menu");
    dash.keys("\x1b[27u");
    dash.wait_for("the help is closed", |screen| !screen.contains("restart menu"));
    assert_eq!(left_for_the_shell(dash, "ls"), "ls");
}

/// Underlines of a service, as they are told.
const UNDERLINES: &str = "[services]\napi = \"printf '\\\\033[4:3;58;5;196mone\\\\033[0m \\\\033[21mtwo\\\\033[0m \\\\033[4mthree\\\\033[0m \\\\033[53mend\\\\033[0m\\\\n'; exec sleep 1000\"\n";

#[test]
fn underlines_are_drawn_in_their_kind_where_the_terminal_knows_it() {
    let kinds = ["\x1b[0;4;4:3;58:5:196mone", "\x1b[0;4;4:2mtwo", "\x1b[0;4mthree", "\x1b[0;53mend"];
    // The same looks are not told again.
    let plain = ["\x1b[0;4mone", "Htwo", "Hthree", "\x1b[0;53mend"];
    for (term, drawn, streamed) in
        [("xterm-kitty", kinds, "\x1b[0;4:3;58:5:196mone"), ("xterm-256color", plain, "\x1b[0;4mone")]
    {
        let project = Project::new(UNDERLINES).with_env("TERM", term);
        let mut dash = Dash::start(&project, (100, 30), &[]);
        dash.wait_for_text("one two three end");
        let screen = raw(&dash);
        assert!(drawn.iter().all(|drawn| screen.contains(drawn)), "{term}: {screen:?}");
        assert_eq!(screen.contains("\x1b[0;4;4:"), term == "xterm-kitty", "{term}: {screen:?}");
        let mut logs = Dash::start(&project, (100, 30), &["logs", "api"]);
        logs.wait_for_text("one two three end");
        assert!(raw(&logs).contains(streamed), "{term}: {:?}", raw(&logs));
        logs.wait_end();
        let told = Stream::ask(&project, &["logs", "api", "--raw"]).stdout;
        assert!(told.contains("\x1b[0;4:3;58:5:196mone\x1b[0m \x1b[0;4:2mtwo"), "{told:?}");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}
