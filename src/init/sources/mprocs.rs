//! `mprocs.yaml`: `procs`, each with `shell` or `cmd`.

use crate::init::dollars::literal;
use crate::init::draft::{Draft, Found, Run};
use crate::init::names::{is_variable, join};
use crate::init::yaml::{self, Node};

/// Keys of the file that say nothing about what runs, but how mprocs looks and is used.
const LOOKS: [&str; 10] = [
    "procs",
    "hide_keymap_window",
    "mouse_scroll_speed",
    "scrollback",
    "proc_list_width",
    "proc_list_title",
    "keymap_procs",
    "keymap_term",
    "keymap_copy",
    "server",
];

/// Keys of a process that are read, or that say how it looks.
const OF_PROCESS: [&str; 11] = [
    "shell",
    "cmd",
    "cwd",
    "env",
    "autostart",
    "autorestart",
    "deps",
    "stop",
    "scrollback",
    "mouse_scroll_speed",
    "$select",
];

/// Reads the file.
pub(super) fn read(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    for key in tree.others(&LOOKS) {
        found.skip(path, format!("`{key}` of the file is not carried over"));
    }
    for (name, entry) in tree.get("procs").map(Node::entries).unwrap_or_default() {
        let entry = selected(entry);
        let run = match entry {
            Node::Null => {
                found.skip(path, format!("{name}: disabled"));
                continue;
            }
            Node::Text(line) => Some(Run::Shell(line.clone())),
            Node::List(_) => argv(entry),
            _ => match entry.get("shell").map(selected).and_then(Node::word) {
                Some(line) => Some(Run::Shell(line)),
                None => entry.get("cmd").map(selected).and_then(argv),
            },
        };
        let Some(run) = run else {
            found.skip(path, format!("{name}: has neither `shell` nor `cmd`"));
            continue;
        };
        let mut draft = Draft::new(name, run, path);
        if let Some(folder) = entry.get("cwd").map(selected).and_then(Node::word) {
            let relative = folder.replace("<CONFIG_DIR>", ".");
            match join("", &relative) {
                Some(folder) => draft.dir = folder,
                None => draft.dir = folder,
            }
        }
        if let Some(env) = entry.get("env") {
            draft.env = env.variables().into_iter().map(|(name, value)| (name, literal(&value))).collect();
            let unset = env.entries().iter().filter(|(name, value)| *value == Node::Null && is_variable(name));
            draft.unset = unset.map(|(name, _)| name.clone()).collect();
        }
        draft.autostart = !matches!(entry.get("autostart").map(selected), Some(Node::Bool(false)));
        // Without a word nothing is started again there.
        draft.restart = Some(if entry.is_true("autorestart") { "on-failure" } else { "never" });
        if entry.is_true("autorestart") {
            let early = "a failure within 2s stops it until a file changes (mprocs: within 1s)";
            draft.left.push(early.into());
        }
        draft.depends_on =
            entry.get("deps").map(Node::texts).unwrap_or_default().into_iter().map(|on| (on, None)).collect();
        match entry.get("stop") {
            Some(Node::Text(stop)) if stop.starts_with("SIG") => {
                draft.stop_signal = Some(stop.trim_start_matches("SIG").to_owned());
            }
            Some(Node::Text(stop)) if stop == "hard-kill" => draft.stop_signal = Some("KILL".into()),
            Some(Node::Null) | None => {}
            Some(stop) => match stop.get("send-keys").map(Node::texts).as_deref().and_then(signal_of_keys) {
                Some(signal) => draft.stop_signal = Some(signal.to_owned()),
                None => draft.left.push("its `stop` sends keys, which is not carried over: it gets TERM".into()),
            },
        }
        for key in entry.others(&OF_PROCESS) {
            draft.left.push(format!("`{key}` is not carried over"));
        }
        found.drafts.push(draft);
    }
    Ok(())
}

fn argv(node: &Node) -> Option<Run> {
    let words: Vec<String> = node.texts().iter().map(|word| literal(word)).collect();
    (!words.is_empty()).then_some(Run::Argv(words))
}

/// The signal that a terminal makes of what is typed.
fn signal_of_keys(keys: &[String]) -> Option<&'static str> {
    let [key] = keys else { return None };
    match key.to_ascii_lowercase().as_str() {
        "<c-c>" => Some("INT"),
        "<c-\\>" => Some("QUIT"),
        _ => None,
    }
}

/// The branch of `$select: os` for systems like this one.
fn selected(node: &Node) -> &Node {
    if node.get("$select").is_none() {
        return node;
    }
    let own = if cfg!(target_os = "macos") { "macos" } else { "linux" };
    node.get(own).or_else(|| node.get("unix")).or_else(|| node.get("$else")).unwrap_or(&Node::Null)
}
