//! Every way in which devgroup can end, over every kind of process that it can have started: nothing is left, and the
//! terminal is as it was.

use std::fs;

use rustix::process::{Signal, kill_process};

use crate::harness::{Dash, Ended, Project, Stream, is_linux, key, process, wait_for};

const NORMAL: (u16, u16) = (120, 40);

/// One service for each way to live on. Each is up once its file is there.
const GROUP: &str = r#"
[defaults]
stop    = { grace = "300ms" }
restart = "never"

[logs]
files = true

[services]
plain    = "touch ../home/up-plain; exec sleep 1000"
shell    = "touch ../home/up-shell; sleep 1000; true"
pair     = "sleep 1000 & touch ../home/up-pair; sleep 1001"
forwards = "sh ./wrap.sh 4 forward up-forwards"
deaf     = "sh ./wrap.sh 4 ignore up-deaf"
hasty    = "sh ./wrap.sh 3 leave up-hasty"
holds    = "(trap '' TERM HUP; touch ../home/up-holds; while :; do sleep 0.05; done) & exec sleep 1000"
daemon   = "setsid sh -c 'touch ../home/up-daemon; exec sleep 1000' & exec sleep 1000"
twice    = "(setsid sh -c 'trap \"\" TERM HUP; touch ../home/up-twice; while :; do sleep 0.05; done' &) ; exec sleep 1000"
chain    = "setsid sh ./chain.sh & exec sleep 1000"
args     = { run = ["sh", "-c", "touch ../home/up-args; sleep 1000; true"] }

[services.slow]
run  = "trap 'sleep 0.2; echo last-words; echo done > ../home/cleaned; exit 0' TERM; touch ../home/up-slow; while :; do sleep 0.02; done"
stop = { grace = "20s" }
"#;

const NAMES: [&str; 12] =
    ["plain", "shell", "pair", "forwards", "deaf", "hasty", "holds", "daemon", "twice", "chain", "args", "slow"];

/// Wrappers in wrappers: the innermost sleeps; the others pass TERM on and wait, ignore it, or end before their child.
const WRAP: &str = r#"
if [ "$1" = 0 ]; then touch "../home/$3"; exec sleep 1000; fi
case $2 in
  forward) trap 'kill -TERM $child; wait $child; exit 0' TERM ;;
  ignore)  trap '' TERM ;;
  leave)   trap 'exit 0' TERM ;;
esac
sh ./wrap.sh $(($1 - 1)) "$2" "$3" &
child=$!
wait $child
wait $child
"#;

/// Forks, ends, and forks again, each time in a session of its own.
const CHAIN: &str = "trap '' TERM HUP\ntouch ../home/up-chain\nsleep 0.02\nsetsid sh ./chain.sh &\n";

/// The services: those that leave their session end with it on Linux alone.
fn names() -> Vec<&'static str> {
    let ends = |name: &&str| is_linux() || !["daemon", "twice", "chain"].contains(name);
    NAMES.into_iter().filter(ends).collect()
}

/// By what the guard knows what it has ended.
fn leftover() -> &'static str {
    if is_linux() { "processes" } else { "process groups" }
}

fn group() -> Project {
    let is_known = |line: &&str| {
        let name = line.split(' ').next().unwrap_or_default();
        !NAMES.contains(&name) || names().contains(&name)
    };
    let project = Project::new(&GROUP.lines().filter(is_known).map(|line| format!("{line}\n")).collect::<String>());
    project.write("wrap.sh", WRAP);
    project.write("chain.sh", CHAIN);
    project
}

/// Waits until all services are as far as they get.
fn all_up(dash: &mut Dash<'_>) {
    for name in names() {
        let file = format!("../home/up-{name}");
        dash.wait_while_reading(&format!("{name} is up"), |project| project.path(&file).exists());
    }
    dash.wait_for("the dashboard is there", |screen| screen.contains("q quit"));
}

fn started(project: &Project) -> Dash<'_> {
    let mut dash = Dash::start(project, NORMAL, &[]);
    all_up(&mut dash);
    dash
}

