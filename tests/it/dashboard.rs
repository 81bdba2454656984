//! The dashboard, by eye and by key: sizes, odd input, odd output, and terminals that misbehave.

use crate::harness::{Dash, Project, is_linux, key, quit};

/// The four sizes of the documentation.
const SIZES: [(u16, u16); 4] = [(160, 50), (100, 30), (80, 24), (40, 12)];

/// Services that say hello and sleep.
fn greeters(names: &[&str]) -> Project {
    let lines: String =
        names.iter().map(|name| format!("{name} = \"echo {name}-says''-hello; exec sleep 1000\"\n")).collect();
    Project::new(&format!("[services]\n{lines}"))
}

/// The words of each line, but for ages, which go on: `59s`, `1m`.
fn without_ages(screen: &str) -> Vec<Vec<&str>> {
    let is_age = |word: &str| word.strip_suffix(['s', 'm']).is_some_and(|number| number.parse::<u32>().is_ok());
    screen.lines().map(|line| line.split_whitespace().filter(|word| !is_age(word)).collect()).collect()
}

mod the_screen {
    use super::*;

    #[test]
    fn shows_all_services_and_the_selected_output_at_every_size() {
        let project = greeters(&["api", "web", "db"]);
        for size in SIZES {
            let mut dash = Dash::start(&project, size, &[]);
            dash.wait_for("names and output are there", |screen| {
                ["devgroup", "api", "web", "db", "api-says-hello"].iter().all(|text| screen.contains(text))
            });
            quit(dash);
        }
    }

    #[test]
    fn selects_what_was_asked_for_and_not_the_first_that_does_not_run() {
        let project = greeters(&["api", "collector", "web"]);
        let mut dash = Dash::start(&project, (100, 30), &["collector"]);
        let screen =
            dash.wait_for("its output", |screen| screen.lines().any(|line| line.contains("collector-says-hello")));
        assert!(screen.lines().any(|line| line.contains("▸2") && line.contains("collector")), "{screen}");
        dash.keys("x");
        dash.wait_for("it is the one that a key means, and stays selected", |screen| {
            screen.contains("▸2 ○ collector") && screen.contains("3 stopped")
        });
        quit(dash);
    }

    #[test]
    fn goes_from_size_to_size() {
        let project = greeters(&["api", "web", "db"]);
        let mut dash = Dash::start(&project, SIZES[0], &[]);
        dash.wait_for_text("db-says-hello");
        for size in SIZES.into_iter().chain([(19, 5), (2, 1), (200, 60)]) {
            dash.resize(size);
            if size.0 > 20 {
                dash.wait_for_text("api-says-hello");
            }
        }
        dash.wait_for_text("db-says-hello");
        quit(dash);
    }

    #[test]
    fn survives_a_storm_of_sizes_without_a_trace() {
        let project = greeters(&["api", "web", "db"]);
        let mut dash = Dash::start(&project, (100, 30), &[]);
        // Not the middle of a frame: the same at many looks.
        let (last, looks) = (std::cell::RefCell::new(String::new()), std::cell::Cell::new(0));
        let calm = dash.wait_for("all is there, and stays", |screen| {
            let is_same = without_ages(screen) == without_ages(&last.borrow());
            looks.set(if is_same { looks.get() + 1 } else { 0 });
            screen.clone_into(&mut last.borrow_mut());
            let texts =
                ["3 running", "api-says-hello", "● api    running", "● web    running", "● db     running", "q quit"];
            looks.get() > 20 && texts.iter().all(|text| screen.contains(text))
        });
        for n in 0..300_u16 {
            dash.resize((n * 37 % 170, n * 23 % 55));
        }
        dash.resize((100, 30));
        let name = format!("the screen is as it was before the storm:\n{calm}\n");
        dash.wait_for(&name, |screen| without_ages(screen) == without_ages(&calm));
        quit(dash);
    }

