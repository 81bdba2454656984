//! YAML and JSON as one small tree that keeps the order of a file.

use saphyr::{Scalar, ScanError, Yaml, YamlLoader};
use saphyr_parser::Parser;

/// A value of a YAML file, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// Texts and numbers, as they are written.
    Text(String),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
}

/// Deeper trees mean nothing, and each level costs stack.
const DEEPEST: usize = 64;

/// The first document of a text. A key that stands twice in one table has its last value; [`doubled`] tells of it.
///
/// # Errors
/// What is wrong, with the line.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    // `- - - - …` nests at every dash, and the parser has no limit for that.
    let indicators = |line: &str| {
        let end = line.find(|c: char| !matches!(c, '-' | '?' | ' ' | '\t')).unwrap_or(line.len());
        line.get(..end).map_or(0, |start| start.matches("- ").count() + start.matches("? ").count())
    };
    if text.lines().any(|line| indicators(line) > DEEPEST) {
        return Err("nested too deeply".into());
    }
    let documents = load(text, true).map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
    match documents.first() {
        Some(document) => node(document, 0),
        None => Ok(Node::Null),
    }
}

/// The line of the first key that stands twice in one table, in a text that [`parse`] has read.
pub(super) fn doubled(text: &str) -> Option<usize> {
    load(text, false).err().map(|error| error.marker().line())
}

fn load(text: &str, doubles: bool) -> Result<Vec<Yaml<'_>>, ScanError> {
    let mut loader = YamlLoader::default();
    loader.allow_duplicate_keys(doubles);
    Parser::new_from_str(text).load(&mut loader, true)?;
    match loader.error() {
        Some(error) => Err(error.clone()),
        None => Ok(loader.into_documents()),
    }
}

