//! What devgroup does with processes and files: starts, restarts, holds, crashes, and ends that leave nothing behind.

use rustix::process::Signal;

use crate::harness::{Dash, Project, key, wait_for};

const NORMAL: (u16, u16) = (100, 30);

/// A service that says in a file how often it was started, and sleeps.
fn sleeper(name: &str, keys: &str) -> String {
    format!("[services.{name}]\nrun = \"echo start >> ../home/{name}; echo {name}-is-up; exec sleep 1000\"\n{keys}\n")
}

fn starts(project: &Project, name: &str) -> usize {
    project.lines(&format!("../home/{name}"))
}

/// Waits until a dashboard shows these services, and watches their files.
fn up(dash: &mut Dash<'_>, names: &[&str]) {
    for name in names {
        dash.wait_while_reading(&format!("{name} has started"), |project| starts(project, name) > 0);
        dash.wait_for(&format!("{name} is up"), |screen| {
            screen.lines().any(|line| line.contains(name) && line.contains("● "))
        });
    }
}

mod a_change {
    use super::*;

    #[test]
    fn restarts_those_that_watch_the_file_and_says_why() {
        let text = sleeper("api", "watch = ['api/**']") + &sleeper("web", "watch = ['web/**']");
        let project = Project::new(&text);
        project.write("api/main.rs", "1");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        up(&mut dash, &["api", "web"]);
        dash.wait_for_text("watching 2 services");
        project.write("api/main.rs", "2");
        dash.wait_for_text("restarted · api/main.rs changed");
        dash.wait_for("the sidebar counts it", |screen| screen.contains("↻1"));
        dash.wait_while_reading("it runs again", |project| starts(project, "api") == 2);
        assert_eq!(starts(&project, "web"), 1);
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
        assert_eq!(starts(&project, "api"), 2);
    }

    #[test]
    fn of_an_ignored_file_does_nothing_and_the_panel_says_by_which_rule() {
        let project = Project::new(&sleeper("api", "watch = true"));
        project.git(&["init", "-q"]);
        project.write(".gitignore", "/generated\n*.out\n");
        let mut dash = Dash::start(&project, (160, 50), &[]);
        up(&mut dash, &["api"]);
        dash.wait_for_text("watching 1 service");
        project.write("noise.out", "1");
        project.write("editor.swp", "1");
        project.write("signal.txt", "1");
        let screen = dash.wait_for_text("restarted · signal.txt changed");
        assert!(!screen.contains("noise.out") && !screen.contains("editor.swp"), "{screen}");
        dash.keys("W");
        let screen =
            dash.wait_for("all events", |screen| screen.contains("noise.out") && screen.contains("editor.swp"));
        let row = |name: &str| screen.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
        assert!(row("noise.out").contains("ignored") && row("noise.out").contains(".gitignore:2"), "{screen}");
        assert!(row("editor.swp").contains("ignored") && row("editor.swp").contains("built-in"), "{screen}");
        assert!(row("signal.txt").contains("services.api.watch (procgroup.toml:"), "{screen}");
        dash.keys("x");
        dash.wait_for("watched files only", |screen| !screen.contains("noise.out") && screen.contains("signal.txt"));
        dash.keys("q");
        dash.wait_for_text("q quit");
        dash.wait_while_reading("it runs again", |project| starts(project, "api") == 2);
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "api"), 2);
    }

    #[test]
    fn many_at_once_are_one_restart() {
        let project = Project::new(&sleeper("api", "watch = true"));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        up(&mut dash, &["api"]);
        dash.wait_for_text("watching 1 service");
        // Moved in as a whole: a slow machine may take longer over 200 writes than quiet lasts.
        for n in 0..200 {
            project.write(&format!("../home/deep/{n}/file.txt"), "1");
        }
        std::fs::rename(project.path("../home/deep"), project.path("deep")).unwrap();
        dash.wait_for_text("and 199 more changed");
        dash.wait_while_reading("it runs again", |project| starts(project, "api") == 2);
        project.write("last.txt", "1");
        dash.wait_for_text("restarted · last.txt changed");
        dash.wait_while_reading("it runs a third time", |project| starts(project, "api") == 3);
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn while_all_is_being_started_again_is_neither_lost_nor_doubled() {
        let slow = "stop = { signal = 'TERM', grace = '10s' }\nwatch = true";
        let text = format!(
            "[services.api]\nrun = \"trap 'sleep 0.3; exit 0' TERM; echo start >> ../home/api; cat *.txt | tail -n 1; while :; do sleep 0.02; done\"\n{slow}\n"
        );
        let project = Project::new(&text);
        project.write("a.txt", "first\n");
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("first");
        dash.wait_for_text("watching 1 service");
        project.write("a.txt", "second\n");
        dash.wait_for("it is being stopped", |screen| screen.contains("stopping"));
        project.write("a.txt", "third\n");
        dash.wait_for("the newest content is what runs", |screen| screen.contains("third") && screen.contains("● api"));
        dash.keys("q");
        dash.wait_exit();
        assert!(starts(&project, "api") <= 3, "started {} times", starts(&project, "api"));
    }
}