    #[test]
    fn may_have_no_size_at_all() {
        let project = greeters(&["api", "web"]);
        let mut dash = Dash::start(&project, (0, 0), &[]);
        dash.wait_while_reading("the services run", |project| {
            project.processes().iter().filter(|(_, command)| command == "sleep 1000").count() == 2
        });
        dash.resize((80, 24));
        dash.wait_for_text("api-says-hello");
        dash.resize((0, 0));
        quit(dash);
    }

    #[test]
    fn holds_forty_services() {
        let names: Vec<_> = (1..=40).map(|n| format!("service-{n:02}")).collect();
        let project = greeters(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for size in SIZES {
            let mut dash = Dash::start(&project, size, &[]);
            dash.wait_for_text("service-01-says-hello");
            dash.keys(&"j".repeat(39));
            dash.wait_for_text("service-40-says-hello");
            quit(dash);
        }
    }

    #[test]
    fn holds_names_of_sixty_characters() {
        let names = [format!("a{}", "b".repeat(59)), format!("c{}", "d".repeat(59)), "é-世界".to_owned()];
        let lines: String =
            names.iter().map(|name| format!("\"{name}\" = \"echo says''-hello; exec sleep 1000\"\n")).collect();
        let project = Project::new(&format!("[services]\n{lines}"));
        for size in SIZES {
            let mut dash = Dash::start(&project, size, &[]);
            dash.wait_for("the names are there as far as they fit", |screen| {
                screen.contains("says-hello") && screen.contains("abb") && screen.contains('q')
            });
            let screen = dash.screen();
            let longest = screen.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(longest <= usize::from(size.0), "{screen}");
            quit(dash);
        }
    }

    #[test]
    fn is_plain_where_that_is_asked_for() {
        let project = greeters(&["api"]).with_env("LANG", "C").with_env("NO_COLOR", "1");
        let mut dash = Dash::start(&project, (80, 24), &[]);
        let screen = dash.wait_for_text("api-says-hello");
        assert!(screen.is_ascii(), "{screen}");
        quit(dash);
    }
}

mod output {
    use super::*;

