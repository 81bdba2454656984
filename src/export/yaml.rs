//! YAML as we write it: tables and lists in their order, comments between the keys, and each text in double quotes, so that no
//! reader of any version takes it for a number, a truth value or a date.
//!
//! The crates that write YAML keep no comments, and what has no counterpart is told in comments.

use std::fmt::Write;

use crate::domain::{misleads, visible};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Table(Table),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Table> for Node {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Node {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Line {
    Pair(String, Node),
    Comment(String),
}

/// Keys with their values, and comments between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table(Vec<Line>);

impl Table {
    /// A table of these pairs.
    pub(super) fn of<const N: usize>(pairs: [(&str, Node); N]) -> Self {
        Self(pairs.into_iter().map(|(key, value)| Line::Pair(key.to_owned(), value)).collect())
    }

    /// One more key.
    pub(super) fn add(&mut self, key: &str, value: impl Into<Node>) {
        self.0.push(Line::Pair(key.to_owned(), value.into()));
    }

    /// One more key, unless its table or list is empty.
    pub(super) fn add_some(&mut self, key: &str, value: impl Into<Node>) {
        let value = value.into();
        let is_empty = match &value {
            Node::Null => true,
            Node::List(items) => items.is_empty(),
            Node::Table(table) => table.0.is_empty(),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) => false,
        };
        if !is_empty {
            self.0.push(Line::Pair(key.to_owned(), value));
        }
    }

    /// A comment before the next key.
    pub(super) fn comment(&mut self, text: impl Into<String>) {
        self.0.push(Line::Comment(text.into()));
    }

    /// Several of them.
    pub(super) fn comments(&mut self, texts: impl IntoIterator<Item = String>) {
        self.0.extend(texts.into_iter().map(Line::Comment));
    }
}

/// The text of a document.
pub(super) fn document(table: &Table) -> String {
    let mut out = String::new();
    write_table(&mut out, table, 0);
    out
}

/// A line of a comment, whatever the text holds.
pub(super) fn comment(text: &str) -> String {
    format!("# {}", visible(text))
}

fn write_table(out: &mut String, table: &Table, indent: usize) {
    let pad = " ".repeat(indent);
    for line in &table.0 {
        match line {
            Line::Comment(text) => *out += &format!("{pad}{}\n", comment(text)),
            Line::Pair(name, value) => {
                *out += &format!("{pad}{}:", key(name));
                write_value(out, value, indent);
            }
        }
    }
}

/// What stands behind `key:`, with the end of its line.
fn write_value(out: &mut String, value: &Node, indent: usize) {
    match value {
        Node::Table(table) if table.0.iter().any(|line| matches!(line, Line::Pair(..))) => {
            out.push('\n');
            write_table(out, table, indent + 2);
        }
        Node::Table(_) => *out += " {}\n",
        Node::List(items) if items.is_empty() => *out += " []\n",
        Node::List(items) if items.iter().all(|item| !matches!(item, Node::Table(_) | Node::List(_))) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            *out += &format!(" [{}]\n", items.join(", "));
        }
        Node::List(items) => {
            out.push('\n');
            let pad = " ".repeat(indent + 2);
            for item in items {
                let mut text = String::new();
                match item {
                    Node::Table(table) => write_table(&mut text, table, indent + 4),
                    other => text = format!("{}\n", scalar(other)),
                }
                *out += &format!("{pad}- {}", text.trim_start());
            }
        }
        other => *out += &format!(" {}\n", scalar(other)),
    }
}

fn scalar(value: &Node) -> String {
    match value {
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => quoted(text),
        Node::Null | Node::List(_) | Node::Table(_) => "null".into(),
    }
}

/// A key as it is, where every reader takes it for a text.
fn key(name: &str) -> String {
    /// What YAML 1.1 takes for something else.
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if is_plain { name.to_owned() } else { quoted(name) }
}

/// A text in double quotes, in which each character that is not to be seen is an escape.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let code = u32::from(c);
        // Nothing can go wrong when a text is written to.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            _ if c == '\u{7f}' || code < 0x20 || (0x80..0xa0).contains(&code) => write!(out, "\\x{code:02x}"),
            _ if misleads(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => write!(out, "\\u{code:04x}"),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use saphyr::{LoadableYamlNode, Yaml};

    use super::*;

    #[test]
    fn tables_lists_and_comments_are_laid_out() {
        let mut inner = Table::of([("image", "a:1".into()), ("command", vec!["sh", "-c", "x"].into())]);
        inner.comment("two\nlines");
        inner.add("on", true);
        inner.add(
            "list",
            vec![Table::of([("name", "A".into()), ("value", "1".into())]), Table::of([("name", "B".into())])],
        );
        inner.add("none", Node::Null);
        inner.add("empty", Table::default());
        inner.add_some("left out", Table::default());
        let mut table = Table::default();
        table.comment("head");
        table.add("services", Table::of([("no", inner.into())]));
        insta::assert_snapshot!(document(&table));
    }

    proptest! {
        #[test]
        fn each_text_is_read_back_as_it_was(text in "\\PC*|[ -~\n\t]*|.*", name in "\\PC+|[a-z]+") {
            let table = Table::of([(name.as_str(), Node::Text(text.clone())), ("list", vec![text.clone()].into())]);
            let written = document(&table);
            let read = Yaml::load_from_str(&written).unwrap();
            let found = read[0].as_mapping_get(&name).and_then(|value| value.as_str());
            prop_assert!(name == "list" || found == Some(text.as_str()), "{written}");
        }
    }
}