mod a_hold {
    use super::*;

    /// Two services over a repository whose branch `feature` changes 500 files of one and one of the other.
    fn repository() -> Project {
        let text = sleeper("api", "watch = ['api/**']") + &sleeper("web", "watch = ['web/**']") + &sleeper("db", "");
        let project = Project::new(&text);
        project.git(&["init", "-q"]);
        let fill = |content: &str| {
            for n in 0..500 {
                project.write(&format!("api/dir-{}/file-{n}.rs", n % 10), format!("{content} {n}\n"));
            }
            project.write("web/index.html", content);
        };
        fill("main");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "main"]);
        project.git(&["checkout", "-qb", "feature"]);
        fill("feature");
        project.git(&["commit", "-qam", "feature"]);
        project.git(&["checkout", "-q", "main"]);
        project
    }

    #[test]
    fn over_a_checkout_of_500_files_is_one_restart_each() {
        let project = repository();
        let mut dash = Dash::start(&project, (160, 50), &[]);
        up(&mut dash, &["api", "web", "db"]);
        dash.wait_for_text("watching 2 services");
        dash.keys("p");
        dash.wait_for_text("WATCHING PAUSED");
        project.git(&["checkout", "-q", "feature"]);
        dash.wait_for("all changes are counted", |screen| {
            screen.contains("501 changes held") && screen.contains("api 500") && screen.contains("web 1")
        });
        assert_eq!((starts(&project, "api"), starts(&project, "web")), (1, 1));
        dash.keys("p");
        dash.wait_for("the banner is gone", |screen| !screen.contains("PAUSED"));
        dash.wait_while_reading("both run again", |project| starts(project, "api") == 2 && starts(project, "web") == 2);
        dash.wait_for_text("and 499 more changed");
        // One more save: had anything of the checkout been left, it would have been acted on before.
        project.write("web/index.html", "edited");
        dash.wait_while_reading("the save is acted on", |project| starts(project, "web") == 3);
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(["api", "web", "db"].map(|name| starts(&project, name)), [2, 3, 1]);
    }

    #[test]
    fn can_be_ended_without_acting() {
        let project = Project::new(&sleeper("api", "watch = true"));
        let mut dash = Dash::start(&project, NORMAL, &["--paused"]);
        up(&mut dash, &["api"]);
        dash.wait_for_text("PAUSED");
        project.write("dropped.txt", "1");
        dash.wait_for_text("1 change");
        dash.keys("P");
        dash.wait_for("the banner is gone", |screen| !screen.contains("PAUSED"));
        project.write("kept.txt", "1");
        let screen = dash.wait_for_text("restarted · kept.txt changed");
        assert!(!screen.contains("restarted · dropped.txt"), "{screen}");
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "api"), 2);
    }

    #[test]
    fn does_not_keep_the_user_from_quitting() {
        let project = Project::new(&sleeper("api", "watch = true"));
        let mut dash = Dash::start(&project, NORMAL, &["--paused"]);
        up(&mut dash, &["api"]);
        project.write("a.txt", "1");
        dash.wait_for_text("1 change");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
        assert_eq!(starts(&project, "api"), 1);
    }
}

mod a_crash {
    use super::*;

