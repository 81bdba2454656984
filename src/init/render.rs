//! Drafts → the text of a `procgroup.toml`, with comments that say where each comes from.

use super::dollars::quoted_for_shell;
use super::draft::{Alive, Draft, Finding, Ready, Run, Watch};
use crate::domain::{misleads, visible};

/// What stands at the end of each file.
const MORE: &str = "\
# More keys for a service (all of them: `devgroup help config`):
#   watch      = [\"src/**\"]               restart when these change; true: everything that git does not ignore
#   depends_on = [\"db\"]                   start when db is ready
#   ready      = { port = 4000 }          or http, log, cmd, file, delay
#   validate   = { run = \"make build\" }   must succeed before a restart
#   restart    = \"on-failure\"             or \"always\", \"never\"
";

/// For a repository that says nothing.
const TEMPLATE: &str = "\
# devgroup init recognized nothing here. Write one line per program, then remove the example.

[services]
example = { run = \"echo edit procgroup.toml: write one line per program\", kind = \"job\" }

# db     = \"docker compose up db\"                              # a string: run it, do not watch it
# web    = \"npm run dev\"
# api    = { run = \"cargo run -p api\",  watch = true }         # restart on changes that git does not ignore
# worker = { run = \"python3 worker.py\", watch = [\"**/*.py\"] }

";

/// The whole file. `remarks`: what is about no service.
pub(super) fn text(drafts: &[Draft], remarks: &[String]) -> String {
    let remarks: String = remarks.iter().map(|remark| format!("# {}\n", comment(remark))).collect();
    let remarks = if remarks.is_empty() { remarks } else { remarks + "\n" };
    if drafts.is_empty() {
        return format!("{TEMPLATE}{remarks}{MORE}");
    }
    let mut sources: Vec<&str> = Vec::new();
    for draft in drafts {
        if !sources.contains(&draft.source.as_str()) {
            sources.push(&draft.source);
        }
    }
    let mut text =
        format!("# Written by `devgroup init` from {}. Edit it as you like.\n", comment(&sources.join(", ")));
    for draft in drafts {
        text.push('\n');
        text += &service(draft);
    }
    format!("{text}\n{remarks}{MORE}")
}

fn service(draft: &Draft) -> String {
    let guessed = if draft.finding == Finding::Guessed { ", a guess" } else { "" };
    let mut text = format!("# from {}{guessed}\n", comment(&draft.source));
    for remark in draft.remarks.iter().chain(&draft.left) {
        text += &format!("# {}\n", comment(remark));
    }
    text += &format!("[services.{}]\n", key(&draft.name));
    let lines = lines(draft);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in lines {
        text += &format!("{name:width$} = {value}\n");
    }
    text
}

fn lines(draft: &Draft) -> Vec<(&'static str, String)> {
    let mut lines = vec![("run", run(draft))];
    if draft.job {
        lines.push(("kind", quoted("job")));
    }
    if !draft.dir.is_empty() {
        lines.push(("dir", quoted(&draft.dir)));
    }
    if !draft.env_files.is_empty() {
        lines.push(("env_file", list(draft.env_files.iter().cloned())));
    }
    if !draft.env.is_empty() {
        lines.push(("env", table(draft.env.iter().map(|(name, value)| (name.as_str(), quoted(value))))));
    }
    lines.extend(draft.port.map(|port| ("port", port.to_string())));
    if draft.depends_on.iter().any(|(_, condition)| condition.is_some()) {
        let pairs = draft.depends_on.iter().map(|(on, condition)| (on.as_str(), quoted(condition.unwrap_or("ready"))));
        lines.push(("depends_on", table(pairs)));
    } else if !draft.depends_on.is_empty() {
        lines.push(("depends_on", list(draft.depends_on.iter().map(|(on, _)| on.clone()))));
    }
    lines.extend(draft.ready.as_ref().map(|ready| {
        let timeout = draft.ready_timeout.map(|time| ("timeout", seconds(time)));
        ("ready", table(way(ready).into_iter().chain(timeout)))
    }));
    lines.extend(draft.alive.as_ref().map(|check| ("alive", alive(check))));
    lines.extend(draft.validate.as_deref().map(|line| ("validate", table([("run", quoted(line))].into_iter()))));
    let stop = [
        ("signal", draft.stop_signal.as_deref().map(quoted)),
        ("command", draft.stop_command.as_deref().map(quoted)),
        ("grace", draft.stop_grace.map(seconds)),
        ("to", draft.stop_leader.then(|| quoted("leader"))),
    ];
    let stop: Vec<_> = stop.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if !stop.is_empty() {
        lines.push(("stop", table(stop.into_iter())));
    }
    lines.extend(draft.replicas.map(|replicas| ("replicas", replicas.to_string())));
    lines.extend(draft.restart.map(|restart| ("restart", quoted(restart))));
    lines.extend(draft.retries.map(|retries| ("retries", retries.to_string())));
    if let Some(schedule) = &draft.schedule {
        lines.push(("schedule", quoted(&schedule.when)));
        lines.extend(schedule.timezone.as_deref().map(|zone| ("timezone", quoted(zone))));
        if schedule.run_on_start {
            lines.push(("run_on_start", "true".into()));
        }
    }
    lines.extend(draft.backoff.map(|wait| {
        let pairs = [("initial", seconds(wait)), ("factor", "1.0".into()), ("max", seconds(wait))];
        ("backoff", table(pairs.into_iter()))
    }));
    lines.extend(draft.breaker.map(|most| {
        let day = || quoted("24h");
        ("breaker", table([("failures", most.to_string()), ("within", day()), ("cooldown", day())].into_iter()))
    }));
    match &draft.watch {
        Watch::Globs(globs) if !globs.is_empty() => lines.push(("watch", list(globs.iter().cloned()))),
        Watch::Globs(_) | Watch::Off | Watch::Undecided => {}
    }
    if !draft.autostart {
        lines.push(("autostart", "false".into()));
    }
    if !draft.profiles.is_empty() {
        lines.push(("profiles", list(draft.profiles.iter().cloned())));
    }
    lines.extend(draft.group.as_deref().map(|group| ("group", quoted(group))));
    lines.extend(draft.url.as_deref().map(|url| ("url", quoted(url))));
    lines
}

/// The command. What it is to run without is taken out by the shell before.
fn run(draft: &Draft) -> String {
    let line = match &draft.run {
        Run::Shell(line) => line.clone(),
        Run::Argv(words) if draft.unset.is_empty() => return list(words.iter().cloned()),
        Run::Argv(words) => words.iter().map(|word| quoted_for_shell(word)).collect::<Vec<_>>().join(" "),
    };
    if draft.unset.is_empty() { quoted(&line) } else { quoted(&format!("unset {}; {line}", draft.unset.join(" "))) }
}

/// The way to find something out, as pairs of a table.
fn way(ready: &Ready) -> Vec<(&'static str, String)> {
    match ready {
        Ready::Port(port) => vec![("port", port.to_string())],
        Ready::OwnPort => vec![("port", "\"${PORT}\"".to_owned())],
        Ready::Http(url, None) => vec![("http", quoted(url))],
        Ready::Http(url, Some(status)) => vec![("http", quoted(url)), ("status", status.to_string())],
        Ready::Log(text) => vec![("log", quoted(text))],
        Ready::Cmd(line) => vec![("cmd", quoted(line))],
    }
}

fn alive(check: &Alive) -> String {
    let mut pairs = way(&check.ask);
    pairs.push(("every", seconds(check.every)));
    pairs.push(("timeout", seconds(check.timeout)));
    pairs.push(("failures", check.failures.to_string()));
    pairs.push(("grace", seconds(check.grace)));
    table(pairs.into_iter())
}

fn seconds(number: u64) -> String {
    format!("\"{number}s\"")
}

/// A text as TOML writes it: as it is, where that is easier to read.
fn quoted(text: &str) -> String {
    let plain = !text.contains(|c: char| misleads(c) && c != '\n');
    if !plain {
        // Whoever looks at the file in a terminal sees what is in it.
        let escape = |c: char| match c {
            '"' | '\\' => format!("\\{c}"),
            c if misleads(c) => format!("\\u{:04X}", u32::from(c)),
            c => c.into(),
        };
        return format!("\"{}\"", text.chars().map(escape).collect::<String>());
    }
    if text.contains('\n') && !text.contains("'''") && !text.ends_with('\'') {
        return format!("'''\n{text}'''");
    }
    let one_line = !text.contains(['\n', '\'']);
    if one_line && text.contains(['"', '\\']) { format!("'{text}'") } else { toml::Value::from(text).to_string() }
}

fn list(words: impl Iterator<Item = String>) -> String {
    format!("[{}]", words.map(|word| quoted(&word)).collect::<Vec<_>>().join(", "))
}

fn table<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    format!("{{ {} }}", pairs.map(|(name, value)| format!("{} = {value}", key(name))).collect::<Vec<_>>().join(", "))
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// One line, whatever it holds.
fn comment(text: &str) -> String {
    visible(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_read_back_as_it_was() {
        for text in [
            "plain",
            "it's",
            "\"both\" 'kinds'",
            "back\\slash",
            "two\nlines",
            "\n\nof 'all' \"kinds\"\n",
            "a\r\nb",
            "\u{7f}",
            "a\u{202e}\"b\\c\n\u{9b}",
            "größe",
            "",
        ] {
            let line = format!("a = {}", quoted(text));
            let table: toml::Table = line.parse().unwrap();
            assert_eq!(table["a"].as_str(), Some(text), "{line}");
        }
    }
}