/// What the kept log of the service that cleans up says.
fn slow_log(project: &Project) -> String {
    let state = project.path("../home/state/devgroup");
    let groups = fs::read_dir(state).unwrap().map(|group| group.unwrap().path().join("logs"));
    // Beside the folder may be the lock of the group.
    let files = groups
        .filter(|logs| logs.is_dir())
        .flat_map(|logs| fs::read_dir(logs).unwrap())
        .map(|file| file.unwrap().path());
    let slow = files.filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("slow")));
    slow.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// After an end that asks: the cleanup was complete, and its last words are kept.
fn assert_polite(project: &Project) {
    assert_eq!(project.read("../home/cleaned"), "done\n");
    let log = slow_log(project);
    assert!(log.contains("last-words"), "{log}");
}

fn kill(pid: u32, signal: Signal) {
    kill_process(process(pid), signal).unwrap();
}

mod by_the_user {
    use super::*;

    #[test]
    fn with_the_key_that_asks() {
        let project = group();
        let mut dash = started(&project);
        dash.keys("q");
        let ended = dash.wait_exit();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.last_line.contains(&format!("{} services stopped in", names().len())), "{ended:?}");
        assert_polite(&project);
    }

    #[test]
    fn with_the_key_that_does_not_ask() {
        let project = group();
        let mut dash = started(&project);
        dash.keys("Q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn with_control_c_twice() {
        let project = group();
        // Without it, all of them may have ended before anybody looks.
        let stubborn = "\n[services.stubborn]\nstop = { grace = \"10m\" }\n\
                        run = \"trap '' TERM; touch ../home/up-stubborn; while :; do sleep 0.05; done\"\n";
        project.write("procgroup.toml", project.read("procgroup.toml") + stubborn);
        let mut dash = started(&project);
        dash.wait_while_reading("it ignores SIGTERM", |project| project.path("../home/up-stubborn").exists());
        dash.keys(key::CTRL_C);
        dash.wait_for_text("STOPPING");
        dash.keys(key::CTRL_C);
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn with_control_c_on_a_stream_which_the_terminal_sends_to_guard_and_program() {
        let project = group();
        let mut dash = Dash::start(&project, NORMAL, &["--no-tui"]);
        for name in names() {
            let file = format!("../home/up-{name}");
            dash.wait_while_reading(&format!("{name} is up"), |project| project.path(&file).exists());
        }
        dash.keys(key::CTRL_C);
        assert_eq!(dash.wait_exit().code, Some(130));
        assert_polite(&project);
    }

    #[test]
    fn after_the_shell_has_stopped_a_stream_and_let_it_go_on() {
        let project = Project::new("[services]\napi = \"echo api''-is-up; exec sleep 1000\"\n");
        let devgroup = env!("CARGO_BIN_EXE_devgroup");
        let script = format!(
            "set -m; trap : INT; {devgroup} --no-tui; echo stopped-$(($? > 128)); fg >/dev/null; echo over-$?; read line; echo $line"
        );
        let mut dash = Dash::start_program(&project, "/bin/bash", NORMAL, &["-c", &script]);
        dash.wait_for_text("api-is-up");
        dash.keys("\x1a");
        dash.wait_for_text("stopped-1");
        dash.keys(key::CTRL_C);
        dash.wait_for_text("over-130");
        dash.keys("typed\n");
        assert!(dash.wait_exit().last_line.contains("typed"));
    }
}

mod by_a_signal {
    use super::*;

    #[test]
    fn that_asks() {
        for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
            let project = group();
            let dash = started(&project);
            dash.signal(signal);
            assert_eq!(dash.wait_exit().code, Some(code));
            assert_polite(&project);
        }
    }

    #[test]
    fn from_a_terminal_that_closes() {
        let project = group();
        let mut dash = started(&project);
        dash.hang_up();
        dash.wait_exit();
        assert_polite(&project);
    }

    #[test]
    fn that_kills_the_program() {
        for (signal, name, code) in [(Signal::KILL, "SIGKILL", 137), (Signal::ABORT, "SIGABRT", 134)] {
            let project = group();
            let dash = started(&project);
            kill(dash.program(), signal);
            let (Ended { code: ended, .. }, screen) = dash.wait_exit_with_screen();
            assert_eq!(ended, Some(code), "{screen}");
            assert!(
                screen.contains(&format!("devgroup was killed by {name} · killed leftover {}: ", leftover())),
                "{screen}"
            );
        }
    }

    #[test]
    fn that_kills_the_program_of_a_stream() {
        let project = group();
        let mut stream = Stream::start(&project, &[]);
        for name in names() {
            let file = format!("../home/up-{name}");
            wait_for(&format!("{name} is up"), || project.path(&file).exists());
        }
        stream.wait_for_text("started");
        kill(stream.program(), Signal::KILL);
        let ended = stream.wait_exit();
        assert_eq!(ended.code, Some(137));
        assert!(
            ended.stderr.contains(&format!("devgroup was killed by SIGKILL · killed leftover {}: ", leftover())),
            "{}",
            ended.stderr
        );
    }
}