    #[test]
    fn is_tried_again_until_the_breaker_opens_and_a_save_tries_once_more() {
        let project = Project::new(
            r#"
            [services.api]
            run     = "echo start >> ../home/api; echo up; [ -e fixed.txt ] || exit 3; echo it''-works; exec sleep 1000"
            ready   = { log = "up" }
            backoff = { initial = "20ms", max = "50ms" }
            breaker = { failures = 3, within = "60s", cooldown = "1h" }
            watch   = true
            "#,
        );
        let mut dash = Dash::start(&project, NORMAL, &[]);
        let screen = dash.wait_for_text("gave up · 3 crashes");
        assert!(screen.contains("exited · code 3"), "{screen}");
        dash.wait_for("the screen says so", |screen| screen.contains("crash-loop") && screen.contains("✗3"));
        assert_eq!(starts(&project, "api"), 3);
        project.write("fixed.txt", "1");
        dash.wait_for_text("it-works");
        dash.wait_for("nothing is failed", |screen| !screen.contains("failed"));
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
        assert_eq!(starts(&project, "api"), 4);
    }

    #[test]
    fn does_not_wait_when_asked_by_hand() {
        let project = Project::new(
            r#"
            [services.api]
            run     = "echo start >> ../home/api; echo up; exit 1"
            ready   = { log = "up" }
            backoff = { initial = "1h", max = "1h" }
            "#,
        );
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("next try in");
        dash.keys("s");
        dash.wait_while_reading("it was tried at once", |project| starts(project, "api") == 2);
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn before_it_was_ready_waits_for_a_change_and_is_tried_once() {
        let project = Project::new(
            "[services.api]\nrun = \"echo start >> ../home/api; [ -e fixed.txt ] || exit 101; echo it''-works; exec sleep 1000\"\nwatch = true\n",
        );
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("exited · code 101");
        dash.wait_for_text("waiting for a change to its files");
        dash.wait_for("it is no restart", |screen| screen.contains("exit 101") && !screen.contains("✗1"));
        dash.keys("s");
        dash.wait_while_reading("it was tried by hand", |project| starts(project, "api") == 2);
        project.write("fixed.txt", "1");
        dash.wait_for_text("it-works");
        assert_eq!(starts(&project, "api"), 3);
        dash.keys("q");
        dash.wait_exit();
    }

    #[test]
    fn at_once_and_for_good_leaves_its_words_on_the_screen() {
        let project = Project::new(
            "[services]\ngone = { run = 'echo last words; exit 9', restart = 'never' }\nfine = 'exec sleep 1000'\nmissing = { run = ['/no/such/program'], restart = 'never' }\n",
        );
        let mut dash = Dash::start(&project, (160, 50), &[]);
        dash.wait_for("all is said", |screen| {
            screen.contains("last words") && screen.contains("exit 9") && screen.contains("could not start")
        });
        dash.wait_for_text("2 failed");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}

mod by_hand {
    use super::*;

    #[test]
    fn a_service_is_restarted_stopped_and_started() {
        let project = Project::new(&(sleeper("api", "") + &sleeper("web", "")));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        up(&mut dash, &["api", "web"]);
        dash.keys("2");
        dash.wait_for_text("2 ● web");
        dash.keys("r");
        dash.wait_for_text("restarted manually");
        dash.wait_while_reading("it runs again", |project| starts(project, "web") == 2);
        dash.keys("x");
        dash.wait_for_text("○ web");
        dash.wait_for_text("1 stopped");
        dash.keys("s");
        dash.wait_while_reading("it runs a third time", |project| starts(project, "web") == 3);
        dash.wait_for_text("● web");
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "api"), 1);
    }

    #[test]
    fn services_wait_for_each_other_and_stop_in_the_other_order() {
        let service = |name: &str, keys: &str| {
            format!(
                "[services.{name}]\nrun = \"echo start-{name} >> order; trap 'echo stop-{name} >> order; exit 0' TERM; echo {name}-is-ready; while :; do sleep 0.02; done\"\nready = {{ log = '{name}-is-ready' }}\n{keys}\n"
            )
        };
        let text = service("api", "depends_on = ['migrate', 'db']")
            + &service("db", "")
            + "[services.migrate]\nrun = 'echo migrate >> order'\nkind = 'job'\ndepends_on = ['db']\n";
        let project = Project::new(&text);
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for("all is ready", |screen| {
            screen.contains("● api    ") && screen.contains("ready") && screen.contains("✓ migrate")
        });
        dash.wait_for_text("api-is-ready");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
        assert_eq!(project.read("order"), "start-db\nmigrate\nstart-api\nstop-api\nstop-db\n");
    }
}

mod the_file {
    use super::*;

