//! What counts as a change, seen from outside: contents, holds, and services that write what they watch.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::{Dash, Project, Stream};

const WIDE: (u16, u16) = (160, 50);

/// A service that says in a file how often it was started.
pub(crate) fn sleeper(name: &str, keys: &str) -> String {
    format!("[services.{name}]\nrun = \"echo start >> ../home/{name}; echo {name}-is-up; exec sleep 1000\"\n{keys}\n")
}

pub(crate) fn starts(project: &Project, name: &str) -> usize {
    project.lines(&format!("../home/{name}"))
}

/// Waits until the services have started and their files are watched, and known.
pub(crate) fn up(dash: &mut Dash<'_>, names: &[&str]) {
    for name in names {
        dash.wait_while_reading(&format!("{name} has started"), |project| starts(project, name) > 0);
        dash.wait_for(&format!("{name} is up"), |screen| {
            screen.lines().any(|line| line.contains(name) && line.contains("● "))
        });
    }
    dash.wait_for_text("watching ");
}

/// Waits until it was started so often, and is up.
pub(crate) fn started(dash: &mut Dash<'_>, name: &str, times: usize) {
    dash.wait_while_reading(&format!("{name} has started {times} times"), |project| starts(project, name) >= times);
    dash.wait_for(&format!("{name} is up again"), |screen| {
        screen.lines().any(|line| line.contains(name) && line.contains("● "))
    });
}

/// Waits until what a file holds is known: where devgroup has not read it yet, a save that changes nothing is a change. Returns
/// how often the service has been started.
pub(crate) fn starts_once_known(dash: &mut Dash<'_>, project: &Project, name: &str, path: &str) -> usize {
    let content = project.read(path);
    for _ in 0..3 {
        let before = starts(project, name);
        project.write(path, &content);
        dash.ask(&["settle", name]);
        if starts(project, name) == before {
            return before;
        }
    }
    panic!("after a restart for it the content of {path} is known\n{}", dash.ask(&["events"]).stdout);
}

