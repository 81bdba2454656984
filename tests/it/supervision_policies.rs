//! What devgroup does for services that are stuck, that others need, and that should not be replaced by what does not
//! build; and what it remembers of them.

use std::fs;

use rustix::process::Signal;

use crate::content_changes::starts_once_known;
use crate::harness::{Dash, Project, Stream, key, wait_for};

const NORMAL: (u16, u16) = (100, 30);
const LARGE: (u16, u16) = (160, 50);

fn starts(project: &Project, name: &str) -> usize {
    project.lines(&format!("../home/{name}"))
}

/// A service that says in a file how often it was started, and sleeps.
fn sleeper(name: &str, keys: &str) -> String {
    format!("[services.{name}]\nrun = \"echo start >> ../home/{name}; echo {name}-is-up; exec sleep 1000\"\n{keys}\n")
}

mod validate {
    use super::*;

    const KEYS: &str = "watch = ['src/**']\nvalidate = { run = 'echo checking; sh src/check', timeout = '30s' }";

    fn project(check: &str) -> Project {
        let project = Project::new(&sleeper("api", KEYS));
        project.write("src/check", check);
        project
    }

    #[test]
    fn keeps_what_runs_until_a_change_passes() {
        let project = project("exit 0");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("api-is-up");
        dash.wait_for_text("watching 1 service");
        project.write("src/check", "echo no good; exit 101");
        dash.wait_for_text("stale · validate failed · exit 101");
        dash.wait_for("the sidebar and the log say so", |screen| {
            screen.lines().any(|line| line.contains("● api") && line.contains("stale")) && screen.contains("no good")
        });
        assert_eq!(starts(&project, "api"), 1);
        project.write("src/check", "exit 0 # repaired");
        dash.wait_for_text("restarted · src/check changed");
        dash.wait_while_reading("it was replaced", |project| starts(project, "api") == 2);
        dash.wait_for("nothing is stale any more", |screen| {
            screen.lines().any(|line| line.contains("● api") && line.contains("running") && !line.contains("stale"))
        });
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn keeps_nothing_any_more_when_the_files_are_what_runs() {
        let project = project("exit 0");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("api-is-up");
        dash.wait_for_text("watching 1 service");
        let before = starts_once_known(&mut dash, &project, "api", "src/check");
        project.write("src/check", "exit 101");
        dash.wait_for("it is stale", |screen| {
            screen.lines().any(|line| line.contains("● api") && line.contains("stale"))
        });
        project.write("src/check", "exit 0");
        dash.wait_for("it is what the files are", |screen| {
            screen.lines().any(|line| line.contains("● api") && line.contains("running") && !line.contains("stale"))
        });
        let events = dash.ask(&["events"]).stdout;
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "api"), before, "{events}");
    }

    #[test]
    fn before_the_first_start_waits_for_a_change() {
        let project = project("exit 2");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("not started · validate failed · exit 2");
        dash.wait_for_text("watching 1 service");
        assert_eq!(starts(&project, "api"), 0);
        project.write("src/check", "exit 0");
        dash.wait_while_reading("it starts", |project| starts(project, "api") == 1);
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn begins_anew_with_a_change_and_leaves_nothing_behind() {
        let project = project("exit 0");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("api-is-up");
        dash.wait_for_text("watching 1 service");
        project.write("src/check", "sleep 1000 & sleep 1000");
        dash.wait_for("it is being validated", |screen| screen.contains("validating"));
        let waits = || project.processes().iter().filter(|(_, line)| line.as_str() == "sleep 1000").count();
        // The service itself, and the two of the validation.
        wait_for("the first validation goes on", || waits() == 3);
        project.write("src/check", "exit 3");
        dash.wait_for_text("stale · validate failed · exit 3");
        wait_for("the first validation is gone", || waits() == 1);
        project.write("src/check", "sleep 1000 & sleep 1000");
        wait_for("a third validation goes on", || waits() == 3);
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

mod validate_in_a_stream {
    use super::*;

    #[test]
    fn that_fails_ends_what_waits_for_its_service() {
        let project = Project::new(
            &(sleeper("api", "watch = true\nvalidate = { run = 'echo no good; exit 101' }") + &sleeper("web", "")),
        );
        let streamed = Stream::run(&project, &["--no-tui", "--exit-with", "api"]);
        assert_eq!(streamed.code, Some(1), "{streamed:?}");
        assert!(streamed.stdout.contains("no good") && streamed.stdout.contains("validate failed · exit 101"));
        let streamed = Stream::run(&project, &["--no-tui", "--no-watch", "api"]);
        assert_eq!(streamed.code, Some(5), "{streamed:?}");
        assert_eq!(starts(&project, "api"), 0);
    }
}

mod alive {
    use super::*;

    #[test]
    fn a_heartbeat_that_stops_is_a_restart_that_says_for_how_long() {
        let project = Project::new(
            "[services.worker]\nrun = \"echo start >> ../home/worker; i=0; while [ $i -lt 8 ]; do i=$((i+1)); echo $i > beat; sleep 0.1; done; echo now''-stuck; exec sleep 1000\"\nalive = { file = 'beat', max_age = '700ms' }\nbackoff = { initial = '10ms' }\n",
        );
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_for_text("now-stuck");
        dash.wait_for("the marker says what was stale", |screen| {
            let marker = screen.lines().find(|line| line.contains("restarted · stuck: beat not written for "));
            marker.is_some_and(|line| {
                line.contains("(max_age 700ms)") && line.contains(" · up ") && !line.contains("was ")
            })
        });
        dash.wait_for("the sidebar counts it on its own", |screen| screen.contains("!1") && !screen.contains("✗1"));
        dash.wait_while_reading("it runs again", |project| starts(project, "worker") >= 2);
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn one_that_never_shows_life_is_given_up() {
        let project = Project::new(&sleeper(
            "api",
            "alive = { cmd = 'exit 7', every = '20ms', failures = 2, grace = '0s' }\nbackoff = { initial = '1ms', max = '5ms' }\nbreaker = { failures = 3, within = '60s', cooldown = '10m' }",
        ));
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_for_text("gave up · 3 crashes");
        dash.wait_for_text("stuck · `exit 7`: exit 7, 2 times in");
        dash.wait_for("the circuit is open, with its countdown", |screen| {
            screen.contains("crash-loop") && screen.contains("next try")
        });
        // The last try can be over before it has come to its first line.
        assert_eq!(dash.screen().matches("✗── stuck").count(), 3, "{}", dash.screen());
        // A hand closes it.
        dash.keys("s");
        dash.wait_for_text("restarted manually");
        dash.keys("q");
        dash.wait_exit();
    }
}

mod dependents {
    use super::*;

    #[test]
    fn follow_a_cascade_and_no_other_restart() {
        let text = sleeper("db", "cascade = true")
            + &sleeper("api", "depends_on = ['db']")
            + &sleeper("web", "depends_on = ['api']")
            + &sleeper("mail", "");
        let project = Project::new(&text);
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_while_reading("all run", |project| starts(project, "web") == 1 && starts(project, "mail") == 1);
        dash.wait_for_text("4 running");
        dash.keys("1r");
        dash.wait_while_reading("all that need it run again", |project| {
            ["db", "api", "web"].iter().all(|name| starts(project, name) == 2)
        });
        dash.keys("2");
        dash.wait_for_text("restarted · db restarted");
        dash.keys("2r");
        dash.wait_while_reading("api alone runs again", |project| starts(project, "api") == 3);
        dash.wait_for_text("4 running");
        assert_eq!((starts(&project, "web"), starts(&project, "mail")), (2, 1));
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn say_which_dependency_has_failed() {
        let text = "[services.db]\nrun = \"sleep 0.3; exit 3\"\nkind = 'job'\n".to_owned()
            + &sleeper("api", "depends_on = ['db']")
            + &sleeper("web", "depends_on = ['api']");
        let project = Project::new(&text);
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.keys("2");
        dash.wait_for("sidebar and marker name it", |screen| {
            screen.contains("── blocked · db failed (exit 3)")
                && screen.lines().any(|line| line.contains("api") && line.contains("db failed"))
                && screen.lines().any(|line| line.contains("web") && line.contains("db failed"))
        });
        dash.keys("q");
        dash.wait_exit();
        let streamed = Stream::run(&project, &["--no-tui"]);
        assert!(streamed.stdout.contains("db failed (exit 3)"), "{}", streamed.stdout);
        assert_eq!(streamed.code, Some(5), "{streamed:?}");
    }
}

mod a_daemon {
    use super::*;

    #[test]
    fn of_one_service_outlives_the_end_of_another() {
        let daemon = "[services.one]\nrun = \"setsid sh -c 'echo $$ > ../home/daemon; exec sleep 1000' & echo one''-is-up; exec sleep 1000\"\n";
        let project = Project::new(&(daemon.to_owned() + &sleeper("two", "")));
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_for("both are up", |screen| screen.contains("one-is-up") && screen.contains("two-is-up"));
        dash.wait_while_reading("the daemon is there", |project| project.lines("../home/daemon") == 1);
        let daemon = project.read("../home/daemon").trim().parse::<i32>().unwrap();
        let lives = || project.processes().iter().any(|(pid, _)| *pid == daemon);
        dash.keys("2x");
        dash.wait_for_text("1 stopped");
        assert!(lives(), "the daemon of one was ended with two");
        dash.keys("1x");
        dash.wait_for_text("2 stopped");
        wait_for("it ends with its own service", || !lives());
        dash.keys("q");
        dash.wait_exit();
    }
}

mod details {
    use super::*;

    #[test]
    fn tell_of_earlier_calls_of_ports_and_of_the_environment_but_no_secret() {
        let project = Project::new(
            "[services.api]\nrun = \"echo ${GREETING}; exec sleep 1000\"\nenv = { GREETING = 'hello', API_TOKEN = 'hush-hush', DB = 'postgres://shop:hush-hush@db/shop' }\n",
        );
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_for_text("hello");
        dash.keys("r");
        dash.wait_for_text("restarted manually");
        dash.keys("q");
        dash.wait_exit();
        let mut dash = Dash::start(&project, LARGE, &[]);
        dash.wait_for_text("● api");
        dash.keys("d");
        let screen = dash.wait_for("runs, ports and environment", |screen| {
            screen.contains("RUNS BEFORE THIS START")
                && screen.contains("ENVIRONMENT SET HERE")
                && screen.contains("listens on")
        });
        for text in ["· at startup · up ", "· manually · up ", "API_TOKEN=******", "GREETING=hello"] {
            assert!(screen.contains(text), "{text}\n{screen}");
        }
        assert!(screen.contains("postgres://shop:******@db/shop") && !screen.contains("hush-hush"), "{screen}");
        // At every size all of it can be reached.
        dash.resize((40, 12));
        dash.wait_for("it is cut", |screen| screen.contains("more"));
        dash.keys("G");
        dash.wait_for("the end", |screen| screen.contains("end ") && !screen.contains("more"));
        dash.keys("g");
        dash.wait_for_text("command");
        dash.keys(key::ESCAPE_IN_FULL);
        dash.wait_for("the details are closed", |screen| !screen.contains("command "));
        dash.keys("q");
        dash.wait_exit();
    }
}

/// The files of the state folder of the project's group.
fn state_file(project: &Project, name: &str) -> Option<std::path::PathBuf> {
    let folder = project.path("../home/state/devgroup");
    // The lock of the group is beside its folder.
    let mut files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(name)));
    files.find(|path| path.exists())
}

mod the_status_file {
    use super::*;

    #[test]
    fn tells_of_the_loop_while_it_runs_and_is_gone_after_a_clean_end() {
        let project = Project::new(&sleeper("api", ""));
        let stream = Stream::start(&project, &["--no-tui"]);
        wait_for("there is one", || state_file(&project, "status.json").is_some());
        let text = fs::read_to_string(state_file(&project, "status.json").unwrap()).unwrap();
        for part in [
            "\"version\":1",
            "\"pid\":",
            "\"group\":\"app\"",
            "\"since\":\"",
            "\"last_turn\":\"",
            "\"longest_turn_ms\":",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        stream.signal(Signal::TERM);
        assert_eq!(stream.wait_exit().code, Some(143));
        assert_eq!(state_file(&project, "status.json"), None);
        assert!(state_file(&project, "history.json").is_some());
    }

    #[test]
    fn and_the_history_are_done_without_where_there_is_no_place_for_them() {
        let project = Project::new(&sleeper("api", "")).with_env("XDG_STATE_HOME", "/dev/null/no");
        let mut stream = Stream::start(&project, &["--no-tui"]);
        stream.wait_for_text("api-is-up");
        stream.signal(Signal::TERM);
        assert_eq!(stream.wait_exit().code, Some(143));
    }
}