    #[test]
    fn is_read_again_when_it_is_saved_and_only_the_difference_is_applied() {
        let project = Project::new(&(sleeper("api", "") + &sleeper("web", "")));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        up(&mut dash, &["api", "web"]);
        project.write("procgroup.toml", sleeper("api", "") + &sleeper("db", ""));
        dash.wait_for("web is gone and db is up", |screen| {
            !screen.contains("web") && screen.contains("db") && screen.contains("2 running")
        });
        dash.wait_while_reading("db has started", |project| starts(project, "db") == 1);
        project.write("procgroup.toml", sleeper("api", "env = { A = '1' }") + &sleeper("db", ""));
        dash.wait_while_reading("api has its new environment", |project| starts(project, "api") == 2);
        dash.wait_for_text("restarted · procgroup.toml changed");
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "db"), 1);
    }

    #[test]
    fn changes_nothing_while_it_is_broken() {
        let project = Project::new(&sleeper("api", ""));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        up(&mut dash, &["api"]);
        project.write("procgroup.toml", "[services.api]\nrunn = 'exec sleep 1000'\n");
        dash.wait_for_text("unknown key `runn`");
        dash.wait_for_text("● api");
        project.write("procgroup.toml", sleeper("api", "") + &sleeper("web", ""));
        dash.wait_while_reading("web is there", |project| starts(project, "web") == 1);
        dash.keys("q");
        dash.wait_exit();
        assert_eq!(starts(&project, "api"), 1);
    }

    #[test]
    fn of_this_repository_is_valid() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("procgroup.toml");
        let loaded = devgroup::config::load(&file).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert_eq!(loaded.spec.services.len(), 6);
        // `cargo run` has just built it: nothing builds it a second time by itself.
        let builds = loaded.spec.services.iter().filter(|service| service.run.display().starts_with("cargo"));
        assert_eq!(builds.filter(|service| service.autostart).count(), 0);
    }
}

mod an_end {
    use super::*;

    /// A polite service, one with a family, and one that is polite only to its own kind of signal.
    fn group() -> Project {
        let family = "[services.family]\nrun = \"sleep 1000 & sh -c 'sleep 1000; true' & echo family-is-up; echo start >> ../home/family; wait\"\n";
        Project::new(&(sleeper("api", "stop = { signal = 'INT' }") + family + &sleeper("web", "")))
    }

    fn started(project: &Project) -> Dash<'_> {
        let mut dash = Dash::start(project, NORMAL, &[]);
        up(&mut dash, &["api", "family", "web"]);
        dash
    }

    #[test]
    fn by_the_key() {
        let project = group();
        let mut dash = started(&project);
        dash.keys("q");
        let ended = dash.wait_exit();
        assert_eq!(ended.code, Some(0));
        assert!(ended.last_line.contains("3 services stopped in"), "{}", ended.last_line);
    }

    #[test]
    fn by_control_c() {
        let project = group();
        let mut dash = started(&project);
        dash.keys(key::CTRL_C);
        assert!(dash.wait_exit().last_line.contains("3 services stopped in"));
    }

    #[test]
    fn by_a_signal() {
        for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
            let project = group();
            let dash = started(&project);
            dash.signal(signal);
            let ended = dash.wait_exit();
            assert_eq!(ended.code, Some(code), "{ended:?}");
            assert!(ended.last_line.contains("3 services stopped in"), "{ended:?}");
        }
    }

    #[test]
    fn by_a_terminal_that_closes() {
        let project = group();
        let mut dash = started(&project);
        dash.hang_up();
        dash.wait_exit();
    }

    #[test]
    fn waits_for_the_grace_and_kills_then() {
        let project = Project::new(
            "[services.stubborn]\nrun = \"trap '' TERM; echo stubborn''-is-up; while :; do sleep 0.05; done\"\nstop = { grace = '3s' }\n",
        );
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("stubborn-is-up");
        dash.keys("q");
        dash.wait_for("the quit screen says what it does", |screen| {
            screen.contains("STOPPING") && screen.contains("SIGTERM") && screen.contains("stubborn")
        });
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn is_at_once_if_that_is_asked_for() {
        let project = Project::new(
            "[services.stubborn]\nrun = \"trap '' TERM; echo stubborn''-is-up; while :; do sleep 0.05; done\"\nstop = { grace = '1h' }\n",
        );
        for keys in ["Q", "\x03"] {
            let mut dash = Dash::start(&project, NORMAL, &[]);
            dash.wait_for_text("stubborn-is-up");
            dash.keys("q");
            dash.wait_for_text("STOPPING");
            dash.keys(keys);
            assert_eq!(dash.wait_exit().code, Some(0));
        }
    }

    #[test]
    fn does_not_need_a_terminal_that_reads() {
        let project = Project::new(
            &("[services.flood]\nrun = 'i=0; while :; do i=$((i+1)); echo $i; done'\n".to_owned()
                + &sleeper("api", "watch = true")),
        );
        let mut dash = Dash::start(&project, (160, 50), &[]);
        up(&mut dash, &["api"]);
        dash.wait_for_text("watching 1 service");
        // From here on nobody reads: the frames of the flood fill the terminal, and the thread that draws stands still.
        wait_for("the terminal is full", || dash.is_full());
        project.write("a.txt", "1");
        wait_for("a save is acted on", || starts(&project, "api") == 2);
        dash.signal(Signal::TERM);
        wait_for("all has ended", || project.processes().is_empty());
    }

    #[test]
    fn in_the_middle_of_everything_leaves_nothing() {
        let project = Project::new(
            r#"
            [services]
            crash  = { run = "exit 1", backoff = { initial = "1ms", max = "3ms" }, breaker = { failures = 1000, within = "1s", cooldown = "1s" } }
            blocked = { run = "exec sleep 1000", depends_on = ["never"] }
            never  = { run = "exec sleep 1000", ready = { file = "never-written" } }
            self   = { run = "echo x >> self.txt; exec sleep 1000", watch = true }
            flood  = "exec yes"
            "#,
        );
        for _ in 0..5 {
            let mut dash = Dash::start(&project, NORMAL, &[]);
            dash.wait_for_text("blocked");
            dash.keys("q");
            assert_eq!(dash.wait_exit().code, Some(0));
        }
    }
}