mod by_a_fault {
    use super::*;

    fn with_fault(place: &str) -> Project {
        let project = group();
        let file = project.path("../home/fault").display().to_string();
        project.with_env("DEVGROUP_FAULT", &format!("{place}={file}"))
    }

    #[test]
    fn of_the_loop() {
        let project = with_fault("loop");
        let mut dash = started(&project);
        project.write("../home/fault", "");
        dash.keys("p");
        let (Ended { code, .. }, screen) = dash.wait_exit_with_screen();
        assert_eq!(code, Some(1), "{screen}");
        assert!(screen.contains("a fault in the loop was asked for"), "{screen}");
        assert!(screen.contains("devgroup crashed and killed its services"), "{screen}");
    }

    #[test]
    fn of_the_dashboard() {
        let project = with_fault("dashboard");
        let mut dash = started(&project);
        project.write("../home/fault", "");
        dash.keys("j");
        let (Ended { code, .. }, screen) = dash.wait_exit_with_screen();
        assert_eq!(code, Some(1), "{screen}");
        assert!(screen.contains("a fault in the dashboard was asked for"), "{screen}");
        assert!(screen.contains("the dashboard crashed, so the services were stopped"), "{screen}");
        assert_polite(&project);
    }
}

mod without_a_guard {
    use super::*;
    use crate::harness::program_below;

    /// devgroup below a shell, which has the terminal afterwards.
    fn below_a_shell(project: &Project) -> (Dash<'_>, u32) {
        let script = format!("{}; echo back-in-the-shell; read line; echo $line", env!("CARGO_BIN_EXE_devgroup"));
        let mut dash = Dash::start_program(project, "/bin/sh", NORMAL, &["-c", &script]);
        all_up(&mut dash);
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", dash.pid())).unwrap();
        (dash, children.trim().parse().unwrap())
    }

    fn only_the_shell_is_left(project: &Project) -> bool {
        project.processes().iter().all(|(_, command)| command.starts_with("/bin/sh -c"))
    }

    #[test]
    fn the_program_quits_by_itself_and_gives_the_terminal_back() {
        let project = group();
        let (mut dash, guard) = below_a_shell(&project);
        kill(guard, Signal::KILL);
        dash.wait_while_reading("all has ended", only_the_shell_is_left);
        assert_polite(&project);
        dash.keys("typed\n");
        dash.wait_for_text("typed");
        dash.wait_exit();
        assert!(fs::read_dir(project.path("../home/run/devgroup")).unwrap().next().is_none());
    }