fn node(yaml: &Yaml<'_>, depth: usize) -> Result<Node, String> {
    if depth > DEEPEST {
        return Err("nested too deeply".into());
    }
    Ok(match yaml {
        Yaml::Value(Scalar::Null) | Yaml::BadValue | Yaml::Alias(_) => Node::Null,
        Yaml::Value(Scalar::Boolean(value)) => Node::Bool(*value),
        Yaml::Value(Scalar::Integer(number)) => Node::Text(number.to_string()),
        Yaml::Value(Scalar::FloatingPoint(number)) => Node::Text(number.to_string()),
        Yaml::Value(Scalar::String(text)) => Node::Text(text.to_string()),
        Yaml::Representation(text, ..) => Node::Text(text.to_string()),
        Yaml::Tagged(_, inner) => node(inner, depth + 1)?,
        Yaml::Sequence(items) => Node::List(items.iter().map(|item| node(item, depth + 1)).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut table: Vec<(String, Node)> = Vec::new();
            let mut merged: Vec<(String, Node)> = Vec::new();
            for (key, value) in entries {
                let (Node::Text(key), value) = (node(key, depth + 1)?, node(value, depth + 1)?) else { continue };
                match value {
                    // A merge key: what stands here itself wins.
                    Node::Table(other) if key == "<<" => merged.extend(other),
                    Node::List(others) if key == "<<" => {
                        for other in others {
                            if let Node::Table(other) = other {
                                merged.extend(other);
                            }
                        }
                    }
                    value => table.push((key, value)),
                }
            }
            for (key, value) in merged {
                if !table.iter().any(|(known, _)| *known == key) {
                    table.push((key, value));
                }
            }
            Node::Table(table)
        }
    })
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Table(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The entries of a table; of anything else none.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A text, a number or a truth value as text.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Self::word).filter(|text| !text.trim().is_empty())
    }

    /// The keys besides those that are known, and besides notes (`x-…`) and what says nothing.
    pub(super) fn others<'n>(&'n self, known: &[&str]) -> Vec<&'n str> {
        let entries = self.entries().iter().filter(|(key, value)| {
            let nothing = match value {
                Self::Null | Self::Bool(false) => true,
                Self::Text(text) => text.is_empty(),
                Self::List(items) => items.is_empty(),
                Self::Table(entries) => entries.is_empty(),
                Self::Bool(true) => false,
            };
            !nothing && !key.starts_with("x-") && !known.contains(&key.as_str())
        });
        entries.map(|(key, _)| key.as_str()).collect()
    }

    /// The whole number of a key.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.trim().parse().ok()
    }

    /// The same with all texts put through a function.
    pub(super) fn map_texts(&self, change: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::Text(text) => Self::Text(change(text)),
            Self::List(items) => Self::List(items.iter().map(|item| item.map_texts(change)).collect()),
            Self::Table(entries) => {
                Self::Table(entries.iter().map(|(key, value)| (key.clone(), value.map_texts(change))).collect())
            }
            other => other.clone(),
        }
    }

    /// Whether a key is true.
    pub(super) fn is_true(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Self::Bool(true)))
    }

    /// A text, or a list of them.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().filter_map(Self::word).collect(),
            other => other.word().into_iter().collect(),
        }
    }

    /// Variables, as `NAME: value` or as a list of `NAME=value`; those without a value are the environment's own.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let pairs: Vec<(String, String)> = match self {
            Self::Table(entries) => {
                entries.iter().filter_map(|(name, value)| Some((name.clone(), value.word()?))).collect()
            }
            Self::List(items) => {
                let texts = items.iter().filter_map(Self::word);
                texts
                    .filter_map(|text| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
                    .collect()
            }
            _ => Vec::new(),
        };
        let good =
            |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '=' || c == '\0');
        pairs.into_iter().filter(|(name, _)| good(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Proposal, Repository, propose};
    use super::*;

    #[test]
    fn merge_keys_and_order_are_kept() {
        let text = "a: &a { x: 1, y: two }\nb:\n  <<: *a\n  y: no\n  z: true\n";
        let tree = parse(text).unwrap();
        let b = tree.get("b").unwrap();
        assert_eq!(b.text("x").as_deref(), Some("1"));
        assert_eq!(b.text("y").as_deref(), Some("no"));
        assert!(b.is_true("z"));
        assert_eq!(tree.entries()[0].0, "a");
    }

    #[test]
    fn what_is_no_yaml_is_an_error_and_never_more() {
        for text in [
            "a: [",
            "a: b: c",
            &"- ".repeat(100_000),
            &"- ? ".repeat(100_000),
            &"[".repeat(100_000),
            &"{a: ".repeat(5_000),
        ] {
            assert!(parse(text).is_err(), "{:.20}", text);
        }
        assert_eq!(parse(""), Ok(Node::Null));
        let twice = "a: 1\nb: { c: 1, c: 2 }\n";
        assert_eq!(parse(twice).unwrap().get("b").and_then(|b| b.number("c")), Some(2));
        assert_eq!((doubled(twice), doubled("a: 1\nb: { a: 1 }\n")), (Some(2), None));
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n\
                    d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n";
        assert!(parse(bomb).is_err());
    }

    /// A repository of one file.
    struct One([String; 1], String);

    impl Repository for One {
        fn files(&self) -> &[String] {
            &self.0
        }

        fn text(&self, _: &str) -> Result<String, String> {
            Ok(self.1.clone())
        }

        fn has_folder(&self, path: &str) -> bool {
            !path.is_empty()
        }
    }

    #[test]
    fn fuzz_of_yaml() {
        const SEEDS: [&[u8]; 5] = [
            b"services:\n  db:\n    image: postgres:16\n    ports: [\"5432:5432\"]\n    depends_on: &x\n      a: {condition: service_healthy}\n  web: {<<: *x}\n",
            b"procs:\n  a:\n    shell: \"npm run dev\"\n    env: {A: \"1\", B: null}\n    cwd: ./x\n  b: {cmd: [x, y]}\n",
            b"version: \"0.5\"\nprocesses:\n  a:\n    command: |\n      echo ${X:-1} $$\n      exit\n    readiness_probe: {http_get: {host: h, port: 80}}\n    availability: {restart: always}\n",
            b"{services: {a: {command: 'x', environment: [A=1, B]}}, x-y: &a [*b, !!int 1, ~, .inf, 0x1F]}\n",
            b"? - a\n: - - - b\n---\n%TAG ! x\n- &a [*a]\n...\n\t",
        ];
        const NAMES: [&str; 3] = ["compose.yaml", "mprocs.yaml", "process-compose.yaml"];
        crate::fuzz::run("yaml", 1_000, &SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let parsed = parse(&text);
            let doubled = parsed.is_ok() && doubled(&text).is_some();
            let proposals = NAMES.map(|name| propose(&One([name.to_owned()], text.clone().into_owned()), None));
            for proposal in &proposals {
                let written = toml::from_str::<toml::Table>(&proposal.text);
                assert!(written.is_ok(), "what is written is TOML: {written:?}\n{}", proposal.text);
            }
            let sorts = |proposal: Proposal| {
                let sorts = proposal.notes.iter().map(|note| std::mem::discriminant(&note.finding));
                (proposal.services.min(4), sorts.take(6).collect::<Vec<_>>())
            };
            (parsed.is_ok(), doubled, proposals.map(sorts))
        });
    }
}
