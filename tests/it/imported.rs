//! What `init` writes of other tools' files is run: the shell lines that it makes (`cd …`, `unset …`, a check by curl, what asks a
//! container) do what the tools do, with spaces, quotes and dollars in folders, variables and arguments.

use std::fs;

use rustix::process::Signal;

use crate::harness::{Project, Stream, wait_for, write_program};

/// A folder that a shell takes apart if nobody quotes it.
const FOLDER: &str = "it's \"my\" $app";

/// A project with the file of another tool, and what `init` makes of it.
fn imported(project: Project, file: &str, text: &str) -> Project {
    fs::create_dir_all(project.path(FOLDER)).unwrap();
    project.write(file, text);
    let init = Stream::run(&project, &["init"]);
    assert_eq!(init.code, Some(0), "{}", init.stderr);
    project
}

/// Programs of the test come before those of the machine.
fn with_program(project: Project, name: &str, text: &str) -> Project {
    let folder = project.path("programs");
    write_program(&folder.join(name), text);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    project.with_env("PATH", &path)
}

fn ended(stream: Stream<'_>) {
    stream.signal(Signal::INT);
    assert_eq!(stream.wait_exit().code, Some(130));
}

#[test]
fn process_compose_runs_in_folders_that_are_known_at_the_start() {
    let project = Project::empty();
    let place = project.path(FOLDER).display().to_string();
    let project = imported(
        project.with_env("PLACE", &place).with_env("WORD", "a 'b' \"c\" $d"),
        "process-compose.yml",
        r#"
environment: ["SHARED=for all"]
processes:
  api:
    command: printf 'says <%s> <%s> in <%s>\n' "$$GREETING" "$$SHARED" "$${PWD##*/}"; exec sleep 1000
    working_dir: ${PLACE}
    environment:
      - GREETING=it's "here" & $$5, $WORD
    readiness_probe:
      exec: { command: 'printf "%s\n" "$${PWD##*/}" > "pro bed"' }
    shutdown: { command: 'pwd > "was asked"', timeout_seconds: 1 }
  after:
    command: echo "after 'the api'"; exec sleep 1000
    depends_on: { api: { condition: process_healthy } }
"#,
    );
    let file = project.read("procgroup.toml");
    assert!(file.contains("cd "), "this is about the line that `init` makes:\n{file}");
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text(&format!("says <it's \"here\" & $5, a 'b' \"c\" $d> <for all> in <{FOLDER}>"));
    stream.wait_for_text("after 'the api'");
    assert_eq!(project.read(&format!("{FOLDER}/pro bed")), format!("{FOLDER}\n"));
    ended(stream);
    assert_eq!(project.read(&format!("{FOLDER}/was asked")), format!("{place}\n"));
}

