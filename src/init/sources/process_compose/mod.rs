//! `process-compose.yaml`: `processes`, with dependencies, probes, restarts and shutdown.
//!
//! What has a counterpart is carried over; each other key is named in a line of its own.

mod probes;
mod schedule;
mod texts;

use self::texts::Texts;
use crate::domain::{Instance, Signal};
use crate::init::dollars::puts_in;
use crate::init::draft::{Draft, Found, Ready, Run};
use crate::init::names::{below, folder_of, join};
use crate::init::repository::Repository;
use crate::init::yaml::{self, Node};

/// Keys of the file that are read, or that say nothing about what runs.
const OF_FILE: [&str; 13] = [
    "version",
    "name",
    "processes",
    "environment",
    "vars",
    "shell",
    "disable_env_expansion",
    "is_strict",
    "is_tui_disabled",
    "log_level",
    "log_length",
    "log_format",
    "ordered_shutdown",
];

/// Keys of a process that are read. Each service has a terminal (`is_tty`).
const OF_PROCESS: [&str; 21] = [
    "command",
    "entrypoint",
    "working_dir",
    "environment",
    "env_file",
    "is_dotenv_disabled",
    "is_template_disabled",
    "disabled",
    "namespace",
    "description",
    "depends_on",
    "readiness_probe",
    "liveness_probe",
    "ready_log_line",
    "availability",
    "shutdown",
    "vars",
    "is_tty",
    "is_interactive",
    "schedule",
    "is_foreground",
];

/// Reads the file.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    for key in tree.others(&OF_FILE) {
        found.skip(path, format!("`{key}` of the file is not carried over"));
    }
    let file = File { tree: &tree, path, dotenv: repository.files().iter().any(|file| file == ".env") };
    for (name, entry) in tree.get("processes").map(Node::entries).unwrap_or_default() {
        match file.process(name, entry) {
            Some(draft) => found.drafts.push(draft),
            None => found.skip(path, format!("{name}: has no `command`")),
        }
    }
    for name in ["yml", "yaml"].map(|end| below(folder_of(path), &format!("process-compose.override.{end}"))) {
        if repository.files().contains(&name) {
            found.skip(&name, format!("not merged into {path}"));
        }
    }
    let awaited = found.awaited();
    let needs = found.drafts.iter().flat_map(|draft| &draft.depends_on);
    let needed: Vec<String> = needs.map(|(on, _)| on.clone()).collect();
    for draft in found.drafts.iter_mut().filter(|draft| draft.source == path) {
        if needed.contains(&draft.name) && draft.schedule.take().is_some() {
            draft.left.push("`schedule` is not carried over: other services wait for this one".into());
        }
        draft.job = awaited.contains(&draft.name) || draft.schedule.is_some();
        if draft.restart == Some("on-failure") && !draft.job {
            draft.left.push(EARLY.into());
        }
        if draft.job {
            // `retries` says both.
            if let Some(restart @ ("always" | "on-failure")) = draft.restart.take()
                && draft.retries.is_none()
            {
                let why = "a failed job is retried only up to `retries` times";
                draft.left.push(format!("`restart: {}` is not carried over: {why}", restart.replace('-', "_")));
            }
        } else if let Some(most) = draft.retries.take() {
            // The first start is none of them.
            draft.breaker = most.checked_add(1).filter(|most| *most <= u64::from(u32::MAX));
            draft.left.push("`max_restarts` counts failures per day here; after a day it is retried".into());
            if draft.restart == Some("always") {
                draft.left.push("`max_restarts` does not count exits without a failure here".into());
            }
        }
    }
    Ok(())
}

/// What `on-failure` does not do here.
const EARLY: &str = "a failure before it is ready (without a check: within 2s) waits for a change here";

/// What holds for all processes of a file.
struct File<'f> {
    tree: &'f Node,
    path: &'f str,
    /// There is a `.env`, which is read without being named.
    dotenv: bool,
}

impl File<'_> {
    fn process(&self, name: &str, entry: &Node) -> Option<Draft> {
        let texts = Texts::of(self.tree, entry);
        let rendered = texts.rendered(entry);
        let entry = &rendered;
        let run = match (entry.text("command"), entry.get("entrypoint").map(Node::texts)) {
            (Some(line), _) => texts.command(line.trim()),
            (None, Some(words)) if !words.is_empty() => Run::Argv(words.iter().map(|word| texts.value(word)).collect()),
            _ => return None,
        };
        let mut draft = Draft::new(name, run, self.path);
        draft.remarks.extend(entry.text("description").map(|text| text.trim().to_owned()));
        folder(entry, &texts, &mut draft);
        self.variables(name, entry, &texts, &mut draft);
        for name in draft.env.iter().map(|(name, _)| name) {
            // There it is put in when the file is read, before the process has an environment.
            if texts.expands() && entry.text("command").is_some_and(|line| puts_in(&line, name)) {
                let there = "that of process-compose";
                draft.left.push(format!("`${name}` in its command is {there}; here it comes from `environment`"));
            }
        }
        draft.autostart = !entry.is_true("disabled");
        draft.group = entry.text("namespace").filter(|name| name != "default");
        depends(entry, &mut draft);
        probes::read(entry, &texts, &mut draft);
        draft.ready = draft.ready.or_else(|| entry.text("ready_log_line").map(Ready::Log));
        availability(entry, &mut draft);
        shutdown(entry, &texts, &mut draft);
        others(entry, &mut draft);
        if texts.has_templates(entry) {
            draft.left.push("its templates, `{{…}}`, are not carried over: write out their values".into());
        }
        Some(draft)
    }

    fn variables(&self, name: &str, entry: &Node, texts: &Texts, draft: &mut Draft) {
        let common = self.tree.get("environment").map(Node::variables).unwrap_or_default();
        let own = entry.get("environment").map(Node::variables).unwrap_or_default();
        // Two that each process is given there.
        let given = [("PC_PROC_NAME", name), ("PC_REPLICA_NUM", "0")].map(|(name, value)| (name.into(), value.into()));
        let asked = |(name, _): &(String, String)| texts.mentions(entry, name);
        for (variable, value) in given.into_iter().filter(asked).chain(common).chain(own) {
            draft.env.retain(|(other, _)| *other != variable);
            draft.env.push((variable, texts.value(&value)));
        }
        if self.dotenv && !entry.is_true("is_dotenv_disabled") {
            draft.env_files.push(".env".into());
        }
        for file in entry.get("env_file").map(Node::texts).unwrap_or_default() {
            if !draft.env_files.contains(&file) {
                draft.env_files.push(file);
            }
        }
    }
}