    #[test]
    fn the_next_start_finds_what_is_left_by_its_mark() {
        if !is_linux() {
            return;
        }
        let project = group();
        let (mut dash, guard) = below_a_shell(&project);
        let program = program_below(guard).unwrap();
        // Stopped, so that it cannot do anything in between.
        kill(program, Signal::STOP);
        kill(guard, Signal::KILL);
        kill(program, Signal::KILL);
        dash.wait_while_reading("the shell is back", |project| {
            project.processes().iter().all(|(pid, _)| *pid != i32::try_from(program).unwrap())
        });
        // Those without a terminal do not even notice.
        assert!(!only_the_shell_is_left(&project));
        for name in names() {
            fs::remove_file(project.path(&format!("../home/up-{name}"))).unwrap();
        }

        let kept = Project::command(&project, env!("CARGO_BIN_EXE_devgroup"))
            .args(["--keep-leftovers", "--no-tui", "--timeout", "1s", "plain"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&kept.stderr).into_owned();
        assert!(said.contains("leftover processes of an earlier run: ") && said.contains(" · kept"), "{said}");
        assert!(!only_the_shell_is_left(&project));

        let ended =
            project.command(env!("CARGO_BIN_EXE_devgroup")).args(["--no-tui", "--timeout", "1s", "plain"]).output();
        let said = String::from_utf8_lossy(&ended.unwrap().stderr).into_owned();
        assert!(said.contains("killed leftover processes of an earlier run: "), "{said}");
        assert_eq!(said.matches("killed leftover processes of an earlier run: ").count(), 1, "{said}");
        // The guard kills a program that has nothing more to do, and does not wait until the kernel has taken it apart.
        dash.wait_while_reading("only the shell is left", only_the_shell_is_left);
        dash.keys("typed\r\n");
        // Not by `wait_exit`: nobody was left to give the terminal back. Nor while reading: with the shell, all has ended
        // but what the kernel still takes apart.
        wait_for("all have ended", || project.processes().is_empty());
    }
}

mod a_second_start {
    use super::*;

    #[test]
    fn says_who_was_first_and_leaves_it_alone() {
        let project = Project::new("name = 'shop'\n[services]\napi = \"echo api''-is-up; exec sleep 1000\"\n");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("api-is-up");
        let second = project.command(env!("CARGO_BIN_EXE_devgroup")).arg("--no-tui").output().unwrap();
        let pid = dash.pid();
        assert_eq!(second.status.code(), Some(1));
        assert_eq!(
            String::from_utf8_lossy(&second.stderr),
            format!(
                "error: shop is already running here, pid {pid}\n  help: `devgroup attach` opens it, `devgroup down` stops it\n"
            )
        );
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
        let ended = Stream::run(&project, &["--timeout", "100ms"]);
        assert_eq!(ended.code, Some(124), "{ended:?}");
    }
}

mod many_restarts {
    use super::*;

    fn status(pid: u32, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn descriptors(pid: u32) -> usize {
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
    }

    #[test]
    fn leave_memory_and_descriptors_as_they_were() {
        let daemon = if is_linux() { "(setsid sleep 1000 &); " } else { "" };
        let run = format!("{daemon}echo start >> ../home/api; exec sleep 1000");
        let project = Project::new(&format!("[services]\napi = \"{run}\"\n"));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        let mut before = (0, 0);
        let mut memory = Vec::new();
        for round in 1..=100 {
            dash.wait_while_reading("it has started", |project| project.lines("../home/api") == round);
            dash.wait_for("it is up", |screen| screen.contains("● api") || screen.contains("●"));
            let program = dash.program();
            if round == 20 {
                before = (descriptors(program), status(program, "Threads"));
            }
            if round % 20 == 0 {
                memory.push(status(program, "VmRSS"));
            }
            if round < 100 {
                dash.keys("r");
            }
        }
        let program = dash.program();
        // What the twentieth had not opened yet may be there; one for each restart may not.
        dash.wait_while_reading("descriptors and threads are given back", |_| {
            descriptors(program) <= before.0 + 4 && status(program, "Threads") <= before.1 + 4
        });
        let grown = status(program, "VmRSS").saturating_sub(memory[0]);
        assert!(grown < 2_000, "{grown} kB more after 80 restarts; after each 20: {memory:?}");
        // What each restart leaves behind grows in each part.
        let parts = memory.windows(2).map(|part| part[1].saturating_sub(part[0]));
        assert!(parts.min().unwrap() < 400, "memory after each 20 restarts, in kB: {memory:?}");
        assert!(status(dash.pid(), "VmSize") > 0 && descriptors(dash.pid()) < 10, "the guard");
        dash.keys("q");
        dash.wait_exit();
    }
}
