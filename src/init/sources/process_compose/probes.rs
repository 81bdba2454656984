//! The probes of a process: `ready` and `alive`.

use super::texts::Texts;
use crate::init::draft::{Alive, Draft, Ready};
use crate::init::names::join;
use crate::init::yaml::Node;

/// Keys of both probes that say how often and how long.
const PERIODS: [&str; 4] = ["period_seconds", "timeout_seconds", "initial_delay_seconds", "failure_threshold"];

const DAY: u64 = 24 * 60 * 60;

/// Reads the readiness and the liveness probe of a process into the draft.
pub(super) fn read(entry: &Node, texts: &Texts, draft: &mut Draft) {
    if let Some(probe) = entry.get("readiness_probe") {
        draft.ready = ready_of(probe, "readiness_probe", entry, texts, draft);
        draft.ready_timeout = draft.ready.as_ref().and_then(|_| patience(probe));
        // How soon a service is ready is asked in our own rhythm; only for how long is said.
        let carried: &[&str] = if draft.ready_timeout.is_some() { &["failure_threshold"] } else { &[] };
        others(probe, "readiness_probe", carried, draft);
    }
    let Some(probe) = entry.get("liveness_probe") else { return };
    others(probe, "liveness_probe", &PERIODS, draft);
    let Some(ask) = ready_of(probe, "liveness_probe", entry, texts, draft) else { return };
    let mut or = |key: &str, least: u64, default: u64| match probe.number(key) {
        Some(number) if number >= least => number,
        None if probe.get(key).is_some() => {
            draft.left.push(format!("`{key}` of `liveness_probe` is not carried over: it is not a number"));
            default
        }
        _ => default,
    };
    // What process-compose takes if it is not said.
    let (every, timeout) = (or("period_seconds", 1, 10), or("timeout_seconds", 1, 1));
    let (failures, grace) = (or("failure_threshold", 1, 3), or("initial_delay_seconds", 0, 0));
    draft.alive = Some(Alive { ask, every, timeout, failures, grace });
}

/// For how many seconds a probe may fail, if it says how often it may.
fn patience(probe: &Node) -> Option<u64> {
    let number = |key: &str, usual: u64| if probe.get(key).is_some() { probe.number(key) } else { Some(usual) };
    let failures = probe.number("failure_threshold").filter(|failures| *failures > 0)?;
    let tries = failures.checked_mul(number("period_seconds", 10)?.max(1))?;
    number("initial_delay_seconds", 0)?.checked_add(tries).filter(|seconds| *seconds <= DAY)
}

fn others(probe: &Node, name: &str, carried: &[&str], draft: &mut Draft) {
    let one = |key: &str| key == "success_threshold" && probe.number(key) == Some(1);
    for key in probe.others(&["http_get", "exec"]).into_iter().filter(|key| !carried.contains(key) && !one(key)) {
        draft.left.push(format!("`{key}` of `{name}` is not carried over"));
    }
}

/// What a probe asks.
fn ready_of(probe: &Node, name: &str, entry: &Node, texts: &Texts, draft: &mut Draft) -> Option<Ready> {
    if let Some(exec) = probe.get("exec") {
        for key in exec.others(&["command"]) {
            let own =
                key == "working_dir" && exec.text(key).and_then(|folder| join("", &folder)) == Some(draft.dir.clone());
            if !own {
                draft.left.push(format!("`{key}` of `{name}` is not carried over"));
            }
        }
        return exec.text("command").map(|line| Ready::Cmd(texts.beside(entry, &line)));
    }
    let http = probe.get("http_get")?;
    for key in http.others(&["host", "port", "num_port", "path", "scheme", "status_code"]) {
        draft.left.push(format!("`{key}` of `{name}` is not carried over"));
    }
    let host = http.text("host").unwrap_or_else(|| "127.0.0.1".into());
    let port = http.text("port").or_else(|| http.text("num_port"));
    let path = http.text("path").unwrap_or_else(|| "/".into());
    let scheme = http.text("scheme").unwrap_or_else(|| "http".into()).to_lowercase();
    let port = match port.map(|port| port.parse::<u16>()) {
        None => Some(String::new()),
        Some(Ok(port)) if port > 0 => Some(format!(":{port}")),
        Some(_) => None,
    };
    let good_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let good_path = path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic() && !"'\"\\$`{}#".contains(c));
    let (Some(port), true, true) = (port, good_host, good_path) else {
        draft.left.push(format!("`{name}` is not carried over: its address is only known at the start"));
        return None;
    };
    let status = http.number("status_code").and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|code| (100..=400).contains(code));
    let url = format!("{scheme}://{host}{port}{path}");
    match scheme.as_str() {
        "http" => Some(Ready::Http(url, status)),
        "https" => {
            draft.remarks.push(format!("`{name}` needs curl for https"));
            let code = status.unwrap_or(200);
            Some(Ready::Cmd(format!("test \"$(curl -sLo /dev/null -w '%{{http_code}}' '{url}')\" = {code}")))
        }
        _ => {
            draft.left.push(format!("`{name}` is not carried over: {scheme} is not supported"));
            None
        }
    }
}
