//! Generated requests against the description, by schemathesis: none is answered with a failure of ours, or in a form that is
//! not described.

use std::path::Path;
use std::process::Command;

use super::{Page, SHOP};
use crate::harness::{Project, detach, down, has};

/// What it looks at in each answer. Which requests are refused is told by other tests.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";

/// What it does not ask: what ends the group, what has no end, and what may say 503 by right.
const LEFT_OUT: [&str; 3] = ["/api/v1/down", "/api/v1/stream", "/ready"];

#[test]
fn generated_requests_are_answered_as_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/schemathesis/bin/schemathesis");
    // It is a script, whose Python may have gone.
    let runs = Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !has("schemathesis (.ci/run installs it)", runs) {
        return;
    }
    let project = Project::new(SHOP);
    detach(&project);
    let page = Page::log_in(&project);
    let mut command = project.command(program.to_str().unwrap());
    command.arg("run").arg(root.join("assets/openapi.json")).args(["--url", &format!("http://{}", page.host)]);
    command.args(["--header", &format!("Authorization: Bearer {}", page.token), "--checks", CHECKS]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--workers", "1"]);
    command.args(["--seed", "12", "--request-timeout", "20", "--no-color"]);
    command.args(LEFT_OUT.iter().flat_map(|path| ["--exclude-path", path]));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(page.json("/health")["status"], "ok");
    down(&project);
}
