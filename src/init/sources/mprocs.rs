//! `mprocs.yaml`: `procs`, each with `shell` or `cmd`.

use crate::init::dollars::literal;
use crate::init::draft::{Draft, Found, Run};
use crate::init::names::join;
use crate::init::yaml::{self, Node};

/// Reads the file.
pub(super) fn read(path: &str, text: &str, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    for (name, entry) in tree.get("procs").map(Node::entries).unwrap_or_default() {
        let entry = selected(entry);
        let run = match entry {
            Node::Null => {
                found.skip(path, format!("{name}: it is switched off"));
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
            found.skip(path, format!("{name}: it has neither `shell` nor `cmd`"));
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
        }
        draft.autostart = !matches!(entry.get("autostart"), Some(Node::Bool(false)));
        if entry.is_true("autorestart") {
            draft.restart = Some("always");
        }
        draft.depends_on =
            entry.get("deps").map(Node::texts).unwrap_or_default().into_iter().map(|on| (on, None)).collect();
        match entry.get("stop") {
            Some(Node::Text(stop)) if stop.starts_with("SIG") => {
                draft.stop_signal = Some(stop.trim_start_matches("SIG").to_owned());
            }
            Some(Node::Text(stop)) if stop == "hard-kill" => draft.stop_signal = Some("KILL".into()),
            Some(Node::Null) | None => {}
            Some(_) => draft.remarks.push("its `stop` types keys, which is not carried over".into()),
        }
        found.drafts.push(draft);
    }
    Ok(())
}

fn argv(node: &Node) -> Option<Run> {
    let words: Vec<String> = node.texts().iter().map(|word| literal(word)).collect();
    (!words.is_empty()).then_some(Run::Argv(words))
}

/// The branch of `$select: os` for systems like this one.
fn selected(node: &Node) -> &Node {
    if node.get("$select").is_none() {
        return node;
    }
    let own = if cfg!(target_os = "macos") { "macos" } else { "linux" };
    node.get(own).or_else(|| node.get("unix")).or_else(|| node.get("$else")).unwrap_or(&Node::Null)
}