pub(crate) fn quit(mut dash: Dash<'_>) {
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_touch_and_a_save_without_an_edit_restart_nobody_and_the_panel_says_so() {
    let project = Project::new(&sleeper("api", "watch = ['src/**']"));
    project.write("src/a.rs", "fn a() {}\n");
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api"]);
    // Its content is known when a change that is none is called one.
    let mut tries = 0;
    loop {
        tries += 1;
        let before = starts(&project, "api");
        project.write("src/a.rs", "fn a() {}\n");
        let row = |screen: &str| screen.lines().any(|line| line.contains("src/a.rs") && line.contains("same content"));
        dash.wait_for("a verdict", |screen| row(screen) || screen.contains("restarted · src/a.rs"));
        if row(&dash.screen()) {
            break;
        }
        assert!(tries < 2, "after a restart for it the content is known");
        started(&mut dash, "api", before + 1);
    }
    let before = starts(&project, "api");
    project.write("src/b.rs", "new");
    dash.wait_for_text("restarted · src/b.rs changed");
    started(&mut dash, "api", before + 1);
    assert_eq!(starts(&project, "api"), before + 1);
    quit(dash);
}

#[test]
fn what_comes_back_during_a_pause_restarts_nobody() {
    let text = sleeper("api", "watch = ['api/**']") + &sleeper("web", "watch = ['web/**']");
    let project = Project::new(&text);
    for n in 0..9 {
        project.write(&format!("api/{n}.rs"), "old");
        project.write(&format!("web/{n}.rs"), "old");
    }
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api", "web"]);
    let files = [("api", "api/8.rs"), ("web", "web/8.rs")];
    let [api, web] = files.map(|(name, path)| starts_once_known(&mut dash, &project, name, path));
    let all = |content: &str| (0..9).for_each(|n| project.write(&format!("api/{n}.rs"), content));
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    all("new");
    dash.wait_for_text("9 changes held");
    all("old");
    dash.keys("p");
    dash.wait_for_text("9 held changes cancelled out · no restart");
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    all("new");
    project.write("web/0.rs", "new");
    all("old");
    project.write("api/3.rs", "new");
    project.write("web/1.rs", "new");
    dash.wait_for_text("11 changes held");
    dash.keys("p");
    dash.wait_for_text("api, web restarted · 3 of 11 changed files");
    started(&mut dash, "api", api + 1);
    started(&mut dash, "web", web + 1);
    // What is discarded is the baseline of what comes after it.
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    all("other");
    dash.wait_for_text("9 changes held");
    dash.keys("P");
    dash.wait_for("the pause is over", |screen| !screen.contains("PAUSED"));
    all("other");
    project.write("web/2.rs", "new");
    dash.wait_for_text("restarted · web/2.rs changed");
    started(&mut dash, "web", web + 2);
    assert_eq!((starts(&project, "api"), starts(&project, "web")), (api + 1, web + 2));
    quit(dash);
}

#[test]
fn a_run_does_not_keep_what_a_file_held_only_while_it_began() {
    let run = "echo start >> ../home/api; until [ -e ../home/go ]; do sleep .01; done; \
               cat v > ../home/read; echo has-read; exec sleep 1000";
    let project = Project::new(&format!(
        "[services.api]\nrun = \"{run}\"\nwatch = ['v']\nready = {{ log = 'has-read', timeout = '60s' }}\n"
    ));
    let has_read = |dash: &mut Dash<'_>, content: &str| {
        dash.wait_while_reading(&format!("{content} was read"), |project| {
            fs::read_to_string(project.path("../home/read")).is_ok_and(|read| read == content)
        });
        dash.wait_for("it is ready", |screen| screen.lines().any(|line| line.contains("api") && line.contains("● ")));
    };
    project.write("v", "one");
    project.write("../home/go", "");
    let mut dash = Dash::start(&project, WIDE, &[]);
    has_read(&mut dash, "one");
    dash.wait_for_text("watching ");
    fs::remove_file(project.path("../home/go")).unwrap();
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    dash.keys("r");
    dash.wait_while_reading("it begins anew", |project| starts(project, "api") == 2);
    project.write("v", "two");
    dash.wait_for_text("1 change held");
    project.write("../home/go", "");
    has_read(&mut dash, "two");
    // What nobody has read and that was there for some milliseconds only may be a step of the program that writes it.
    dash.wait_while_reading("it is more than a step of a write", |project| {
        let age = fs::metadata(project.path("v")).unwrap().modified().unwrap().elapsed();
        age.is_ok_and(|age| age > Duration::from_millis(100))
    });
    project.write("v", "one");
    dash.keys("p");
    has_read(&mut dash, "one");
    assert_eq!(starts(&project, "api"), 3);
    quit(dash);
}

#[test]
fn a_job_that_writes_slowly_what_it_wrote_before_is_not_run_again() {
    let slowly = "{ sleep .2; cat ../home/kept; } > out.txt";
    for clear in ["true", "rm out.txt"] {
        let run = format!("echo start >> ../home/gen; cp out.txt ../home/kept; {clear}; {slowly}");
        let keys = "kind = 'job'\nwatch = ['out.txt']\nretries = 0";
        let project = Project::new(&format!("[services.gen]\nrun = \"{run}\"\n{keys}\n"));
        project.write("out.txt", "generated\n");
        let mut dash = Dash::start(&project, WIDE, &[]);
        dash.wait_for_text("watching ");
        // What it writes may not be known yet when it comes, so it may run once more; again and again, it would use up all
        // starts that are free, and then wait for the next.
        dash.wait_for_text("same content");
        assert_eq!(Stream::ask(&project, &["settle"]).code, Some(0));
        let before = starts(&project, "gen");
        assert!(before < FREE_STARTS, "{clear}: {before} starts");
        dash.keys("r");
        dash.wait_while_reading("it is run by hand", |project| starts(project, "gen") > before);
        assert_eq!(Stream::ask(&project, &["settle"]).code, Some(0));
        let after = starts(&project, "gen") - before;
        assert!(after < FREE_STARTS, "{clear}: {after} more starts");
        quit(dash);
    }
}

