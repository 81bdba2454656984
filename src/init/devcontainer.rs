//! `devcontainer.json`: the ports that it forwards. Whose they are it says by a label, or by the name of a container before
//! the port (`db:5432`), which need not be a port of this machine. All that is not clear is a remark for the reader.

use super::draft::{Draft, Finding, Note, Ready};
use super::names::service_name;
use super::repository::Repository;
use super::yaml::{self, Node};

/// Where the file is looked for.
const FILES: [&str; 2] = [".devcontainer/devcontainer.json", ".devcontainer.json"];

/// The machine itself, before a port.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "0.0.0.0"];

/// A port that is forwarded.
struct Forwarded {
    port: u16,
    /// Who listens on it, as the file says it.
    whose: Option<String>,
    /// That is a container.
    in_container: bool,
}

/// Gives services the ports that are forwarded to them. The answer is what is to stand in the new file about the others.
pub(super) fn read(repository: &dyn Repository, drafts: &mut [Draft], notes: &mut Vec<Note>) -> Vec<String> {
    let mut remarks = Vec::new();
    for path in FILES.into_iter().filter(|path| repository.files().iter().any(|file| file == path)) {
        let mut skip = |text: String| {
            notes.push(Note { finding: Finding::Skipped, source: path.to_owned(), text });
        };
        let text = repository.text(path).map_err(|reason| format!("cannot be read: {reason}"));
        let parse =
            |text: String| yaml::parse(&without_comments(&text)).map_err(|reason| format!("malformed: {reason}"));
        let tree = match text.and_then(parse) {
            Ok(tree) => tree,
            Err(reason) => {
                skip(reason);
                continue;
            }
        };
        for Forwarded { port, whose, in_container } in forwarded(&tree) {
            let has = |draft: &Draft| draft.port == Some(port) || draft.ready == Some(Ready::Port(port));
            if drafts.iter().any(has) {
                continue;
            }
            let name = whose.as_deref().map(|whose| service_name(&whose.to_lowercase()));
            if let Some(draft) = drafts.iter_mut().find(|draft| name.as_ref() == Some(&draft.name.to_lowercase())) {
                if draft.port.is_none() && !draft.job && !in_container {
                    draft.port = Some(port);
                    draft.remarks.push(format!("its port is that of {path}"));
                } else {
                    draft
                        .remarks
                        .push(format!("{path} forwards port {port} for it: port = {port}, if it listens there"));
                }
                continue;
            }
            let named = whose.map(|whose| format!(" ({whose})")).unwrap_or_default();
            skip(format!("port {port}{named}: it does not say which service listens on it"));
            remarks.push(format!(
                "{path} forwards port {port}{named}: the service that listens on it can have  port = {port}"
            ));
        }
    }
    remarks
}

/// The ports, each once: those that are forwarded, and those that have only a label.
fn forwarded(tree: &Node) -> Vec<Forwarded> {
    let attributes = tree.get("portsAttributes").map(Node::entries).unwrap_or_default();
    let listed = tree.get("forwardPorts").map(Node::items).unwrap_or_default().iter().filter_map(Node::word);
    let labelled = attributes.iter().map(|(key, _)| key.clone());
    let mut found: Vec<Forwarded> = Vec::new();
    for text in listed.chain(labelled) {
        let (host, port) = text.rsplit_once(':').map_or((None, text.as_str()), |(host, port)| (Some(host), port));
        let Some(port) = port.trim().parse::<u16>().ok().filter(|port| *port > 0) else { continue };
        if found.iter().any(|known| known.port == port) {
            continue;
        }
        let label = attributes.iter().find(|(key, _)| *key == text).and_then(|(_, about)| about.text("label"));
        let host = host.filter(|host| !HERE.contains(host)).map(str::to_owned);
        found.push(Forwarded { port, in_container: host.is_some(), whose: host.or(label) });
    }
    found
}

/// JSON with comments, without them.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = if from.starts_with('"') {
            let length = length_of_string(from);
            out.push_str(from.get(..length).unwrap_or(from));
            length
        } else if from.starts_with("//") {
            from.find('\n').unwrap_or(from.len())
        } else if from.starts_with("/*") {
            out.push(' ');
            from.get(2..).and_then(|inside| inside.find("*/")).map_or(from.len(), |end| end + 4)
        } else {
            out.push('/');
            1
        };
        rest = from.get(length..).unwrap_or_default();
    }
    out + rest
}

/// Bytes of the string that a text begins with, with its quotes.
fn length_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay() {
        for (text, plain) in [
            ("{\"a\": 1} // b \"c\n,", "{\"a\": 1} \n,"),
            ("{\"url\": \"http://x/*y*/\", /* \"z\" */ \"n\": 2}", "{\"url\": \"http://x/*y*/\",   \"n\": 2}"),
            ("\"a\\\"//b\" // c", "\"a\\\"//b\" "),
            ("a / b /* no end", "a / b  "),
            ("\"no end // x", "\"no end // x"),
            ("", ""),
        ] {
            assert_eq!(without_comments(text), plain);
        }
    }

    #[test]
    fn a_port_is_told_with_whom_the_file_names() {
        let text = r#"{"forwardPorts": [3000, "db:5432", "localhost:9000", 70000, "x"],
            "portsAttributes": {"3000": {"label": "Web"}, "3000-3010": {"label": "no"}, "6379": {"label": "redis"}},}"#;
        let found = forwarded(&yaml::parse(text).unwrap());
        let told: Vec<_> = found.iter().map(|it| (it.port, it.whose.as_deref())).collect();
        assert_eq!(told, [(3000, Some("Web")), (5432, Some("db")), (9000, None), (6379, Some("redis"))]);
    }
}
