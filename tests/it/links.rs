//! Links: those that a service prints and addresses in its text, places in files, and the address of a service.

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Dash, Project, Stream, copied, is_linux, key, place, quit, wait_for, write_program};

/// A service that prints a text, and goes on.
fn printer(text: &str) -> Project {
    let project = Project::new("[services]\napi = \"cat ../home/text; echo la''st; exec sleep 1000\"\n");
    project.write("../home/text", text);
    project
}

fn raw(dash: &Dash<'_>) -> String {
    String::from_utf8_lossy(dash.raw()).into_owned()
}

/// The links that the terminal was told, in order: id, target, and the text up to the next sequence.
fn told(dash: &Dash<'_>) -> Vec<(String, String, String)> {
    let raw = raw(dash);
    let begun = raw.split("\x1b]8;id=").skip(1).filter_map(|rest| {
        let (id, rest) = rest.split_once(';')?;
        let (target, text) = rest.split_once("\x1b\\")?;
        Some((id.to_owned(), target.to_owned(), text.split('\x1b').next()?.to_owned()))
    });
    begun.collect()
}

const PRINTED: &str = "go \x1b]8;id=own;https://x.org/a;b\x1b\\\x1b[31mhere\x1b[0m\x1b]8;;\x1b\\ or http://127.0.0.1:8101/ok, \
    not \x1b]8;;javascript:alert(1)\x1b\\evil\x1b]8;;\x1b\\ nor \x1b]8;;http://a\u{9c}b\x1b\\odd\x1b]8;;\x07\n";

#[test]
fn links_go_through_to_the_terminal_and_addresses_become_links() {
    let project = printer(PRINTED);
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("last");
    let links = told(&dash);
    let pairs: Vec<_> = links.iter().map(|(_, target, text)| (target.as_str(), text.as_str())).collect();
    let address = "http://127.0.0.1:8101/ok";
    assert_eq!(pairs, [("https://x.org/a;b", "here"), (address, address)]);
    let raw = raw(&dash);
    assert!(!raw.contains("javascript") && !raw.contains("id=own") && !raw.contains("http://a"), "{raw:?}");
    assert!(raw.contains("here\x1b]8;;\x1b\\"), "{raw:?}");
    // A copy has the text only.
    dash.keys("c");
    dash.wait_for_text("sent ");
    let copied = copied(&dash);
    assert!(copied[0].contains("go here or http://127.0.0.1:8101/ok, not evil nor odd\nlast"), "{copied:?}");
    // A panel that covers the text covers the links.
    let screen = dash.screen();
    let (column, row) = place(&screen, "here or http");
    assert_eq!(dash.link_at(column, row).map(|(target, _)| target).as_deref(), Some("https://x.org/a;b"));
    dash.keys("?");
    dash.wait_for_text("type to filter");
    assert_eq!(dash.link_at(column, row), None);
    dash.keys(key::ESCAPE_IN_FULL);
    dash.wait_for("the help is closed", |screen| !screen.contains("type to filter"));
    quit(dash);
}

#[test]
fn an_address_that_is_wrapped_or_cut_leads_where_all_of_it_does() {
    let address = format!("http://x.org/{}", "0123456789".repeat(15));
    let project = printer(&format!("see {address}\n"));
    let mut dash = Dash::start(&project, (80, 24), &[]);
    dash.wait_for_text("last");
    let cut = told(&dash);
    assert_eq!(cut.len(), 1, "{cut:?}");
    assert!(cut[0].1 == address && cut[0].2.len() < address.len(), "{cut:?}");
    dash.keys("z");
    let screen =
        dash.wait_for("it is wrapped", |screen| screen.contains("see http") && screen.contains("\n 123456789\n"));
    let (column, row) = place(&screen, "http://");
    let first = dash.link_at(column, row);
    assert_eq!(first.as_ref().map(|(target, _)| target), Some(&address));
    // All of its rows are one link, and nothing beside them is a part of it.
    for (column, row) in [(79, row), (1, row + 1), (40, row + 1), (79, row + 1), (1, row + 2), (9, row + 2)] {
        assert_eq!(dash.link_at(column, row), first, "column {column}, row {row}");
    }
    for (column, row) in [(column - 1, row), (10, row + 2), (1, row + 3)] {
        assert_eq!(dash.link_at(column, row), None, "column {column}, row {row}");
    }
    dash.keys("z");
    dash.wait_for("it is cut again", |screen| !screen.contains("\n 123456789\n"));
    quit(dash);
}

#[test]
fn a_terminal_that_would_print_them_is_told_no_links() {
    for (name, value) in [("TERM", "linux"), ("TERM", "screen"), ("VTE_VERSION", "4803")] {
        let project = printer(PRINTED).with_env(name, value);
        let mut dash = Dash::start(&project, (100, 30), &[]);
        dash.wait_for_text("last");
        assert_eq!(told(&dash), [], "{name}={value}");
        quit(dash);
    }
}