#[test]
fn a_restart_by_hand_during_a_pause_meets_what_is_held() {
    let project = Project::new(&sleeper("api", "watch = ['src/**']"));
    project.write("src/a.rs", "old");
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api"]);
    dash.keys("p");
    dash.wait_for_text("WATCHING PAUSED");
    project.write("src/a.rs", "new");
    dash.wait_for_text("1 change held");
    dash.keys("r");
    started(&mut dash, "api", 2);
    dash.wait_for_text("nothing held");
    dash.keys("p");
    dash.wait_for("the pause is over", |screen| !screen.contains("PAUSED"));
    project.write("src/b.rs", "new");
    dash.wait_for_text("restarted · src/b.rs changed");
    started(&mut dash, "api", 3);
    assert_eq!(starts(&project, "api"), 3);
    quit(dash);
}

/// Starts that changes cause one after the other without a wait.
const FREE_STARTS: usize = 5;

/// Saves the file of this name in a folder.
type Save = fn(&Path, &str);

#[test]
fn every_editors_save_is_one_restart() {
    // The steps of a save are a millisecond apart, on a busy machine more than the 20 that are usual.
    let project = Project::new(&sleeper("api", "watch = ['src/**']\ndebounce = '250ms'"));
    for n in 0..8 {
        project.write(&format!("src/{n}.rs"), "old");
    }
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api"]);
    let saves: [(&str, Save); 8] = [
        ("truncate and write", |src, name| fs::write(src.join(name), "new").unwrap()),
        ("vim", |src, name| {
            fs::write(src.join("4913"), "").unwrap();
            fs::remove_file(src.join("4913")).unwrap();
            fs::rename(src.join(name), src.join(format!("{name}~"))).unwrap();
            fs::write(src.join(name), "new").unwrap();
            fs::remove_file(src.join(format!("{name}~"))).unwrap();
        }),
        ("emacs", |src, name| {
            std::os::unix::fs::symlink("me@host.1:2", src.join(format!(".#{name}"))).unwrap();
            fs::write(src.join(format!("#{name}#")), "ne").unwrap();
            fs::rename(src.join(name), src.join(format!("{name}~"))).unwrap();
            fs::write(src.join(name), "new").unwrap();
            fs::remove_file(src.join(format!("#{name}#"))).unwrap();
            fs::remove_file(src.join(format!(".#{name}"))).unwrap();
        }),
        ("VS Code", |src, name| {
            let mut file = OpenOptions::new().write(true).open(src.join(name)).unwrap();
            file.set_len(0).unwrap();
            Write::write_all(&mut file, b"new").unwrap();
            file.sync_all().unwrap();
        }),
        ("JetBrains", |src, name| {
            fs::write(src.join(format!("{name}___jb_tmp___")), "new").unwrap();
            fs::rename(src.join(name), src.join(format!("{name}___jb_old___"))).unwrap();
            fs::rename(src.join(format!("{name}___jb_tmp___")), src.join(name)).unwrap();
            fs::remove_file(src.join(format!("{name}___jb_old___"))).unwrap();
        }),
        ("sed -i", |src, name| {
            fs::write(src.join("sedXYZ"), "new").unwrap();
            fs::rename(src.join("sedXYZ"), src.join(name)).unwrap();
        }),
        ("a hard link", |src, name| {
            fs::write(src.join("linked"), "new").unwrap();
            fs::remove_file(src.join(name)).unwrap();
            fs::hard_link(src.join("linked"), src.join(name)).unwrap();
            fs::remove_file(src.join("linked")).unwrap();
        }),
        ("append", |src, name| {
            let mut file = OpenOptions::new().append(true).open(src.join(name)).unwrap();
            Write::write_all(&mut file, b"new").unwrap();
        }),
    ];
    for (n, (editor, save)) in saves.into_iter().enumerate() {
        save(&project.path("src"), &format!("{n}.rs"));
        let marker = format!("restarted · src/{n}.rs changed");
        dash.wait_for(&format!("{editor} restarts for its file alone"), |screen| screen.contains(&marker));
        started(&mut dash, "api", n + 2);
    }
    project.write("src/last.rs", "new");
    dash.wait_for_text("restarted · src/last.rs changed");
    started(&mut dash, "api", 10);
    assert_eq!(starts(&project, "api"), 10, "one restart each");
    quit(dash);
}