    #[test]
    fn that_is_no_text_is_shown_as_far_as_it_is() {
        let project = Project::new(
            "[services]\nodd = \"printf 'a\\\\377\\\\376b ok\\\\n\\\\033]0;title\\\\007\\\\033]11;?\\\\033\\\\\\\\\\\\033]4;1;red\\\\007\\\\033[?1049h\\\\033[?1049lend\\\\n'; exec sleep 1000\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("b ok");
        dash.wait_for_text("end");
        let raw = String::from_utf8_lossy(dash.raw()).into_owned();
        // The dashboard asks for colours itself, once and in one piece.
        let palette: String = (0..16).map(|number| format!("\x1b]4;{number};?\x1b\\")).collect();
        let own = format!("\x1b]10;?\x1b\\\x1b]11;?\x1b\\{palette}");
        assert!(raw.contains(&own), "{raw:?}");
        assert!(!raw.replacen(&own, "", 1).contains("\x1b]"), "a service reaches nothing but its pane");
        quit(dash);
    }

    #[test]
    fn of_a_megabyte_without_a_line_end_stops_nothing() {
        let project = Project::new(
            "[services]\nlong = \"head -c 1000000 /dev/zero | tr '\\\\0' x; echo; echo after''-it; exec sleep 1000\"\nother = \"echo other-says''-hello; exec sleep 1000\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("after-it");
        dash.keys("z");
        dash.wait_for("zoomed", |screen| !screen.contains('▸'));
        dash.keys("g");
        dash.wait_for_text("xxxxxxxxxx");
        dash.keys("qj");
        dash.wait_for_text("other-says-hello");
        quit(dash);
    }

    #[test]
    fn of_a_frame_that_is_never_completed_is_there_though_nothing_follows() {
        for (before, size) in [("sleep 0.3", (80, 24)), ("yes flood | head -c 3000000", (40, 12))] {
            let script = format!("{before}; printf '\\033[?2026h(d''bg) '; exec sleep 1000");
            let project = Project::new(&format!("[services]\napi = {script:?}\n"));
            let mut dash = Dash::start(&project, size, &[]);
            dash.wait_for_text("(dbg)");
            quit(dash);
        }
    }

    #[test]
    fn of_a_service_that_ends_at_once_is_there() {
        let project = Project::new(
            "[services]\ngone = \"echo last''-words\"\ntask = { run = \"echo task''-words\", kind = \"job\" }\n",
        );
        let mut dash = Dash::start(&project, (160, 50), &[]);
        dash.wait_for("both are done", |screen| screen.contains("last-words") && screen.matches("✓").count() >= 2);
        dash.keys("2");
        dash.wait_for_text("task-words");
        quit(dash);
    }

    #[test]
    fn that_floods_leaves_the_keys_alone() {
        let project = Project::new(
            "[services]\nflood = \"exec yes flooding\"\nother = \"echo other-says''-hello; exec sleep 1000\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("flooding");
        for _ in 0..5 {
            dash.keys("?");
            dash.wait_for_text("type to filter");
            dash.keys(key::ESCAPE);
            dash.wait_for("the help is gone", |screen| !screen.contains("type to filter"));
        }
        dash.keys("2");
        dash.wait_for_text("other-says-hello");
        quit(dash);
    }

    #[test]
    fn is_made_for_a_terminal_of_the_size_of_its_pane() {
        let project = Project::new(
            "[services]\nsized = \"trap 'stty size >> ../home/sizes' WINCH; stty size >> ../home/sizes; while :; do sleep 0.02; done\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        let has = |dash: &mut Dash<'_>, size: &str| {
            dash.wait_while_reading(&format!("the service's terminal is {size}"), |project| {
                project.read("../home/sizes").lines().last() == Some(size)
            });
        };
        has(&mut dash, "21 56");
        dash.resize((100, 30));
        has(&mut dash, "27 70");
        dash.resize((40, 12));
        has(&mut dash, "9 39");
        assert!(project.read("../home/sizes").starts_with("21 56\n"), "it had the right size from the start");
        quit(dash);
    }
}

mod a_key {
    use super::*;

    #[test]
    fn that_was_pasted_does_nothing() {
        let project = greeters(&["api"]);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("api-says-hello");
        dash.paste("q");
        dash.paste("qQx\nr");
        dash.keys("?");
        let screen = dash.wait_for_text("type to filter");
        assert!(!screen.contains("STOPPING"), "{screen}");
        dash.keys(key::ESCAPE_IN_FULL);
        quit(dash);
    }

    #[test]
    fn of_escape_goes_back_and_never_quits() {
        let project = greeters(&["api"]);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("api-says-hello");
        dash.keys(key::ENTER);
        dash.wait_for("zoomed", |screen| !screen.contains('▸'));
        dash.keys(key::ESCAPE);
        dash.wait_for_text("▸");
        dash.keys(&key::ESCAPE_IN_FULL.repeat(3));
        dash.keys("?");
        dash.wait_for_text("type to filter");
        dash.keys(key::ESCAPE);
        dash.wait_for("the help is gone", |screen| !screen.contains("type to filter"));
        dash.keys("W");
        dash.wait_for_text("watcher");
        dash.keys("q");
        dash.wait_for("back", |screen| screen.contains("api-says-hello"));
        dash.keys("l");
        dash.wait_for("devgroup's own log is open", |screen| !screen.contains("api-says-hello"));
        dash.keys("q");
        dash.wait_for("back again", |screen| screen.contains("api-says-hello"));
        quit(dash);
    }

    #[test]
    fn or_an_arrow_or_a_click_selects() {
        let project = greeters(&["api", "web", "db"]);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("api-says-hello");
        dash.keys(key::DOWN);
        dash.wait_for_text("web-says-hello");
        dash.keys("3");
        dash.wait_for_text("db-says-hello");
        let screen = dash.screen();
        let row = screen.lines().position(|line| line.contains(" api")).unwrap();
        dash.click(6, row);
        dash.wait_for_text("api-says-hello");
        quit(dash);
    }

    #[test]
    fn of_a_quote_filters_the_sidebar_and_enter_selects_the_first() {
        let project = greeters(&["api", "web", "worker", "db"]);
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("api-says-hello");
        dash.keys("'wo");
        dash.wait_for("only what matches", |screen| {
            screen.contains("'wo") && screen.contains("● worker") && !screen.contains("● web")
        });
        dash.keys(key::ESCAPE);
        dash.wait_for("all are there", |screen| screen.contains("● web") && screen.contains("api-says-hello"));
        dash.keys("'w");
        dash.keys(key::ENTER);
        let screen = dash.wait_for_text("web-says-hello");
        assert!(screen.contains("● db") && !screen.contains("'w"), "{screen}");
        // Where there is no sidebar, the last line has it.
        dash.keys("z'db");
        dash.wait_for_text("▸4 db");
        dash.keys(key::ENTER);
        dash.wait_for_text("db-says-hello");
        dash.keys("q");
        quit(dash);
    }

    #[test]
    fn numbers_go_by_groups_as_the_sidebar_does() {
        let service = |name: &str, group: &str| {
            let group = if group.is_empty() { String::new() } else { format!(", group = '{group}'") };
            format!("{name} = {{ run = \"echo {name}-says''-hello; exec sleep 1000\"{group} }}\n")
        };
        let services = [("db", "infra"), ("web", "app"), ("shell", ""), ("cache", "infra")];
        let text: String = services.iter().map(|(name, group)| service(name, group)).collect();
        let project = Project::new(&format!("[services]\n{text}"));
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("shell-says-hello");
        for (key, name) in [("2", "db"), ("3", "cache"), ("4", "web"), ("1", "shell")] {
            dash.keys(key);
            dash.wait_for_text(&format!("{name}-says-hello"));
        }
        let screen = dash.screen();
        let place = |text: &str| screen.lines().position(|line| line.trim_start().starts_with(text));
        let places = ["▸1 ● shell", "infra", "2 ● db", "3 ● cache", "app", "4 ● web"].map(place);
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{screen}");
        quit(dash);
    }

    #[test]
    fn or_the_wheel_scrolls_and_new_lines_do_not_move_the_view() {
        let project = Project::new(
            "[services]\ncounter = \"i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line-$i-; done; while :; do sleep 0.05; i=$((i+1)); echo line-$i-; done\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("line-200-");
        dash.wheel_up(50, 10);
        dash.wait_for("lines arrive and the end is not followed", |screen| screen.contains(" new lines · G follows"));
        let view =
            |screen: &str| screen.lines().skip(3).find(|line| line.contains("line-")).unwrap_or_default().to_owned();
        let before = view(&dash.screen());
        dash.wait_for("ten more have arrived", |screen| {
            let count = screen.split("▼ ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
            count.is_some_and(|count| count >= 10)
        });
        assert_eq!(view(&dash.screen()), before);
        dash.keys("g");
        dash.wait_for_text("line-1-");
        dash.keys(key::END);
        dash.wait_for("the end is followed", |screen| !screen.contains("G follows"));
        dash.keys(key::PAGE_UP);
        dash.wait_for_text("G follows");
        quit(dash);
    }
}

mod a_wrong_file {
    use super::*;

    #[test]
    fn is_explained_on_the_terminal_as_it_is() {
        let project = Project::new("[services.api]\nrun = 'exec sleep 1000'\nwacth = true\n");
        let dash = Dash::start(&project, (100, 30), &[]);
        let (ended, screen) = dash.wait_exit_with_screen();
        assert_eq!(ended.code, Some(3));
        assert!(screen.contains("unknown key `wacth`") && screen.contains("did you mean `watch`"), "{screen}");
        assert!(screen.contains("procgroup.toml:3:1"), "{screen}");
    }

    #[test]
    fn in_another_language_is_recognised() {
        let project = Project::new("services:\n  web:\n    command: npm run dev\n");
        let (ended, screen) = Dash::start(&project, (100, 30), &[]).wait_exit_with_screen();
        assert_eq!(ended.code, Some(3));
        assert!(screen.contains("YAML"), "{screen}");
    }
}

/// The house itself: what a program leaves changed is found, whatever it is.
mod the_harness {
    use super::*;

    #[test]
    fn sees_what_a_program_draws_and_how_it_ends() {
        let project = Project::empty();
        let mut dash =
            Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "printf 'é 世界\\n'; read x; echo bye; exit 3"]);
        dash.wait_for_text("é 世界");
        dash.keys("\r");
        let ended = dash.wait_exit();
        assert_eq!((ended.code, ended.last_line.as_str()), (Some(3), "bye"));
    }

    #[test]
    #[should_panic(expected = "left behind")]
    fn finds_a_process_that_is_left() {
        let project = Project::empty();
        let script = "setsid sh -c 'echo > up; sleep 60; :' & until [ -e up ]; do :; done";
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", script]).wait_exit();
    }

    #[test]
    #[should_panic(expected = "the terminal is not as it was")]
    fn finds_a_hidden_cursor() {
        let project = Project::empty();
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "printf '\\033[?25l'"]).wait_exit();
    }

    #[test]
    #[should_panic(expected = "the terminal is not as it was")]
    fn finds_a_terminal_that_does_not_echo() {
        let project = Project::empty();
        Dash::start_program(&project, "/bin/sh", (40, 10), &["-c", "stty -echo"]).wait_exit();
    }
}

mod a_search {
    use super::*;