/// The folder it runs in. One that is only known when it starts is gone to by the shell, as are those of its checks.
fn folder(entry: &Node, texts: &Texts, draft: &mut Draft) {
    let Some(folder) = entry.text("working_dir") else { return };
    if texts.is_known(&folder) {
        draft.dir = join("", &folder).unwrap_or(folder);
    } else {
        draft.run = Run::Shell(texts.in_folder(&folder, &texts.line(&draft.run)));
    }
}

fn depends(entry: &Node, draft: &mut Draft) {
    for (on, how) in entry.get("depends_on").map(Node::entries).unwrap_or_default() {
        let condition = match how.text("condition").as_deref() {
            Some("process_healthy" | "process_log_ready") => Some("ready"),
            Some("process_completed_successfully") => Some("done"),
            Some("process_completed") => {
                draft.left.push(format!(
                    "here it waits until `{on}` succeeds; permission for `{on}` to fail is not carried over"
                ));
                Some("done")
            }
            // Without a word the start is enough.
            _ => Some("started"),
        };
        draft.depends_on.push((on.clone(), condition));
    }
}

/// Without a word nothing is started again there.
fn availability(entry: &Node, draft: &mut Draft) {
    let none = Node::Null;
    let said = entry.get("availability").unwrap_or(&none);
    let restart = said.text("restart").unwrap_or_else(|| "no".into());
    draft.restart = Some(match restart.as_str() {
        "always" => "always",
        "on_failure" => "on-failure",
        _ => "never",
    });
    if !matches!(restart.as_str(), "always" | "on_failure" | "no" | "false") {
        draft.left.push(format!("`restart: {restart}` is not carried over: it is not restarted"));
    }
    let again = draft.restart != Some("never");
    let wait = said.number("backoff_seconds").filter(|wait| *wait > 0);
    draft.backoff = wait.filter(|_| again);
    // What a job calls so; for a service it becomes its breaker.
    draft.retries = said.number("max_restarts").filter(|most| *most > 0 && again);
    for key in said.others(&["restart"]) {
        let carried = match key {
            "backoff_seconds" => wait.is_some() || !again,
            "max_restarts" => said.number(key).is_some(),
            _ => false,
        };
        if !carried {
            draft.left.push(format!("`{key}` of `availability` is not carried over"));
        }
    }
}

fn shutdown(entry: &Node, texts: &Texts, draft: &mut Draft) {
    let Some(shutdown) = entry.get("shutdown") else { return };
    let number = shutdown.text("signal").and_then(|number| number.parse::<i32>().ok());
    draft.stop_signal = number.and_then(signal).map(|signal| signal.name().to_owned());
    draft.stop_grace = shutdown.number("timeout_seconds");
    draft.stop_command = shutdown.text("command").map(|line| texts.beside(entry, &line));
    draft.stop_leader = shutdown.is_true("parent_only");
    for key in shutdown.others(&["command", "parent_only"]) {
        let carried = match key {
            "signal" => draft.stop_signal.is_some(),
            "timeout_seconds" => draft.stop_grace.is_some(),
            _ => false,
        };
        if !carried {
            draft.left.push(format!("`{key}` of `shutdown` is not carried over"));
        }
    }
}

/// Names what has no counterpart.
fn others(entry: &Node, draft: &mut Draft) {
    schedule::read(entry, draft);
    if entry.is_true("is_foreground") {
        draft.autostart = false;
        draft.left.push("`is_foreground` is not carried over: start it manually and zoom in".into());
    }
    for key in entry.others(&OF_PROCESS) {
        match key {
            "replicas" => replicas(entry.number(key), draft),
            _ => draft.left.push(format!("`{key}` is not carried over")),
        }
    }
}

/// Its instances are numbered from 0 there.
fn replicas(count: Option<u64>, draft: &mut Draft) {
    match count.and_then(|count| u32::try_from(count).ok()) {
        Some(1) => {}
        Some(count) if count <= Instance::MOST => {
            draft.replicas = Some(count);
            if draft.run.line().contains("PC_REPLICA_NUM") {
                draft.left.push("`PC_REPLICA_NUM` is `DEVGROUP_REPLICA` here, and counts from 1".into());
            }
        }
        _ => draft.left.push(format!("`replicas` is not carried over: at most {} instances run", Instance::MOST)),
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