#[test]
fn a_task_of_process_compose_that_is_always_restarted_says_that_this_is_not_so_here() {
    let text = "processes:\n  job: { command: 'true', availability: { restart: always } }\n  \
                api: { command: 'exec sleep 1000', depends_on: { job: { condition: process_completed_successfully } } }\n";
    let project = imported(Project::empty(), "process-compose.yml", text);
    let file = project.read("procgroup.toml");
    assert!(file.contains("# `restart: always` is not carried over: a failed job is retried only up to"), "{file}");
    let check = Stream::run(&project, &["check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""), "{file}");
}

#[test]
fn process_compose_asks_by_https_through_curl() {
    let curl = "#!/bin/sh\nprintf '[%s]' \"$@\" >> \"${0%/*}/../asked\"\n\
                if [ -e \"${0%/*}/../healthy\" ]; then printf 204; else printf 503; fi\n";
    let project = imported(
        with_program(Project::empty(), "curl", curl),
        "process-compose.yml",
        r#"
processes:
  web:
    command: echo "web is up"; exec sleep 1000
    readiness_probe:
      http_get: { host: localhost, scheme: https, port: 8443, path: "/healthy?full=1&deep=2", status_code: 204 }
  after:
    command: echo "after the web"; exec sleep 1000
    depends_on: { web: { condition: process_healthy } }
"#,
    );
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("web is up");
    let asked = "[https://localhost:8443/healthy?full=1&deep=2]";
    wait_for("curl is asked again", || project.read("asked").matches(asked).count() > 1);
    let out = stream.wait_for_text("waiting for web to be ready");
    assert!(!out.contains("after the web"), "{out}");
    project.write("healthy", "");
    stream.wait_for_text("after │ after the web");
    ended(stream);
}

#[test]
fn process_compose_starts_again_as_often_as_it_says() {
    let project = imported(
        Project::empty(),
        "process-compose.yml",
        r#"
processes:
  api:
    command: echo run >> runs; echo is up; sleep 0.3; exit 3
    ready_log_line: is up
    availability: { restart: on_failure, max_restarts: 2, backoff_seconds: 1 }
  beside: { command: exec sleep 1000 }
"#,
    );
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("gave up · 3 crashes in ");
    assert_eq!(project.read("runs").lines().count(), 3, "one start, and two more");
    ended(stream);
}

#[test]
fn mprocs_runs_without_variables_and_with_words_as_they_are() {
    let project = imported(
        Project::empty().with_env("GONE", "still here").with_env("TAKEN", "still here"),
        "mprocs.yaml",
        r#"
procs:
  words:
    cmd: ["sh", "-c", 'printf "<%s>" "$@"; printf " <%s> <%s> in <%s>\n" "${GONE-none}" "$KEPT" "${PWD##*/}"; exec sleep 1000', "name", "two words", "it's", 'say "x"', "$HOME", "${NOT_SET}", "a;b", "*", ""]
    cwd: '<CONFIG_DIR>/it''s "my" $app'
    env: { GONE: null, KEPT: 'a "b" $c ${d} it''s' }
  shell:
    shell: 'echo "shell <${GONE-none}> <${TAKEN-none}> <$KEPT>"; exec sleep 1000'
    env: { GONE: null, TAKEN: null, KEPT: "$GONE" }
"#,
    );
    let file = project.read("procgroup.toml");
    assert!(file.contains("unset GONE"), "this is about the line that `init` makes:\n{file}");
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text(&format!(
        "<two words><it's><say \"x\"><$HOME><${{NOT_SET}}><a;b><*><> <none> <a \"b\" $c ${{d}} it's> in <{FOLDER}>"
    ));
    stream.wait_for_text("shell <none> <none> <$GONE>");
    ended(stream);
}

#[test]
fn compose_is_asked_for_each_service_and_each_check() {
    let docker = "#!/bin/sh\nprintf '[%s]' \"$@\" | tee -a \"${0%/*}/../asked\"\necho | tee -a \"${0%/*}/../asked\"\n\
                  case \"$*\" in *' exec '*|*' run '*) exit 0 ;; esac\nexec sleep 1000\n";
    let project = with_program(Project::empty(), "docker", docker);
    project.write(".env", "KEY=\"of 'compose' \"\n");
    let project = imported(
        project,
        "compose.yaml",
        r#"
services:
  db:
    image: registry.example/shop/store:1
    healthcheck:
      test: ["CMD", "ask", "two words", "it's", 'say "x"', "$$HOME", "${KEY}"]
  web:
    image: registry.example/shop/web:1
    healthcheck:
      test: ["CMD-SHELL", "ask 'a b' \"$$USER\" | grep -q \"it's up\""]
    depends_on: { db: { condition: service_healthy } }
"#,
    );
    let mut stream = Stream::start(&project, &["--no-tui"]);
    stream.wait_for_text("[compose][up][--no-deps][--no-log-prefix][web]");
    let asked = project.read("asked");
    assert!(asked.contains("[exec][-T][db][ask][two words][it's][say \"x\"][$HOME][of 'compose' ]"), "{asked}");
    wait_for("the second check is asked", || {
        project.read("asked").contains("[exec][-T][web][sh][-c][ask 'a b' \"$USER\" | grep -q \"it's up\"]")
    });
    ended(stream);
}
