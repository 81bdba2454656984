//! Procfiles, with the ports and variables that foreman and overmind give to their processes.

use crate::domain::Instance;
use crate::init::draft::{Draft, Found, Ready, Run};
use crate::init::names::{below, file_name, folder_of};
use crate::init::repository::Repository;
use crate::init::yaml;

/// The first port, and the step from one process to the next.
const FIRST_PORT: u16 = 5000;
const STEP: u16 = 100;

/// Reads the file: `name: command`, a line each.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let folder = folder_of(path);
    let there = |name: &str| repository.files().iter().any(|file| *file == below(folder, name));
    let variables = |name: &str| {
        let text = if there(name) { repository.text(&below(folder, name)).ok() } else { None };
        text.map(|text| assignments(&text)).unwrap_or_default()
    };
    // `bin/dev` of Rails, which starts it: `export PORT="${PORT:-3000}"`.
    let mut known = variables(".env");
    known.extend(variables(".overmind.env"));
    let value = |name: &str| known.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    let foreman = if there(".foreman") { repository.text(&below(folder, ".foreman")).ok() } else { None };
    let foreman = foreman.and_then(|text| yaml::parse(&text).ok());
    let of_foreman = |key: &str| foreman.as_ref().and_then(|tree| tree.text(key));
    let script = if there("bin/dev") { repository.text(&below(folder, "bin/dev")).ok() } else { None };
    let script = script.filter(|script| script.contains(file_name(path))).unwrap_or_default();
    let of_script =
        script.split_once("PORT:-").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
    let first = value("OVERMIND_PORT").or_else(|| value("PORT")).or(of_script).or_else(|| of_foreman("port"));
    let first = first.and_then(|port| port.parse().ok());
    let formation = value("OVERMIND_FORMATION")
        .or_else(|| formation_of_script(&script).map(str::to_owned))
        .or_else(|| of_foreman("formation"))
        .or_else(|| of_foreman("concurrency"))
        .unwrap_or_default();
    let step = value("OVERMIND_PORT_STEP").and_then(|step| step.parse().ok()).unwrap_or(STEP);
    let mut port: Option<u16> = Some(first.unwrap_or(FIRST_PORT));
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let good =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let Some((name, command)) =
            line.split_once(':').filter(|(name, command)| good(name) && !command.trim().is_empty())
        else {
            found.skip(path, format!("line {} is not `name: command`", index + 1));
            continue;
        };
        let command = command.trim();
        if name == "release" && path.ends_with("Procfile") {
            found.skip(path, "release: only for deployments");
            continue;
        }
        let mut draft = Draft::new(name, Run::Shell(command.to_owned()), path);
        folder.clone_into(&mut draft.dir);
        for name in [".env", ".overmind.env"] {
            if there(name) {
                draft.env_files.push(below(folder, name));
            }
        }
        let Some(own) = port else { return Err("more processes than ports".into()) };
        draft.port = Some(own);
        if command.contains("$PORT") || command.contains("${PORT") {
            draft.ready = Some(Ready::Port(own));
            draft.url = Some(format!("http://localhost:{own}"));
        }
        instances(count_in(&formation, name), &mut draft);
        port = own.checked_add(step);
        found.drafts.push(draft);
    }
    Ok(())
}

/// `web=2,worker=3` of `foreman start -m web=2,worker=3`.
fn formation_of_script(script: &str) -> Option<&str> {
    let mut words = script.split_whitespace();
    loop {
        let word = words.next()?;
        if let Some(value) = ["--formation=", "-m="].iter().find_map(|option| word.strip_prefix(option)) {
            return Some(value.trim_matches(['"', '\'']));
        }
        if matches!(word, "-m" | "--formation") {
            return words.next().map(|value| value.trim_matches(['"', '\'']));
        }
    }
}

/// How many of a process a formation asks for; `all` is for those that it does not name.
fn count_in(formation: &str, name: &str) -> Option<u32> {
    let pairs = || formation.split(',').filter_map(|pair| pair.trim().split_once('='));
    let of = |wanted: &str| pairs().find(|(name, _)| *name == wanted).and_then(|(_, count)| count.parse().ok());
    of(name).or_else(|| of("all"))
}

/// Several of a process. `port` is that of the first one, as with foreman.
fn instances(count: Option<u32>, draft: &mut Draft) {
    match count {
        None | Some(1) => {}
        Some(0) => {
            draft.autostart = false;
            draft.remarks.push("its formation is 0: start it by hand".into());
        }
        Some(count) if count <= Instance::MOST => {
            draft.replicas = Some(count);
            // Without one, each has the address of its own port.
            draft.url = None;
            draft.ready = draft.ready.take().map(|_| Ready::OwnPort);
        }
        Some(count) => {
            draft.left.push(format!("its formation of {count} is not carried over: at most {} run", Instance::MOST))
        }
    }
}

/// `NAME=value`, also with `export` and in quotes.
fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("export ").trim());
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formation_says_how_many_of_each() {
        let count = |formation: &str, name: &str| count_in(formation, name);
        assert_eq!((count("web=2, worker=3", "worker"), count("web=2", "worker")), (Some(3), None));
        assert_eq!((count("all=2,web=0", "web"), count("all=2,web=0", "worker")), (Some(0), Some(2)));
        assert_eq!(count("web=x", "web"), None);
        let script = |line: &str| formation_of_script(line).map(str::to_owned);
        assert_eq!(script("exec foreman start -f Procfile.dev -m \"web=2\" \"$@\"").as_deref(), Some("web=2"));
        assert_eq!(script("overmind start --formation=all=1").as_deref(), Some("all=1"));
        assert_eq!(script("foreman start"), None);
    }

    #[test]
    fn several_of_a_process_have_a_port_each() {
        let mut draft = Draft::new("web", Run::Shell("serve".into()), "Procfile");
        (draft.port, draft.ready) = (Some(5000), Some(Ready::Port(5000)));
        draft.url = Some("http://localhost:5000".into());
        instances(Some(3), &mut draft);
        assert_eq!((draft.replicas, draft.port), (Some(3), Some(5000)));
        assert_eq!((draft.ready, draft.url), (Some(Ready::OwnPort), None));
        let mut draft = Draft::new("web", Run::Shell("serve".into()), "Procfile");
        instances(Some(0), &mut draft);
        assert_eq!((draft.replicas, draft.autostart), (None, false));
    }
}