/// An editor for the tests: it says what it was told, and waits for a line.
fn with_editor(project: Project) -> Project {
    let path = project.path("../home/nano");
    write_program(
        &path,
        // The end of the path: the folder for temporary files may be longer than a row.
        "#!/bin/sh\nfolder=$(basename \"$(dirname \"$2\")\")\n\
         printf '\\033[?1049h\\033[2J\\033[Hediting %s /%s/%s\\n' \"$1\" \"$folder\" \"$(basename \"$2\")\"\n\
         read answer\nprintf '\\033[?1049l'\n",
    );
    project.with_env("VISUAL", path.to_str().unwrap())
}

#[test]
fn a_place_in_a_file_is_opened_by_a_click_and_a_double_click_copies_it() {
    let project =
        Project::new("[services.api]\nrun = \"cat ../../home/text; echo la''st; exec sleep 1000\"\ndir = \"sub\"\n");
    let project = with_editor(project);
    project.write("sub/src/a.py", "");
    project.write("top.rs", "");
    project.write("../home/text", "at src/a.py:12:5, top.rs:7 and none.rs:3\n");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    let screen = dash.wait_for_text("last");
    let (column, row) = place(&screen, "src/a.py");
    // There is no such file: nothing is opened.
    let (missing, _) = place(&screen, "none.rs");
    dash.click(missing + 2, row);
    dash.click(column + 2, row);
    dash.click(column + 2, row);
    dash.wait_for_text("sent 1 line");
    let (top, _) = place(&screen, "top.rs:7");
    dash.click(top + 7, row);
    dash.wait_for("the file of the folder of procgroup.toml", |screen| {
        screen.contains("editing +7 ") && screen.contains("/app/top.rs")
    });
    assert_eq!(raw(&dash).matches("editing").count(), 1, "the double click opened nothing");
    dash.keys("\r");
    dash.wait_for_text("opened ");
    dash.click(column, row);
    dash.wait_for("the file of the folder of the service", |screen| {
        screen.contains("editing +12 ") && screen.contains("/src/a.py")
    });
    dash.keys("\r");
    dash.wait_for_text("last");
    quit(dash);
}

const TRACE: &str = "starting\nInternal Server Error: /orders/325\nTraceback (most recent call last):\n  File \"/usr/lib/none.py\", line 3, in run\n    handler()\n  \
    File \"views/main.py\", line 4, in handler\n    order()\n  File \"views/order.py\", line 12, in order\n    return tpl\n\
    NameError: name 'tpl' is not defined\n";

#[test]
fn the_place_of_an_error_is_opened_and_without_one_the_log() {
    let project = with_editor(printer(TRACE));
    for file in ["views/main.py", "views/order.py"] {
        project.write(file, "");
    }
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("last");
    dash.keys("v");
    dash.wait_for_text("/api.log");
    dash.keys("\r");
    dash.wait_for_text("opened ");
    dash.keys("e");
    dash.wait_for_text("error 1 of 1");
    dash.keys("v");
    dash.wait_for("where it has happened", |screen| {
        screen.contains("editing +12 ") && screen.contains("/views/order.py")
    });
    dash.keys("\r");
    dash.wait_for_text("opened ");
    // A line that names a place is opened there, also within a trace; one without is in the log.
    for (text, opened) in [("main.py", "/views/main.py"), ("starting", "/api.log")] {
        dash.keys(&format!("/{text}"));
        dash.wait_for_text("1 of 1");
        dash.keys(&format!("{}v", key::ENTER));
        dash.wait_for(opened, |screen| screen.contains("editing ") && screen.contains(opened));
        dash.keys("\r");
        dash.wait_for_text("opened ");
        dash.keys(key::ESCAPE_IN_FULL);
    }
    quit(dash);
}

const WEB: &str = "[services.web]\nrun = \"echo he''re; exec sleep 1000\"\nurl = \"http://localhost:8101/\"\n[services.worker]\nrun = \"exec sleep 1000\"\n";

/// A desktop with a browser, which writes down what it is to open, and stays.
fn with_browser(project: Project) -> Project {
    let folder = project.path("../home/bin");
    let name = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    write_program(&folder.join(name), "#!/bin/sh\necho \"$1\" > ../home/new; mv ../home/new ../home/opened\n");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    project.with_env("PATH", &path).with_env("DISPLAY", ":0")
}

