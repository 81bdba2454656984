//! Compose files: containers that a group waits for.

use crate::domain::is_postgres_image;
use crate::init::dollars::{has_variables, quoted_for_shell};
use crate::init::draft::{Draft, Found, Ready, Run};
use crate::init::names::{below, file_name, folder_of};
use crate::init::repository::Repository;
use crate::init::yaml::{self, Node};

/// Containers are asked by INT, as Ctrl-C does, and databases take their time.
const GRACE_SECONDS: u64 = 20;

/// Reads the file.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    let services = tree.get("services").map(Node::entries).unwrap_or_default();
    let others = !found.drafts.is_empty() || has_own_program(repository);
    let built = |entry: &Node| entry.get("build").is_some();
    let own: Vec<&str> = services.iter().filter(|(_, entry)| built(entry)).map(|(name, _)| name.as_str()).collect();
    let option = match file_name(path) {
        "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml" => String::new(),
        other => format!(" -f {other}"),
    };
    for (name, entry) in services {
        if others && own.contains(&name.as_str()) {
            found.skip(path, format!("{name}: it is built from this repository, and other files say how to run that"));
            continue;
        }
        let line = format!("docker compose{option} up --no-deps --no-log-prefix {name}");
        let mut draft = Draft::new(name, Run::Shell(line), path);
        folder_of(path).clone_into(&mut draft.dir);
        draft.stop_signal = Some("INT".into());
        draft.stop_grace = Some(GRACE_SECONDS);
        draft.profiles = entry.get("profiles").map(Node::texts).unwrap_or_default();
        draft.group = Some("containers".into());
        draft.covers.push("compose:*".into());
        for (on, condition) in depends(entry) {
            if !(others && own.contains(&on.as_str())) {
                draft.depends_on.push((on, condition));
            }
        }
        let check = entry.get("healthcheck");
        if let Some(test) = check.and_then(healthy) {
            // What compose puts in comes from there, too.
            let beside = below(folder_of(path), ".env");
            let asks = check.and_then(|check| check.get("test")).map(Node::texts).unwrap_or_default();
            if asks.iter().any(|word| has_variables(word)) && repository.files().contains(&beside) {
                draft.env_files.push(beside);
            }
            draft.ready = Some(Ready::Cmd(format!("docker compose{option} exec -T {name} {test}")));
            found.drafts.push(draft);
            continue;
        }
        if let Some(test) = entry.text("image").and_then(|image| readiness_command(&image)) {
            draft.ready = Some(Ready::Cmd(format!("docker compose{option} exec -T {name} {test}")));
            found.drafts.push(draft);
            continue;
        }
        match entry.get("ports").map(Node::items).unwrap_or_default().iter().find_map(published) {
            Some(port) => draft.ready = Some(Ready::Port(port)),
            None if entry.get("ports").is_some() => {
                draft.remarks.push("its port is chosen when it starts, so it counts as ready at once".into());
            }
            None => {}
        }
        found.drafts.push(draft);
    }
    let awaited: Vec<String> = found
        .drafts
        .iter()
        .flat_map(|draft| &draft.depends_on)
        .filter(|(_, when)| *when == Some("done"))
        .map(|(on, _)| on.clone())
        .collect();
    for draft in found.drafts.iter_mut().filter(|draft| draft.source == path && awaited.contains(&draft.name)) {
        draft.task = true;
        draft.ready = None;
        // `up` ends with 0 whatever became of the container.
        draft.run = Run::Shell(format!("docker compose{option} run --rm --no-deps {}", draft.name));
        draft.covers.retain(|cover| cover != "compose:*");
        draft.covers.push(format!("compose:{}", draft.name));
    }
    Ok(())
}

/// The command by which a database in a container is asked whether it is ready. Its port is open before: while it
/// recovers, while its image fills it for the first time, and for whoever connects to a container at all.
fn readiness_command(image: &str) -> Option<&'static str> {
    if is_postgres_image(image) {
        return Some("pg_isready -q -h 127.0.0.1");
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split([':', '@']).next().unwrap_or(name) {
        "mysql" => Some("mysqladmin ping --silent -h 127.0.0.1"),
        "mariadb" => Some("mariadb-admin ping --silent -h 127.0.0.1"),
        // It ends with 0 whatever it is answered. Who asks for a password is ready.
        "redis" => Some("sh -c 'redis-cli ping | grep -qE \"PONG|NOAUTH\"'"),
        "valkey" => Some("sh -c 'valkey-cli ping | grep -qE \"PONG|NOAUTH\"'"),
        _ => None,
    }
}

/// Whether the repository says itself how its own program is started.
fn has_own_program(repository: &dyn Repository) -> bool {
    const SIGNS: [&str; 7] =
        ["manage.py", "package.json", "Cargo.toml", "go.mod", "Gemfile", "mix.exs", "pyproject.toml"];
    repository.files().iter().any(|file| SIGNS.contains(&file.as_str()))
}

fn depends(entry: &Node) -> Vec<(String, Option<&'static str>)> {
    let Some(depends) = entry.get("depends_on") else { return Vec::new() };
    if let Node::Table(entries) = depends {
        let condition = |how: &Node| match how.text("condition").as_deref() {
            Some("service_healthy") => Some("ready"),
            Some("service_completed_successfully") => Some("done"),
            _ => Some("started"),
        };
        return entries.iter().map(|(on, how)| (on.clone(), condition(how))).collect();
    }
    depends.texts().into_iter().map(|on| (on, None)).collect()
}

/// The command of a health check, for a shell. The port of a container accepts before the program in it does.
fn healthy(check: &Node) -> Option<String> {
    let test = check.get("test")?;
    let words = test.texts();
    match (test, words.as_slice()) {
        _ if check.is_true("disable") => None,
        (Node::Text(line), _) => Some(format!("sh -c {}", quoted_for_shell(line))),
        (_, [kind, line]) if kind == "CMD-SHELL" => Some(format!("sh -c {}", quoted_for_shell(line))),
        (_, [kind, words @ ..]) if kind == "CMD" && !words.is_empty() => {
            Some(words.iter().map(|word| quoted_for_shell(word)).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

/// The TCP port of the host, of `5432:5432`, `127.0.0.1:5432:5432`, `${PORT:-5432}:5432` or the long form.
fn published(port: &Node) -> Option<u16> {
    if let Node::Table(_) = port {
        let tcp = port.text("protocol").is_none_or(|protocol| protocol == "tcp");
        return port
            .text("published")
            .filter(|_| tcp)
            .and_then(|text| with_defaults(&text)?.parse().ok())
            .filter(|port| *port > 0);
    }
    let text = with_defaults(&port.word()?)?;
    let text = match text.split_once('/') {
        Some((text, "tcp")) => text,
        Some(_) => return None,
        None => &text,
    };
    let (before, _) = text.rsplit_once(':')?;
    before.rsplit(':').next()?.parse().ok().filter(|port| *port > 0)
}

/// Puts in the defaults of `${NAME:-default}`; what has none is not known.
fn with_defaults(text: &str) -> Option<String> {
    let Some((before, rest)) = text.split_once("${") else { return Some(text.to_owned()) };
    let (inside, after) = rest.split_once('}')?;
    let (_, default) = inside.split_once(":-").or_else(|| inside.split_once('-'))?;
    Some(format!("{before}{default}{}", with_defaults(after)?))
}
