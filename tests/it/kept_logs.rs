//! What is kept of the logs, and where: in memory within bounds, and on disk if the file asks for it.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Dash, Project};

/// The log file of the only group that has run in a project.
fn log_file(project: &Project, service: &str) -> Option<PathBuf> {
    let groups = fs::read_dir(project.root().join("../home/state/devgroup")).ok()?;
    groups.map(|group| group.unwrap().path().join(format!("logs/{service}.log"))).find(|path| path.exists())
}

#[test]
fn log_files_hold_what_was_printed_byte_for_byte() {
    let trace = "Exception in thread \"main\" java.lang.Error: größe\n\tat a.b.C.main(C.java:7)\n\tat\ttwice\n";
    let project =
        Project::new("[logs]\nfiles = true\n\n[services]\napi = \"cat trace; echo all-is-''said; exec sleep 1000\"\n");
    project.write("trace", trace);
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("all-is-said");
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
    let text = fs::read_to_string(log_file(&project, "api").unwrap()).unwrap();
    assert!(text.starts_with("── started · "), "{text}");
    assert!(text.contains(&format!("──\n{trace}all-is-said\n")), "{text:?}");
}

#[test]
fn without_asking_nothing_is_written() {
    let project = Project::new("[services]\napi = \"echo all''-is-said; exec sleep 1000\"\n");
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("all-is-said");
    dash.keys("q");
    dash.wait_exit();
    assert_eq!(log_file(&project, "api"), None);
}

#[test]
fn what_memory_does_not_hold_is_said_at_the_top() {
    let command = "seq 100000 | sed 's/.*/& & & & &/'; echo all''-is-said; exec sleep 1000";
    let project = Project::new(&format!("[logs]\nmemory = \"64KiB\"\n\n[services]\napi = \"{command}\"\n"));
    let mut dash = Dash::start(&project, (100, 30), &[]);
    dash.wait_for_text("all-is-said");
    dash.keys("g");
    dash.wait_for_text("older lines dropped · [logs] memory is full ──");
    dash.keys("q");
    dash.wait_exit();
}
