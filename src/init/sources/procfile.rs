//! Procfiles, with the ports and variables that foreman and overmind give to their processes.

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
    let foreman = foreman.and_then(|text| yaml::parse(&text).ok()).and_then(|tree| tree.text("port"));
    let script = if there("bin/dev") { repository.text(&below(folder, "bin/dev")).ok() } else { None };
    let script = script.filter(|script| script.contains(file_name(path))).unwrap_or_default();
    let of_script =
        script.split_once("PORT:-").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
    let first =
        value("OVERMIND_PORT").or_else(|| value("PORT")).or(of_script).or(foreman).and_then(|port| port.parse().ok());
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
        port = own.checked_add(step);
        found.drafts.push(draft);
    }
    Ok(())
}

/// `NAME=value`, also with `export` and in quotes.
fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("export ").trim());
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned())).collect()
}
