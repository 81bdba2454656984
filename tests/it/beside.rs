//! What runs beside the services (validations, hooks, probes, stop commands) has no part in the terminal of devgroup.

use rustix::process::Signal;

use crate::harness::{Dash, Project, Stream, compile, write_program};

const NORMAL: (u16, u16) = (100, 30);

/// Writes to its terminal what clears a screen, and notes that it was there.
const SPILL: &str =
    "{ printf '\\033[2J\\033[Hspilled-by-%s\\r\\n' \"$1\" >/dev/tty; } 2>/dev/null\necho \"$1\" >> ../home/ran\n";

const GROUP: &str = r"
[services.api]
run       = 'echo api\-is-up; exec sleep 1000'
watch     = true
validate  = { run = '''sh spill validate; echo size $(stty size <&2); stty -icanon min 1 <&2; head -c1 <&2; read x </dev/tty || test -e go''' }
ready     = { cmd = 'sh spill ready; true' }
alive     = { cmd = 'sh spill alive; true', every = '100ms' }
stop      = { command = 'sh spill stop; exec sleep 1000', grace = '200ms' }

[services.css]
run       = 'echo css\-is-up; exec sleep 1000'
watch     = true
on_change = 'run:sh spill hook; read x </dev/tty || echo nothing-typed'
";

#[test]
fn what_runs_beside_a_service_neither_draws_nor_reads_on_the_terminal_of_the_dashboard() {
    let project = Project::new(GROUP);
    project.write("spill", SPILL);
    let mut dash = Dash::start(&project, NORMAL, &[]);
    // Who reads fails at once, also without waiting for the end of a line, instead of waiting until its time is over.
    let log = dash.wait_for_text("not started · validate failed · exit 1");
    let size = log.lines().find_map(|line| line.split_once("size ")).unwrap().1;
    assert_ne!(size.split_whitespace().next(), Some("30"), "the size of the whole screen: {log}");
    dash.wait_for_text("watching 2 services");
    project.write("go", "");
    for name in ["validate", "hook", "ready", "alive"] {
        dash.wait_while_reading(&format!("the helper `{name}` has run"), |project| ran(project, name));
    }
    dash.wait_for_text("api-is-up");
    dash.keys("2");
    dash.wait_for("the log of css", |screen| screen.contains("css-is-up") && screen.contains("nothing-typed"));
    dash.keys("q");
    dash.wait_while_reading("the stop command has run", |project| ran(project, "stop"));
    let written = String::from_utf8_lossy(dash.raw()).into_owned();
    for name in ["validate", "hook", "ready", "alive", "stop"] {
        assert!(!written.contains(&format!("spilled-by-{name}")), "{name}");
    }
    assert_eq!(dash.wait_exit().code, Some(0));
}

fn ran(project: &Project, name: &str) -> bool {
    project.path("../home/ran").exists() && project.read("../home/ran").lines().any(|line| line == name)
}

/// As where a container forbids it.
const NO_UNSHARE: &str = "#include <errno.h>\nint unshare(int flags) { errno = EPERM; return -1; }\n";

#[test]
fn where_threads_have_no_folder_of_their_own_a_helper_begins_in_its_folder_and_session_all_the_same() {
    let project = Project::new(
        "[services.api]\n\
         run = 'exec sleep 1000'\n\
         dir = \"it's a dir\"\n\
         validate = { run = ['./check', 'a b', '-n'] }\n",
    );
    let Some(shim) = compile(&project, "no_unshare.so", NO_UNSHARE, &["-shared", "-fPIC"]) else { return };
    let check = "#!/bin/sh\n\
                 echo \"${PWD##*/}|$1|$2\"\n\
                 read -r _ _ _ _ group session _ < /proc/$$/stat\n\
                 test $group = $$ && test $session = $$ && test -t 1 && ! (: </dev/tty) 2>/dev/null && echo checked\n";
    write_program(&project.path("it's a dir/check"), check);
    let preload = format!("LD_PRELOAD={}", shim.display());
    let words = [preload.as_str(), env!("CARGO_BIN_EXE_devgroup"), "--no-tui"];
    let mut group = Stream::start_program(&project, "env", &words);
    group.wait_for("its line", |out| out.contains("it's a dir|a b|-n\n") && out.contains("checked"));
    group.signal(Signal::INT);
    group.wait_exit();
}
