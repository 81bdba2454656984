//! Typing into services: every key and paste arrives as a terminal would send it, and only one chord leaves.

use crate::harness::{Dash, Project, key};

/// The byte that Ctrl-] and Ctrl-5 send.
const LEAVE: &str = "\x1d";

/// A service that writes what it is sent into a file, byte for byte, after it has asked for some modes.
fn recorder(modes: &str) -> Project {
    let script = format!("stty raw -echo; printf '{modes}record''ing'; exec cat > ../home/typed");
    Project::new(&format!("[services]\napi = {script:?}\nother = \"echo other-says''-hello; exec sleep 1000\"\n"))
}

fn start<'p>(project: &'p Project, size: (u16, u16), text: &str) -> Dash<'p> {
    let mut dash = Dash::start(project, size, &[]);
    dash.wait_for_text(text);
    dash.keys("i");
    dash.wait_for_text("TYPING");
    dash
}

fn typed(dash: &mut Dash<'_>, expected: &str) {
    dash.wait_while_reading(&format!("{expected:?} has arrived"), |project| {
        let typed = project.read("../home/typed");
        assert!(expected.starts_with(&typed), "{typed:?} is not how {expected:?} begins");
        typed == expected
    });
}

fn leave_and_quit(mut dash: Dash<'_>) {
    dash.keys(LEAVE);
    dash.wait_for("typing is over", |screen| !screen.contains("TYPING"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_shell_answers_and_its_end_is_told() {
    let project =
        Project::new("[services]\nshell = { run = \"PS1='$ ' ENV= exec sh -i 2>&1\", restart = \"never\" }\n");
    for size in [(160, 50), (80, 24), (40, 12)] {
        let mut dash = start(&project, size, "$");
        dash.keys("echo q$((40+2))Q?\r");
        dash.wait_for_text("q42Q?");
        // Only the sleep is interrupted.
        dash.keys("sleep 1000; echo inter''rupted\r");
        dash.wait_while_reading("it sleeps", |project| {
            project.processes().iter().any(|(_, command)| command == "sleep 1000")
        });
        dash.keys(key::CTRL_C);
        dash.wait_while_reading("it sleeps no more", |project| {
            project.processes().iter().all(|(_, command)| command != "sleep 1000")
        });
        dash.keys("exit\r");
        // What is typed on is for nobody; its Enter is the way out.
        dash.wait_for("the end is told", |screen| screen.contains("has exited") && !screen.contains("TYPING"));
        dash.keys("xQ");
        dash.wait_for_text("not typed: shell");
        dash.paste("Q\rq");
        dash.keys(key::CTRL_C);
        dash.keys("x\r");
        dash.wait_for("typing is over", |screen| !screen.contains("stops typing"));
        dash.keys("i");
        dash.wait_for_text("is not running");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

#[test]
fn whoever_clears_the_screen_types_at_its_top_and_the_log_is_above() {
    let script = "seq -f number-%g 200; PS1='$ ' ENV= exec sh -i 2>&1";
    let project = Project::new(&format!("[services]\nshell = {script:?}\n"));
    let mut dash = start(&project, (80, 24), "number-200");
    dash.keys("printf '\\033[H\\033[2J'; echo first\r");
    let cleared = |screen: &str| !screen.contains("number-") && screen.contains("│ first");
    let screen = dash.wait_for("the screen is cleared, and something printed on it", cleared);
    let row = |screen: &str, text: &str| screen.lines().position(|line| line.contains(text));
    assert_eq!(row(&screen, "│ first"), Some(2), "{screen}");
    dash.wheel_up(40, 10);
    dash.wait_for("the log is above", |screen| screen.contains("number-200"));
    dash.keys("echo sec''ond\r");
    let screen = dash.wait_for("typing goes back", |screen| screen.contains("second"));
    assert!(!screen.contains("number-"), "{screen}");
    leave_and_quit(dash);
}

#[test]
fn a_password_is_not_shown() {
    let script = "stty -echo; printf 'Pass''word: '; read p; stty echo; echo; echo got-$p-; exec sleep 1000";
    let project = Project::new(&format!("[services]\nlogin = {script:?}\n"));
    let mut dash = start(&project, (80, 24), "Password:");
    dash.keys("geheim");
    dash.keys("x\x7f\r");
    let screen = dash.wait_for_text("got-geheim-");
    assert_eq!(screen.matches("geheim").count(), 1, "{screen}");
    leave_and_quit(dash);
}

#[test]
fn the_log_of_a_full_screen_program_can_be_read_and_keeps_its_last_words() {
    let project = Project::new("[services]\ntop = { run = 'sh top.sh', restart = 'never' }\n");
    project.write(
        "top.sh",
        "seq -f 'row %g' 100\nprintf '\\033[?1049h\\033[Hframe'\nread end\nprintf '\\r\\npanic: broke'\nexit 1\n",
    );
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("frame");
    dash.keys(key::PAGE_UP);
    dash.wait_for("the log is read", |screen| screen.contains("row 99") && !screen.contains("frame"));
    dash.keys("G");
    dash.wait_for_text("frame");
    // Not the number alone: it may be in that of the process.
    dash.keys("/row 99\r");
    dash.wait_for("it is searched", |screen| screen.contains("1 of 1") && !screen.contains("frame"));
    dash.keys(key::ESCAPE_IN_FULL);
    dash.keys("Gi\r");
    let last = dash.wait_for("the end is told", |screen| screen.contains("panic: broke") && screen.contains("code 1"));
    assert!(last.contains("frame") && last.contains("100"), "{last}");
    dash.keys(LEAVE);
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_full_screen_program_gets_keys_pastes_and_the_mouse_as_it_asked() {
    let project = recorder("\\033[?1049h\\033[?1h\\033[?2004h\\033[?1000h\\033[?1006h\\033[?1004h");
    let mut dash = start(&project, (80, 24), "recording");
    let mut expected = "\x1b[I".to_owned();
    typed(&mut dash, &expected);
    for (sent, arrives) in [
        ("qQ:/é", "qQ:/é"),
        (key::CTRL_C, "\x03"),
        ("\x1b[A", "\x1bOA"),
        ("\x1b[1;5A", "\x1b[1;5A"),
        ("\x1b[15~", "\x1b[15~"),
        ("\x1b[5~", "\x1b[5~"),
        ("\x1b[3~", "\x1b[3~"),
        ("\x1b[Z", "\x1b[Z"),
        ("\x1bx", "\x1bx"),
        ("\x1b\r", "\x1b\r"),
        ("\x7f\x08\t\n\r", "\x7f\x08\t\n\r"),
    ] {
        dash.keys(sent);
        expected.push_str(arrives);
        typed(&mut dash, &expected);
    }
    dash.paste("one\rtwo");
    expected.push_str("\x1b[200~one\rtwo\x1b[201~");
    typed(&mut dash, &expected);
    // The text begins in the third row and, after the sidebar, its line and the marks, in the 25th column.
    dash.click(24, 2);
    expected.push_str("\x1b[<0;1;1M\x1b[<0;1;1m");
    typed(&mut dash, &expected);
    // Twice sends it.
    dash.keys(LEAVE);
    dash.keys(LEAVE);
    dash.keys("still");
    expected.push_str("\x1b[O\x1b[I\x1dstill");
    typed(&mut dash, &expected);
    leave_and_quit(dash);
}

#[test]
fn the_cursor_has_the_shape_that_the_service_wants_while_one_types() {
    let project = recorder("\\033[5 q");
    for (term, shape) in [("xterm", "\x1b[5 q"), ("linux", "")] {
        let project = Project::new(&project.read("procgroup.toml")).with_env("TERM", term);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("recording");
        let has = |dash: &Dash<'_>, part: &str| String::from_utf8_lossy(dash.raw()).contains(part);
        assert!(!has(&dash, " q\x1b"), "it is that of the user");
        dash.keys("i");
        dash.wait_for_text("TYPING");
        assert!(has(&dash, shape), "{term}");
        dash.keys(LEAVE);
        dash.wait_for("typing is over", |screen| !screen.contains("TYPING"));
        assert!(has(&dash, "\x1b[0 q") != shape.is_empty(), "{term}");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

#[test]
fn a_service_that_asks_for_it_gets_keys_that_are_told_apart() {
    for (modes, switched, expected) in [
        ("\\033[>1u", "\x1b[>1u\x1b[>4;2m", "\x1b[13;2u\x1b[97;5u"),
        ("\\033[>4;2m", "\x1b[>1u\x1b[>4;2m", "\x1b[27;2;13~\x1b[27;5;97~"),
    ] {
        let project = recorder(modes);
        let mut dash = start(&project, (80, 24), "recording");
        let has = |dash: &Dash<'_>, part: &str| String::from_utf8_lossy(dash.raw()).contains(part);
        assert!(has(&dash, switched), "the outer terminal is asked for them");
        // As xterm and as kitty send them.
        dash.keys("\x1b[27;2;13~\x1b[97;5u");
        typed(&mut dash, expected);
        dash.keys("\x1b[93;5u");
        dash.wait_for("typing is over", |screen| !screen.contains("TYPING"));
        assert!(has(&dash, "\x1b[<u\x1b[>4m"), "and no more");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

#[test]
fn a_lone_escape_arrives_although_nothing_follows() {
    let project = recorder("");
    let mut dash = start(&project, (80, 24), "recording");
    dash.keys(key::ESCAPE);
    typed(&mut dash, "\x1b");
    leave_and_quit(dash);
}

#[test]
fn a_flood_of_keys_and_a_large_paste_lose_nothing() {
    let project = recorder("");
    let mut dash = start(&project, (80, 24), "recording");
    let mut expected = "0123456789".repeat(2_000);
    dash.keys(&expected);
    typed(&mut dash, &expected);
    let paste = "a line of text\r".repeat(10_000);
    dash.paste(&paste);
    expected.push_str(&paste);
    typed(&mut dash, &expected);
    leave_and_quit(dash);
}

#[test]
fn a_click_on_the_sidebar_leaves_and_the_keys_are_the_dashboards_again() {
    let project = recorder("");
    let mut dash = start(&project, (80, 24), "recording");
    let row = dash.screen().lines().position(|line| line.contains("other")).unwrap();
    dash.click(6, row);
    dash.wait_for("the other one is shown", |screen| screen.contains("other-says-hello") && !screen.contains("TYPING"));
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
    assert_eq!(project.read("../home/typed"), "");
}
