//! Compose files: containers that a group waits for.

use crate::domain::is_postgres_image;
use crate::init::dollars::{has_variables, quoted_for_shell};
use crate::init::draft::{Draft, Found, Ready, Run};
use crate::init::names::{below, file_name, folder_of};
use crate::init::repository::Repository;
use crate::init::yaml::{self, Node};

/// Containers are asked by INT, as Ctrl-C does, and databases take their time.
const GRACE_SECONDS: u64 = 20;
const DAY: u64 = 24 * 60 * 60;
/// How long a service may take to be ready if nothing is said.
const USUAL_SECONDS: u64 = 30;

/// Reads the file.
pub(super) fn read(path: &str, text: &str, repository: &dyn Repository, found: &mut Found) -> Result<(), String> {
    let tree = yaml::parse(text)?;
    let services = tree.get("services").map(Node::entries).unwrap_or_default();
    let others = !found.drafts.is_empty() || has_own_program(repository);
    let built = |entry: &Node| entry.get("build").is_some();
    let own: Vec<&str> = services.iter().filter(|(_, entry)| built(entry)).map(|(name, _)| name.as_str()).collect();
    let has_port = has_port_variable(text, services);
    let file = File { path, option: option(path), own: if others { own } else { Vec::new() }, has_port };
    for (name, entry) in services {
        if file.own.contains(&name.as_str()) {
            found.skip(path, format!("{name}: built from this repository; other files say how to run it"));
            continue;
        }
        let mut draft = file.container(name, entry, repository);
        left(entry, &mut draft);
        // It waits for it only where its profile is asked for.
        draft.depends_on.retain(|(on, _)| {
            let of_profile = services.iter().any(|(name, entry)| name == on && entry.get("profiles").is_some());
            let how = entry.get("depends_on").and_then(|depends| depends.get(on));
            let optional = how.is_some_and(|how| matches!(how.get("required"), Some(Node::Bool(false))));
            if of_profile && optional {
                draft.left.push(format!("its wait for `{on}`, which has a profile, is not carried over"));
            }
            !(of_profile && optional)
        });
        found.drafts.push(draft);
    }
    for other in tree.get("include").map(Node::items).unwrap_or_default() {
        let name = other.word().or_else(|| other.text("path")).unwrap_or_else(|| "…".into());
        found.skip(path, format!("`include` of {name}: not read"));
    }
    if file.option.is_empty() {
        for name in OVERRIDES.map(|name| below(folder_of(path), name)) {
            if repository.files().contains(&name) {
                found.skip(&name, format!("docker compose merges it into {path}; it is not read here"));
            }
        }
    }
    jobs(&file, found);
    Ok(())
}

/// Files that `docker compose` reads besides, unless it is told which one.
const OVERRIDES: [&str; 4] =
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"];

/// What `docker compose` needs to know to read this file.
fn option(path: &str) -> String {
    match file_name(path) {
        "compose.yaml" | "compose.yml" | "docker-compose.yaml" | "docker-compose.yml" => String::new(),
        other => format!(" -f {other}"),
    }
}

/// What holds for all services of a file.
struct File<'f> {
    path: &'f str,
    option: String,
    /// Those that other files run.
    own: Vec<&'f str>,
    /// It has a variable of its own that is called as the one by which devgroup tells a port.
    has_port: bool,
}

impl File<'_> {
    fn container(&self, name: &str, entry: &Node, repository: &dyn Repository) -> Draft {
        let (path, option) = (self.path, &self.option);
        let line = format!("docker compose{option} up --no-deps --no-log-prefix {name}");
        let mut draft = Draft::new(name, Run::Shell(line), path);
        folder_of(path).clone_into(&mut draft.dir);
        draft.stop_signal = Some("INT".into());
        // Compose waits so long for the container itself.
        let own = entry.text("stop_grace_period").and_then(|text| seconds(&text)).filter(|own| *own <= DAY);
        draft.stop_grace = Some(own.map_or(GRACE_SECONDS, |own| (own + 5).max(GRACE_SECONDS)));
        draft.profiles = entry.get("profiles").map(Node::texts).unwrap_or_default();
        draft.group = Some("containers".into());
        draft.covers.push("compose:*".into());
        draft.depends_on = depends(entry).into_iter().filter(|(on, _)| !self.own.contains(&on.as_str())).collect();
        let check = entry.get("healthcheck");
        let test = check.and_then(healthy);
        if test.is_some() {
            // What compose puts in comes from there, too.
            let beside = below(folder_of(path), ".env");
            let asks = check.and_then(|check| check.get("test")).map(Node::texts).unwrap_or_default();
            if asks.iter().any(|word| has_variables(word)) && repository.files().contains(&beside) {
                draft.env_files.push(beside);
            }
            draft.ready_timeout =
                check.and_then(patience).filter(|seconds| (USUAL_SECONDS + 1..=DAY).contains(seconds));
        }
        let asked = entry.text("image").and_then(|image| readiness_command(&image)).map(str::to_owned);
        let ports = entry.get("ports").map(Node::items).unwrap_or_default();
        if let Some(test) = test.or(asked) {
            draft.ready = Some(Ready::Cmd(format!("docker compose{option} exec -T {name} {test}")));
        } else if let Some(port) = ports.iter().find_map(published) {
            draft.ready = Some(Ready::Port(port));
        } else if !ports.is_empty() {
            let why = "no ready check: its TCP port is not known before it starts";
            draft.remarks.push(why.into());
        }
        // On the network of the machine nothing is published.
        if entry.text("network_mode").is_none() {
            self.own_port(ports, &mut draft);
        }
        draft
    }
}

