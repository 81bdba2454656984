//! A script as CI has it, from the start of a group to its end: a shell, and nothing but commands.

use crate::harness::{Project, Stream};

const SHOP: &str = r#"
name = "shop"
[services]
api = { run = "echo listening; exec sleep 1000", watch = ["src/**"], ready = { log = "listening" } }
worker = "echo 'job 1 done'; exec sleep 1000"
"#;

/// What it says is compared; a step that fails ends it (`set -e`).
const SCRIPT: &str = r#"
set -eu
# Start it beside us, and wait until it can be asked.
devgroup --no-tui > ../home/out 2>&1 &
group=$!
trap 'kill -9 $group 2>/dev/null || true' EXIT
until devgroup status > /dev/null 2>&1; do sleep 0.02; done
devgroup wait api worker --timeout 30s
until devgroup status --json | grep -q '"state":"watching"'; do sleep 0.02; done

# A test against it, and its logs.
test "$(devgroup logs api --raw)" = listening
devgroup logs --grep 'job [0-9]+' --raw

# One restart, with what it says since.
devgroup restart api --wait --json > ../home/restart.json
grep -q '"name":"api","result":"ready","run":2' ../home/restart.json
grep -q '"text":"listening"' ../home/restart.json

# The other branch and back: nothing has changed in the end, so nothing restarts.
devgroup hold -- sh -c 'git checkout -q other && git checkout -q main'
devgroup events | grep -q ' release '
# The other branch alone: one restart.
devgroup hold -- git checkout -q other
until devgroup status --json | grep -q '"name":"api".*"change":1,'; do sleep 0.02; done
devgroup status --json | grep -q '"name":"api","kind":"service","state":"[a-z]*","pid":[0-9a-z]*,"run":3,'

devgroup down
trap - EXIT
wait $group
echo the end
"#;

#[test]
fn a_script_starts_asks_restarts_holds_and_ends_a_group() {
    let project = Project::new(SHOP);
    project.write("src/a.rs", "one");
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "one"]);
    project.git(&["checkout", "-qb", "other"]);
    project.write("src/a.rs", "two");
    project.git(&["commit", "-qam", "two"]);
    project.git(&["checkout", "-q", "main"]);
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_devgroup")).parent().unwrap();
    let project = project.with_env("PATH", &format!("{}:{path}", folder.display()));
    let ended = Stream::start_program(&project, "sh", &["-c", SCRIPT]).wait_exit();
    let out = project.read("../home/out");
    assert_eq!(ended.code, Some(0), "{}{}\n{out}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "api: ready\nworker: running\njob 1 done\nthe end\n", "{}\n{out}", ended.stderr);
    assert_eq!(out.matches("│ listening\n").count(), 3, "three runs: {out}");
}