mod a_saved_file {
    use super::*;

    fn api(keys: &str) -> String {
        format!("[services.api]\nrun = \"echo start >> ../home/api; echo api''-is-up; exec sleep 1000\"\n{keys}\n")
    }

    #[test]
    fn exchanges_checks_beside_the_run_that_goes_on() {
        let project = Project::new(&api("ready = { log = 'never', timeout = '1h' }"));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("api-is-up");
        dash.wait_for_text("starting");
        // The line is there already.
        project.write("procgroup.toml", api("ready = { log = 'api-is', timeout = '1h' }"));
        dash.wait_for_text("── ready · ");
        // One that fails, and none.
        project.write(
            "procgroup.toml",
            api("alive = { cmd = 'echo asked >> ../home/asked; exit 1', every = '50ms', failures = 1000 }"),
        );
        dash.wait_while_reading("it is looked after", |project| project.lines("../home/asked") > 2);
        project.write("procgroup.toml", api("env = {}"));
        dash.wait_while_reading("nobody looks any more", |project| {
            let asked = project.lines("../home/asked");
            let since = std::time::Instant::now();
            while since.elapsed() < std::time::Duration::from_millis(300) {
                std::thread::yield_now();
            }
            asked == project.lines("../home/asked")
        });
        assert_eq!(starts(&project, "api"), 1, "it has run all the time");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn exchanges_a_check_for_a_file_that_the_run_has_written_already() {
        let api = |file: &str| {
            format!(
                "[services.api]\nrun = 'touch new; echo is-up; exec sleep 1000'\nready = {{ file = '{file}', timeout = '1h' }}\n"
            )
        };
        let project = Project::new(&api("never"));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_for_text("is-up");
        project.write("procgroup.toml", api("new"));
        dash.wait_for_text("── ready · ");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }

    #[test]
    fn starts_what_has_another_name_when_the_old_one_has_ended() {
        let named = |name: &str| {
            format!(
                "[services.{name}]\nrun = \"trap 'sleep 0.3; echo end-{name} >> ../home/order; exit 0' TERM; echo start-{name} >> ../home/order; while :; do sleep 0.02; done\"\n"
            )
        };
        let project = Project::new(&named("old"));
        let mut dash = Dash::start(&project, NORMAL, &[]);
        dash.wait_while_reading("it runs", |project| project.lines("../home/order") == 1);
        project.write("procgroup.toml", named("new"));
        dash.wait_while_reading("the new one runs", |project| project.lines("../home/order") == 3);
        let order = std::fs::read_to_string(project.path("../home/order")).unwrap();
        assert_eq!(order, "start-old\nend-old\nstart-new\n");
        dash.keys("q");
        assert_eq!(dash.wait_exit().code, Some(0));
    }
}
