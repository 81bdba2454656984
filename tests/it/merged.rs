//! The merged view, the search over all services, errors that nobody has seen, and the user's editor: in a real terminal.

use std::fs;

use crate::harness::{Dash, Project, copied, key, place, quit, write_program};

/// Three services that print numbered lines when their turn comes: the turn is a file.
fn group() -> Project {
    let service = |name: &str| {
        format!(
            "{name} = \"n=0; while read turn; do n=$((n+1)); echo \\\"{name} said $n $turn\\\"; done < pipe-{name}; exec sleep 1000\"\n"
        )
    };
    let project = Project::new(&format!("[services]\n{}{}", service("api"), service("worker")));
    for name in ["api", "worker"] {
        let pipe = project.root().join(format!("pipe-{name}"));
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    project
}

fn print_words(project: &Project, name: &str, words: &str) -> fs::File {
    use std::io::Write;
    let mut pipe = fs::OpenOptions::new().write(true).open(project.root().join(format!("pipe-{name}"))).unwrap();
    writeln!(pipe, "{words}").unwrap();
    pipe
}

#[test]
fn the_merged_view_shows_lines_as_they_arrive_and_goes_to_them_by_a_click() {
    let project = group();
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("2 ● worker");
    dash.keys("a");
    dash.wait_for_text("─ all logs");
    let api = print_words(&project, "api", "good morning");
    dash.wait_for_text("api    │ api said 1 good morning");
    let worker = print_words(&project, "worker", "hello");
    let screen = dash.wait_for_text("worker │ worker said 1 hello");
    assert!(place(&screen, "api said 1").1 < place(&screen, "worker said 1").1, "{screen}");
    // A drag copies the text, and no name.
    let (column, row) = place(&screen, "api said 1");
    dash.press_at(column, row);
    dash.drag_to(column + 13, row + 1);
    dash.release_at(column + 13, row + 1);
    dash.wait_for_text("sent 2 lines");
    let copied = copied(&dash).pop().unwrap();
    assert!(copied.starts_with("api said 1 good morning\n") && !copied.contains('│'), "{copied}");
    // Another size, and the click still finds its line.
    dash.resize((80, 24));
    let screen =
        dash.wait_for("the smaller screen", |screen| screen.lines().count() == 24 && screen.contains("worker said 1"));
    let (column, row) = place(&screen, "worker said 1");
    dash.click(column, row);
    dash.wait_for("the pane of the worker", |screen| {
        screen.contains("── 2 worker ● ") && !screen.contains("─ all logs")
    });
    drop((api, worker));
    quit(dash);
}

#[test]
fn keys_select_lines_of_several_services() {
    let project = group();
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("2 ● worker");
    dash.keys("a");
    let mut pipes = Vec::new();
    for (name, words) in [("api", "one"), ("worker", "two"), ("api", "three")] {
        pipes.push(print_words(&project, name, words));
        dash.wait_for_text(words);
    }
    dash.keys("Vk");
    dash.wait_for("it is said how to go on", |screen| screen.contains("extend") && screen.contains("─ all logs"));
    // What comes meanwhile is not selected.
    pipes.push(print_words(&project, "worker", "four"));
    dash.wait_for_text("worker said 2 four");
    dash.keys("y");
    dash.wait_for_text("sent 2 lines");
    assert_eq!(copied(&dash).pop().unwrap(), "worker said 1 two\napi said 2 three");
    dash.keys("GVg");
    dash.wait_for_text("extend");
    dash.keys(key::ENTER);
    dash.wait_for_text("sent 4 lines");
    assert_eq!(copied(&dash).pop().unwrap(), "api said 1 one\nworker said 1 two\napi said 2 three\nworker said 2 four");
    dash.keys("V");
    dash.wait_for_text("extend");
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("the merged view is left as it was", |screen| {
        screen.contains("─ all logs") && !screen.contains("extend")
    });
    dash.keys("q");
    dash.wait_for("the panes", |screen| !screen.contains("─ all logs"));
    drop(pipes);
    quit(dash);
}

#[test]
fn runs_of_all_services_are_gone_to_in_the_order_in_which_they_began() {
    let service = |name: &str| {
        format!(
            "{name} = \"[ -e {name}.ran ] && again=yes; touch {name}.ran; seq -f '{name} %g' 60; ${{again:+echo {name} again}}; exec sleep 1000\"\n"
        )
    };
    let project = Project::new(&format!("[services]\n{}{}", service("one"), service("two")));
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("one 60");
    dash.keys("2");
    dash.wait_for_text("two 60");
    dash.keys("1ar");
    dash.wait_for_text("one │ one again");
    // The line that was gone to.
    let marked = |screen: &str| {
        let line = screen.lines().find_map(|line| line.split_once('>').map(|(_, line)| line.to_owned()));
        line.unwrap_or_default()
    };
    dash.keys("[");
    let second = marked(&dash.wait_for("the second run of one", |screen| marked(screen).contains("restarted")));
    assert!(second.starts_with("one │ ── "), "{second}");
    let mut first = Vec::new();
    for _ in 0..2 {
        let before = marked(&dash.screen());
        dash.keys("[");
        first.push(marked(&dash.wait_for("an earlier run", |screen| !["", &*before].contains(&&*marked(screen)))));
    }
    first.sort();
    let names: Vec<_> = first.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names, ["one", "two"], "{first:?}");
    dash.keys("[");
    dash.wait_for_text("no earlier run");
    dash.keys("]]");
    dash.wait_for("the second run of one again", |screen| marked(screen) == second);
    dash.keys("]");
    dash.wait_for_text("no later run");
    dash.keys("q");
    dash.wait_for("the panes", |screen| !screen.contains("─ all logs"));
    quit(dash);
}