#[test]
fn a_key_opens_the_address_of_a_service_or_says_it() {
    let project = with_browser(Project::new(WEB));
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("1o");
    dash.wait_for_text("opened http://localhost:8101/");
    dash.wait_while_reading("the browser has it", |project| project.path("../home/opened").exists());
    assert_eq!(project.read("../home/opened"), "http://localhost:8101/\n");
    dash.keys("2o");
    dash.wait_for_text("give worker a `url` or a `port`");
    quit(dash);
    let project = project.with_env("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("1o");
    let screen = dash.wait_for_text("open http://localhost:8101/");
    assert!(screen.contains("no browser here"), "{screen}");
    quit(dash);
}

#[test]
fn the_browser_that_is_named_opens_it_without_a_desktop() {
    let project = Project::new(WEB);
    let browser = project.path("../home/browser");
    write_program(&browser, "#!/bin/sh\necho \"$1\" > ../home/new; mv ../home/new ../home/opened\n");
    let project = project.with_env("BROWSER", &browser.display().to_string());
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("1o");
    dash.wait_for_text("opened http://localhost:8101/");
    dash.wait_while_reading("the browser has it", |project| project.path("../home/opened").exists());
    let asked = Stream::ask(&project, &["url", "--open", "web"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(0), "http://localhost:8101/\n"), "{}", asked.stderr);
    quit(dash);
}

#[test]
fn the_browser_is_that_of_who_looks() {
    let project = Project::new(WEB);
    assert_eq!(Stream::ask(&project, &["-d"]).code, Some(0));
    let project = with_browser(project);
    let mut dash = Dash::start(&project, (100, 30), &["attach"]);
    dash.wait_for_text("here");
    dash.keys("1o");
    dash.wait_for_text("opened http://localhost:8101/");
    dash.wait_while_reading("the browser has it", |project| project.path("../home/opened").exists());
    dash.keys("D");
    dash.wait_end();
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
}

/// What is left of the browser, and of the services, by its command.
fn sleepers(project: &Project) -> Vec<(String, i32)> {
    let sleepers = project.processes().into_iter().filter(|(_, command)| command.starts_with("sleep "));
    let mut sleepers: Vec<_> = sleepers.map(|(pid, command)| (command, pid)).collect();
    sleepers.sort_unstable();
    sleepers
}

#[test]
fn what_serves_the_clipboard_goes_on_when_the_group_ends() {
    if !is_linux() {
        return;
    }
    let project = Project::new(WEB);
    // As xclip: it reads, goes into the background, and stays for whoever pastes.
    let folder = project.path("../home/bin");
    write_program(&folder.join("xclip"), "#!/bin/sh\ncat > ../home/clipboard\n(exec sleep 1004 >/dev/null 2>&1 &)\n");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let project = project.with_env("PATH", &path).with_env("DISPLAY", ":0");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("1c");
    dash.wait_while_reading("it serves the clipboard", |project| {
        sleepers(project).iter().any(|(command, _)| command == "sleep 1004")
    });
    dash.keys("q");
    assert_eq!(dash.wait_end().code, Some(0));
    let left = sleepers(&project);
    assert_eq!(left.iter().map(|(command, _)| command.as_str()).collect::<Vec<_>>(), ["sleep 1004"]);
    for (_, pid) in left {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    wait_for("it is gone", || sleepers(&project).is_empty());
}

#[test]
fn a_browser_goes_on_when_the_group_ends() {
    if !is_linux() {
        return;
    }
    let project = with_browser(Project::new(WEB));
    // One part goes into the background, one stays, and one has thrown away its environment.
    let script =
        "#!/bin/sh\n(sleep 1001 &)\nenv -i DEVGROUP_TEST_ID=\"$DEVGROUP_TEST_ID\" sleep 1003 &\nexec sleep 1002\n";
    write_program(&project.path("../home/bin/xdg-open"), script);
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("here");
    dash.keys("1o");
    let commands = |project: &Project| sleepers(project).into_iter().map(|(command, _)| command).collect::<Vec<_>>();
    dash.wait_while_reading("the browser is there", |project| {
        commands(project) == ["sleep 1000", "sleep 1000", "sleep 1001", "sleep 1002", "sleep 1003"]
    });
    dash.keys("q");
    assert_eq!(dash.wait_end().code, Some(0));
    assert_eq!(commands(&project), ["sleep 1001", "sleep 1002", "sleep 1003"]);
    for (_, pid) in sleepers(&project) {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    wait_for("the browser is gone", || sleepers(&project).is_empty());
}

#[test]
fn logs_and_streams_keep_links_on_a_terminal_that_knows_them_and_print_the_text_elsewhere() {
    let project = printer(PRINTED);
    let mut stream = Dash::start(&project, (100, 30), &["--no-tui"]);
    stream.wait_for_text("last");
    let mut logs = Dash::start(&project, (100, 30), &["logs", "api"]);
    logs.wait_for_text("last");
    for printed in [raw(&stream), raw(&logs)] {
        let link = "go \x1b]8;;https://x.org/a;b\x1b\\\x1b[0;31mhere\x1b[0m\x1b]8;;\x1b\\ or http://127.0.0.1:8101/ok, not evil";
        assert!(printed.contains(link), "{printed:?}");
        assert!(!printed.contains("javascript") && !printed.contains("http://a"), "{printed:?}");
    }
    logs.wait_end();
    for piped in [&["logs", "api"][..], &["logs", "api", "--raw"], &["logs", "api", "--json"]] {
        let printed = Stream::ask(&project, piped).stdout;
        assert!(printed.contains("here") && !printed.contains("x.org"), "{piped:?}: {printed:?}");
    }
    stream.keys("\x03");
    stream.wait_exit();
}