    #[test]
    fn goes_through_the_whole_log_while_it_grows() {
        let project = Project::new(
            "[services]\nlong = \"seq -f 'line %.0f of many' 200000; while :; do echo ti''ck; sleep 0.05; done\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for_text("tick");
        dash.keys("/line 4321 ");
        dash.wait_for("the only match is in sight and counted", |screen| {
            screen.contains(">line 4321 of many") && screen.lines().any(|line| line.ends_with("1 of 1"))
        });
        dash.keys(key::ENTER);
        dash.keys("n");
        dash.wait_for_text("this is the only match");
        dash.keys(key::ESCAPE);
        dash.keys(key::END);
        dash.wait_for("the end is followed again", |screen| !screen.contains("G follows") && screen.contains("tick"));
        dash.keys("&line 77777 ");
        dash.keys(key::ENTER);
        dash.wait_for("only matching lines, and the marker of the start", |screen| {
            screen.contains("line 77777 of many") && screen.contains("1 of 200,") && !screen.contains("tick")
        });
        dash.keys("&");
        dash.keys(key::ENTER);
        dash.wait_for_text("tick");
        quit(dash);
    }

    #[test]
    fn finds_errors_and_runs_and_puts_markers() {
        let project = Project::new(
            "[services]\napp = \"seq 100; echo 12:00:01 ERROR first; seq 1000; printf 'Traceback (most recent call last):\\\\n  File x\\\\nOops: y\\\\n'; seq 1000; echo all''-is-said; exec sleep 1000\"\n",
        );
        let mut dash = Dash::start(&project, (80, 24), &[]);
        dash.wait_for("all is said", |screen| {
            screen.lines().any(|line| line.contains("all-is-said") && !line.contains("echo"))
        });
        dash.keys("E");
        dash.wait_for("the trace, all of it marked", |screen| {
            screen.contains("✗Traceback") && screen.contains("▏  File x") && screen.contains("▏Oops: y")
        });
        dash.keys("E");
        dash.wait_for_text("✗12:00:01 ERROR first");
        dash.keys("[");
        dash.wait_for_text("── started");
        dash.keys("m");
        dash.keys(key::END);
        dash.wait_for_text("── mark 1 ──");
        quit(dash);
    }
}

#[test]
fn the_quit_screen_says_who_ignores_the_signal() {
    if !is_linux() {
        return;
    }
    let project = Project::new(
        "[services]\ndeaf = { run = \"trap '' TERM; echo it-hears-nothing; while :; do sleep 0.1; done\", \
         stop = { grace = \"60s\" } }\n",
    );
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for("it is deaf", |screen| screen.lines().any(|line| line.ends_with(" it-hears-nothing")));
    dash.keys("q");
    dash.wait_for("it is said", |screen| screen.contains("ignores SIGTERM") && screen.contains("SIGKILL in "));
    dash.keys("Q");
    dash.wait_exit();
    project.assert_nothing_left();
}