impl File<'_> {
    /// The port that the container is reached by here, if the file says one.
    fn own_port(&self, ports: &[Node], draft: &mut Draft) {
        let is_said =
            |port: &&Node| !has_variables(&port.word().or_else(|| port.text("published")).unwrap_or_default());
        let all: Vec<u16> = ports.iter().filter_map(published).collect();
        let said: Vec<u16> = ports.iter().filter(is_said).filter_map(published).collect();
        match (all.as_slice(), said.as_slice()) {
            ([], _) => {}
            ([first, ..], _) if self.has_port => {
                let path = self.path;
                draft.remarks.push(format!(
                    "port = {first} is left out: it would set PORT, and {path} has a variable of that name"
                ));
            }
            ([usual, ..], []) => {
                draft
                    .remarks
                    .push(format!("its port comes from a variable: add  port = {usual}  if that is the one you use"));
            }
            (_, [first, others @ ..]) => {
                draft.port = Some(*first);
                let others: Vec<String> =
                    others.iter().filter(|other| *other != first).map(ToString::to_string).collect();
                if !others.is_empty() {
                    let others = others.join(", ");
                    draft.remarks.push(format!(
                        "it also publishes {others}: name them all with  ports = {{ NAME = {first}, … }}"
                    ));
                }
            }
        }
    }
}

/// Whether a variable PORT, or PORT_ with more behind it, is put in anywhere, or handed on to a container.
fn has_port_variable(text: &str, services: &[(String, Node)]) -> bool {
    let is_port = |name: &str| name == "PORT" || name.starts_with("PORT_");
    let handed_on = |(_, entry): &(String, Node)| match entry.get("environment") {
        Some(Node::Table(variables)) => variables.iter().any(|(name, value)| is_port(name) && *value == Node::Null),
        Some(list) => list.texts().iter().any(|name| is_port(name)),
        None => false,
    };
    text.contains("$PORT") || text.contains("${PORT") || services.iter().any(handed_on)
}

/// Names what docker compose does not do for us.
fn left(entry: &Node, draft: &mut Draft) {
    let deployed = entry.get("deploy").and_then(|deploy| deploy.number("replicas"));
    if let Some(count) = entry.number("scale").or(deployed).filter(|count| *count > 1) {
        draft.remarks.push(format!("one service here: `docker compose up` runs its {count} containers itself"));
    }
    if entry.get("extends").is_some() {
        draft.left.push("`extends`: inherited ports, checks and dependencies are not read".into());
    }
    if entry.get("develop").is_some() {
        draft.left.push("`develop` is not carried over: `docker compose up` does not watch".into());
    }
    for (on, how) in entry.get("depends_on").map(Node::entries).unwrap_or_default() {
        if how.is_true("restart") {
            draft.left.push(format!("its restart with `{on}` is not carried over: `cascade = true` on {on} does this"));
        }
    }
}

/// What others wait for the end of runs to its end.
fn jobs(file: &File<'_>, found: &mut Found) {
    let awaited = found.awaited();
    for draft in found.drafts.iter_mut().filter(|draft| draft.source == file.path && awaited.contains(&draft.name)) {
        draft.job = true;
        draft.ready = None;
        draft.ready_timeout = None;
        // `run` publishes none.
        draft.port = None;
        // `up` ends with 0 whatever became of the container.
        draft.run = Run::Shell(format!("docker compose{} run --rm --no-deps {}", file.option, draft.name));
        draft.covers.retain(|cover| cover != "compose:*");
        draft.covers.push(format!("compose:{}", draft.name));
    }
}

/// For how many seconds a check may fail before docker calls the container unhealthy.
fn patience(check: &Node) -> Option<u64> {
    let time = |key: &str, usual: u64| check.text(key).map_or(Some(usual), |text| seconds(&text));
    let retries = check.number("retries").unwrap_or(3);
    time("start_period", 0)?.checked_add(retries.checked_mul(time("interval", 30)?)?)
}

/// The seconds of `1m30s`, `90s`, `500ms`, rounded up.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let (unit, behind) = behind.split_at(behind.bytes().take_while(u8::is_ascii_alphabetic).count());
        let each: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(each)?)?;
        rest = behind;
    }
    Some(millis.div_ceil(1_000))
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