#[test]
fn a_search_over_all_services_goes_to_the_next_one() {
    let project = Project::new(
        "[services]\none = \"echo first needle; exec sleep 1000\"\ntwo = \"echo second needle; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("first needle");
    dash.keys("/needle");
    dash.wait_for_text("of 2");
    dash.keys("\x1b[Z");
    dash.wait_for_text("(all services)");
    dash.wait_for("all are counted", |screen| screen.contains("of 4"));
    dash.keys(key::ENTER);
    dash.wait_for_text("2 of 4");
    for (place, service) in [("3 of 4", "2 two"), ("4 of 4", "2 two"), ("1 of 4", "1 one")] {
        dash.keys("n");
        dash.wait_for(place, |screen| screen.contains(place) && screen.contains(&format!("── {service} ")));
    }
    dash.wait_for_text("continuing from");
    quit(dash);
}

#[test]
fn errors_out_of_sight_are_counted_in_the_sidebar_until_they_are_seen() {
    let project = Project::new(
        "[services]\nlook = \"exec sleep 1000\"\nfails = \"echo ERROR one; echo fine; echo ERROR two; exec sleep 1000\"\n",
    );
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for("the count", |screen| screen.lines().any(|line| line.contains("fails") && line.contains("e2")));
    dash.keys("2");
    dash.wait_for("it is gone", |screen| {
        screen.contains("ERROR two") && !screen.lines().any(|line| line.contains("fails") && line.contains("e2"))
    });
    quit(dash);
}

/// An editor for the tests: it says what it was told, waits for a line, and ends as it is told.
fn editor(project: &Project, name: &str) -> String {
    let path = project.root().join(name);
    let script = "#!/bin/sh\nprintf '\\033[?1049h\\033[2J\\033[Hediting %s %s\\n' \"$1\" \"$(basename \"$2\")\"\n\
                  sed -n \"${1#+}p\" \"$2\"\nread answer\nprintf '\\033[?1049l'\nexit $answer\n";
    write_program(&path, script);
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_editor_gets_the_terminal_and_the_dashboard_comes_back_whole() {
    let project = Project::new("[services]\napi = \"seq -f 'line %g' 200; while sleep 0.2; do echo ti''ck; done\"\n");
    let path = editor(&project, "nano");
    let project = project.with_env("VISUAL", &path);
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("tick");
    dash.keys("/line 123");
    dash.wait_for_text("1 of 1");
    dash.keys(key::ENTER);
    dash.keys("v");
    let screen = dash.wait_for("the line in the editor", |screen| {
        screen.contains("editing +124 api.log") && screen.contains("line 123")
    });
    assert!(!screen.contains("devgroup  "), "{screen}");
    dash.resize((100, 30));
    dash.keys("0\r");
    let screen = dash.wait_for_text("opened ");
    assert!(screen.contains("devgroup  ") && screen.lines().count() == 30, "{screen}");
    assert!(!screen.contains("editing"), "{screen}");
    // The keys are the dashboard's again, and Ctrl-C in the editor was not for it.
    dash.keys("Gv");
    dash.wait_for_text("editing");
    dash.keys("3\r");
    dash.wait_for_text("failed: exit 3");
    dash.keys("v");
    dash.wait_for_text("editing");
    dash.keys(key::CTRL_C);
    dash.wait_for("the editor is interrupted, and not the group", |screen| {
        screen.contains("was killed by signal 2") || screen.contains("failed: exit 130")
    });
    dash.keys("?");
    dash.wait_for_text("type to filter");
    dash.keys(key::ESCAPE_IN_FULL);
    quit(dash);
}

#[test]
fn an_editor_that_is_missing_is_said_and_one_that_is_open_at_the_end_is_ended() {
    let project = Project::new("[services]\napi = \"echo he''re; exec sleep 1000\"\n");
    let path = editor(&project, "vi");
    let missing = project.with_env("VISUAL", "no-such-editor");
    let mut dash = Dash::start(&missing, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("v");
    dash.wait_for_text("cannot run `no-such-editor`");
    quit(dash);
    let project = missing.with_env("VISUAL", &path);
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("v");
    dash.wait_for_text("editing");
    dash.signal(rustix::process::Signal::TERM);
    assert_eq!(dash.wait_exit().code, Some(143));
}

#[test]
fn what_is_read_stays_where_it_is_whatever_happens_around_it() {
    let long = format!("and a tail {} end", "that is wrapped at the width of either screen, ".repeat(5));
    let project = Project::new(&format!(
        "[services]\napi = \"for i in $(seq 300); do echo \\\"line $i {long}\\\"; done; while read word; do for i in 1 2 3; do echo \\\"$word $i\\\"; done; done < pipe\"\n"
    ));
    assert!(std::process::Command::new("mkfifo").arg(project.path("pipe")).status().unwrap().success());
    let mut dash = Dash::start(&project, (160, 50), &[]);
    dash.wait_for_text("line 300");
    dash.keys("z/line 150 ");
    dash.wait_for_text("1 of 1");
    dash.keys(key::ENTER);
    let top = |screen: &str| screen.lines().nth(2).unwrap_or_default().chars().skip(1).take(8).collect::<String>();
    let first = top(&dash.wait_for("the line is in sight", |screen| screen.contains("line 150 ")));
    assert!(first.starts_with("line 1"), "{first}");
    let stays = |dash: &mut Dash<'_>, name: &str, also: &str| {
        dash.wait_for(name, |screen| top(screen).contains(&first) && screen.contains(also));
    };
    // It prints.
    use std::io::Write;
    let mut pipe = fs::OpenOptions::new().write(true).open(project.path("pipe")).unwrap();
    writeln!(pipe, "new").unwrap();
    stays(&mut dash, "three are new", "3 new lines");
    // Lines are cut, and wrapped again.
    dash.keys("w");
    stays(&mut dash, "lines are cut", "…");
    dash.keys("w");
    stays(&mut dash, "lines are wrapped", "screen,  end");
    // Another size.
    dash.resize((80, 24));
    dash.wait_for("the line is at the top of the smaller screen", |screen| {
        screen.lines().count() == 24
            && screen.lines().any(|line| line.get(1..).is_some_and(|line| line.starts_with(&first)))
    });
    dash.resize((160, 50));
    stays(&mut dash, "the larger screen again", "3 new lines");
    // Times: of the day, since the start, none.
    dash.keys("t");
    dash.wait_for("the clock", |screen| {
        let line = screen.lines().nth(2).unwrap_or_default();
        line.contains(&first) && line.chars().skip(1).take(8).filter(|c| *c == ':').count() == 2
    });
    dash.keys("t");
    dash.wait_for("since the start", |screen| {
        let line = screen.lines().nth(2).unwrap_or_default();
        line.contains(&first) && line.trim_start().starts_with('+')
    });
    dash.keys("t");
    stays(&mut dash, "no times", "3 new lines");
    // A filter hides it, and goes.
    dash.keys("\x1b[27u&new\r");
    dash.wait_for("the filter", |screen| screen.contains("new 3") && !screen.contains("screen,  end"));
    dash.keys("&\r");
    stays(&mut dash, "the filter is gone", "screen,  end");
    dash.keys("G");
    dash.wait_for("the end is followed", |screen| screen.contains("new 3") && !screen.contains("G follows"));
    drop(pipe);
    dash.keys("qq");
    assert_eq!(dash.wait_exit().code, Some(0));
}