#[test]
fn a_service_that_writes_what_it_watches_waits_longer_and_longer_and_the_line_is_offered() {
    let text = "[services.api]\nrun = \"echo start >> ../home/api; date +%s%N > gen.txt; echo api-is-up; exec sleep 1000\"\nwatch = true\n";
    let project = Project::new(text);
    project.write("src/a.rs", "old");
    let mut dash = Dash::start(&project, WIDE, &[]);
    let screen = dash.wait_for_text("restart in 4s · gen.txt changed right after each of the last 8 starts");
    assert!(screen.contains("ignore = [\"gen.txt\"]"), "{screen}");
    assert_eq!(starts(&project, "api"), 8, "the first, five that are free, and two that have waited");
    dash.wait_for("the sidebar and the panel say it", |screen| {
        screen.contains("api ● running · restart in ") && screen.contains("waits") && screen.contains("gen.txt")
    });
    // What somebody else writes waits with it, and is not lost.
    project.write("src/a.rs", "new");
    dash.wait_for("it runs with it", |screen| screen.contains("and 1 more changed"));
    started(&mut dash, "api", 9);
    // The line helps at once.
    project.write("procgroup.toml", format!("{text}ignore = [\"gen.txt\"]\n"));
    dash.wait_for("it waits no longer", |screen| !screen.contains("api ● running · restart in"));
    quit(dash);
}

/// A job that ends at once, and a save in every round of a slow start: neither spins, and what is on disk at the end runs.
#[test]
fn whatever_is_written_right_after_starts_what_is_on_disk_at_the_end_runs() {
    let text = "[services]\ngen = { run = \"echo $(date +%s%N) > gen.txt; echo start >> ../home/gen\", kind = \"job\", watch = [\"gen.txt\"] }\n\
                api = { run = \"cat v.txt; cat v.txt > ../home/v; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; exec sleep 1000\", watch = [\"v.txt\"] }\n";
    let project = Project::new(text);
    project.write("v.txt", "0");
    let mut dash = Dash::start(&project, WIDE, &[]);
    dash.wait_for_text("watching 2 services");
    for n in 1..=11 {
        project.write("v.txt", format!("version {n}"));
        let written = Instant::now();
        dash.wait_while_reading("some time passes between saves", |_| written.elapsed() > Duration::from_millis(40));
    }
    let last = |project: &Project| fs::read_to_string(project.path("../home/v")).is_ok_and(|text| text == "version 11");
    dash.wait_while_reading("the last version runs", last);
    // It has ended: what waits is a start.
    dash.wait_for_text("start in 4s · gen.txt changed right after each of");
    let before = starts(&project, "gen");
    assert!((8..=9).contains(&before), "the first, five that are free, and those that have waited: {before}");
    quit(dash);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_written_in_parts_is_acted_on_when_it_is_closed() {
    let project = Project::new(&sleeper("api", "watch = ['src/**']"));
    project.write("src/data.json", "[");
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api"]);
    let mut file = OpenOptions::new().append(true).open(project.path("src/data.json")).unwrap();
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    for part in 0..4 {
        writeln!(file, "{part},").unwrap();
        longest = longest.max(last.elapsed());
        last = Instant::now();
        dash.wait_while_reading("the next part is due", |_| last.elapsed() > Duration::from_millis(900));
    }
    let before = starts(&project, "api");
    // On a machine so busy that a part came too late, that was the end of the file for all that anybody knows.
    assert!(before == 1 || longest.max(last.elapsed()) > Duration::from_millis(1_900), "{longest:?}");
    drop(file);
    dash.wait_for_text("restarted · src/data.json changed");
    started(&mut dash, "api", before + 1);
    quit(dash);
}

#[test]
fn what_is_written_into_an_ignored_folder_restarts_no_service() {
    let project = Project::new(&sleeper("api", "watch = true"));
    project.git(&["init", "-q"]);
    project.write(".gitignore", "generated/\n");
    let mut dash = Dash::start(&project, WIDE, &[]);
    up(&mut dash, &["api"]);
    for n in 0..2_000 {
        project.write(&format!("node_modules/{}/{n}.js", n % 50), "x");
        project.write(&format!("generated/{}/{n}.js", n % 50), "x");
    }
    project.write("a.rs", "new");
    dash.wait_for_text("restarted · a.rs changed");
    started(&mut dash, "api", 2);
    assert_eq!(starts(&project, "api"), 2);
    quit(dash);
}
