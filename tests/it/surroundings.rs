//! The real program where its surroundings are not as usual: no `/proc`, or that of others; a file system that does not
//! answer; a port that somebody else has.

use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{Project, Stream, compile, has};

/// Runs a script of the shell in mount and pid namespaces of its own; `$0` is devgroup. `None`, with a message, where the
/// machine does not allow that.
fn in_namespaces(project: &Project, script: &str) -> Option<crate::harness::Streamed> {
    let words = ["--mount", "--pid", "--fork", "sh", "-c"];
    let works = Command::new("unshare").args(words).arg("true").output().is_ok_and(|tried| tried.status.success());
    if !has("unshare", works) {
        return None;
    }
    let words: Vec<&str> = words.into_iter().chain([script, env!("CARGO_BIN_EXE_devgroup")]).collect();
    Some(Stream::start_program(project, "unshare", &words).wait_exit())
}

/// Where processes cannot be seen, stopping goes by process groups, and what has left its session is ended at the end.
#[test]
fn without_a_proc_of_its_own_a_group_stops_in_good_time_and_leaves_nothing() {
    for proc in ["true", "mount -t tmpfs none /proc"] {
        let project = Project::new(
            "[services]\n\
             shell = 'sleep 1000; true'\n\
             program = 'exec sleep 1000'\n\
             daemon = '''setsid sh -c 'trap \"echo asked > asked; exit\" TERM; echo $$ > pid; while :; do sleep 0.01; done' & \
             wait'''\n",
        );
        let script = format!(
            "{proc} || exit 9\n\
             \"$0\" doctor | grep -A1 processes\n\
             \"$0\" --no-tui & group=$!\n\
             while ! test -s pid; do sleep 0.02; done\n\
             \"$0\" down; echo down $?\n\
             wait $group; echo code $?\n\
             kill -0 $(cat pid) 2>/dev/null && echo left\n\
             exit 0\n"
        );
        let Some(ended) = in_namespaces(&project, &script) else { return };
        let said = format!("{proc}: {}\n{}", ended.stdout, ended.stderr);
        assert!(said.contains("warn  processes"), "{said}");
        assert!(said.contains("down 0\n") && said.contains("code 0\n"), "{said}");
        assert!(!said.contains("left\n") && !said.contains("could not be killed"), "{said}");
        assert_eq!(project.read("asked"), "asked\n", "{said}");
    }
}

/// With the switch, file events come by notify, and runs are started by portable-pty, which does not know why `exec` failed.
#[test]
fn a_linux_binary_does_what_others_do_where_it_is_asked_to() {
    let longer_than_the_kernel_takes = "x".repeat(200_000);
    let project = Project::new(&format!(
        "[services]\nlong = {{ run = [\"true\", \"{longer_than_the_kernel_takes}\"] }}\napi = {{ run = \"exec sleep 1000\", watch = true }}\n"
    ));
    let project = project.with_env("DEVGROUP_PORTABLE", "1");
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("could not start");
    let status = Stream::ask(&project, &["status", "--json"]).stdout;
    stream.signal(Signal::TERM);
    let said = stream.wait_exit().stdout;
    assert!(status.contains("\"backend\":\"notify\""), "{status}");
    assert!(
        said.contains("the system refused to execute it") && !said.contains("argument list too long"),
        "{:.4000}",
        said
    );
}

/// Whoever looks at something below a folder `hung` waits until there is a file `answer` beside that.
const HANGING: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
typedef int look(int, const char *, int, unsigned, struct statx *);
int statx(int dir, const char *path, int flags, unsigned mask, struct statx *found) {
    if (path && strstr(path, "/hung/"))
        while (access(getenv("ANSWER"), F_OK)) usleep(5000);
    return ((look *)dlsym(RTLD_NEXT, "statx"))(dir, path, flags, mask, found);
}
"#;

#[test]
fn a_file_system_that_does_not_answer_holds_up_only_who_asks_it() {
    let project = Project::new(
        "[services]\n\
         ready = { run = 'exec sleep 1000', ready = { file = 'hung/ready' } }\n\
         alive = { run = 'exec sleep 1000', alive = { file = 'hung/alive', max_age = '100ms', every = '100ms' } }\n\
         api = { run = 'exec sleep 1000', ready = { cmd = 'test -e go' } }\n\
         hook = { run = 'exec sleep 1000', watch = ['x'], on_change = 'run:touch hooked' }\n",
    );
    let Some(shim) = compile(&project, "hanging.so", HANGING, &["-shared", "-fPIC", "-ldl"]) else { return };
    let answer = project.path("../answer");
    let project = project.with_env("ANSWER", answer.to_str().unwrap());
    std::fs::create_dir(project.path("hung")).unwrap();
    let preload = format!("LD_PRELOAD={}", shim.display());
    let words = [preload.as_str(), env!("CARGO_BIN_EXE_devgroup"), "--no-tui"];
    let mut group = Stream::start_program(&project, "env", &words);
    group.wait_for("a look that has no answer", |out| out.contains("hung/alive did not respond in 10s"));
    project.write("go", "");
    group.wait_for("the other is ready", |out| {
        out.lines().any(|line| line.contains("api") && line.contains("── ready"))
    });
    project.write("x", "1");
    crate::harness::wait_for("the hook has run", || project.path("hooked").exists());
    project.write("../answer", "");
    // What the file was before is not known: written once more, it is new.
    group.wait_for("the first is ready", |out| {
        project.write("hung/ready", "now");
        out.lines().any(|line| line.contains("ready │ ── ready"))
    });
    group.signal(Signal::INT);
    group.wait_exit();
}

#[test]
fn a_port_that_somebody_else_has_makes_nobody_ready() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let project = Project::new(&format!(
        "[services]\n\
         web = {{ run = 'exec sleep 1000', ready = {{ port = {port}, timeout = '1s' }}, restart = 'never' }}\n\
         user = {{ run = 'touch ../ran', kind = 'job', depends_on = ['web'] }}\n"
    ));
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(5), "{}", start.stderr);
    let log = Stream::ask(&project, &["logs", "web"]).stdout;
    let taken = format!("web cannot have port {port}: ");
    assert!(log.contains(&taken) && log.contains(&format!("(pid {}, ", std::process::id())), "{log}");
    assert!(log.contains("── not ready · ") && !project.path("../ran").exists(), "{log}");
    Stream::ask(&project, &["down"]);
    project.assert_nothing_left();
}

#[test]
fn that_the_lock_cannot_be_written_is_said_once() {
    let project = Project::new("[services]\napi = { run = \"sleep 0.2\", kind = \"job\" }\n");
    // No file may grow, as on a disk that is full.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" --no-tui";
    let ended = Stream::start_program(&project, "sh", &["-c", script, env!("CARGO_BIN_EXE_devgroup")]).wait_exit();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches(".lock: ").count(), 1, "{}", ended.stderr);
}
