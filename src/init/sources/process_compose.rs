//! `process-compose.yaml`: `processes`, with dependencies, probes, restarts and shutdown.

use crate::domain::Signal;
use crate::init::dollars::{interpolated, of_shell};
use crate::init::draft::{Draft, Found, Ready, Run};
use crate::init::names::join;
use crate::init::yaml::{self, Node};

/// Reads the file.
pub(super) fn read(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    let common = tree.get("environment").map(variables).unwrap_or_default();
    for (name, entry) in tree.get("processes").map(Node::entries).unwrap_or_default() {
        let run = match (entry.text("command"), entry.get("entrypoint").map(Node::texts)) {
            (Some(line), _) => Run::Shell(of_shell(line.trim())),
            (None, Some(words)) if !words.is_empty() => {
                Run::Argv(words.iter().map(|word| interpolated(word)).collect())
            }
            _ => {
                found.skip(path, format!("{name}: it has no `command`"));
                continue;
            }
        };
        let mut draft = Draft::new(name, run, path);
        if let Some(folder) = entry.text("working_dir") {
            draft.dir = join("", &folder).unwrap_or(folder);
        }
        draft.env = common.clone();
        for (variable, value) in entry.get("environment").map(variables).unwrap_or_default() {
            draft.env.retain(|(other, _)| *other != variable);
            draft.env.push((variable, value));
        }
        draft.env_files = entry.get("env_file").map(Node::texts).unwrap_or_default();
        draft.autostart = !entry.is_true("disabled");
        draft.group = entry.text("namespace").filter(|name| name != "default");
        depends(entry, &mut draft);
        ready(entry, &mut draft);
        if let Some(restart) = entry.get("availability").and_then(|availability| availability.text("restart")) {
            draft.restart = match restart.as_str() {
                "always" => Some("always"),
                "on_failure" => Some("on-failure"),
                "exit_on_failure" | "no" | "false" => Some("never"),
                _ => None,
            };
        }
        if let Some(shutdown) = entry.get("shutdown") {
            let number = shutdown.text("signal").and_then(|number| number.parse::<i32>().ok());
            draft.stop_signal = number.and_then(signal).map(|signal| signal.name().to_owned());
            draft.stop_grace = shutdown.text("timeout_seconds").and_then(|seconds| seconds.parse().ok());
            draft.stop_command = shutdown.text("command").map(|line| of_shell(&line));
        }
        for (key, what) in [
            ("is_daemon", "that it is a daemon"),
            ("replicas", "its replicas"),
            ("is_elevated", "that it runs as root"),
        ] {
            if entry
                .get(key)
                .is_some_and(|value| !matches!(value, Node::Bool(false)) && value.word().as_deref() != Some("1"))
            {
                draft.remarks.push(format!("{what} (`{key}`) is not carried over"));
            }
        }
        found.drafts.push(draft);
    }
    // What others wait for the end of runs to its end.
    let awaited: Vec<String> = found
        .drafts
        .iter()
        .flat_map(|draft| &draft.depends_on)
        .filter(|(_, when)| *when == Some("done"))
        .map(|(on, _)| on.clone())
        .collect();
    for draft in found.drafts.iter_mut().filter(|draft| draft.source == path && awaited.contains(&draft.name)) {
        draft.task = true;
    }
    Ok(())
}

fn variables(node: &Node) -> Vec<(String, String)> {
    node.variables().into_iter().map(|(name, value)| (name, interpolated(&value))).collect()
}

fn depends(entry: &Node, draft: &mut Draft) {
    for (on, how) in entry.get("depends_on").map(Node::entries).unwrap_or_default() {
        let condition = match how.text("condition").as_deref() {
            Some("process_healthy" | "process_log_ready") => Some("ready"),
            Some("process_completed_successfully" | "process_completed") => Some("done"),
            Some("process_started") => Some("started"),
            _ => None,
        };
        draft.depends_on.push((on.clone(), condition));
    }
}

fn ready(entry: &Node, draft: &mut Draft) {
    let Some(probe) = entry.get("readiness_probe") else {
        draft.ready = entry.text("ready_log_line").map(Ready::Log);
        return;
    };
    if let Some(http) = probe.get("http_get") {
        let host = http.text("host").unwrap_or_else(|| "localhost".into());
        let port = http.text("port").unwrap_or_else(|| "80".into());
        let path = http.text("path").unwrap_or_else(|| "/".into());
        match (http.text("scheme").as_deref(), port.parse::<u16>()) {
            (None | Some("http"), Ok(1..)) => draft.ready = Some(Ready::Http(format!("http://{host}:{port}{path}"))),
            (Some("https"), Ok(port @ 1..)) => draft.ready = Some(Ready::Port(port)),
            _ => draft.remarks.push("its readiness probe asks for an address that is only known at run time".into()),
        }
    } else if let Some(command) = probe.get("exec").and_then(|exec| exec.text("command")) {
        draft.ready = Some(Ready::Cmd(of_shell(&command)));
    }
}

/// The numbers that `shutdown` has, as Linux and macOS agree on them.
fn signal(number: i32) -> Option<Signal> {
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        9 => "KILL",
        15 => "TERM",
        _ => return None,
    };
    Signal::from_name(name)
}
