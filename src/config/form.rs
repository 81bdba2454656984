//! The forms that values of `procgroup.toml` may have: what a message asks for, and what the JSON Schema says.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::keys::{ENV_FILE, SERVICE, Section};
use crate::domain::{Instance, MAIN_PORT, Signal, WorkerSpec};

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A string, without a rule for what it holds.
    Text,
    /// The name of a group.
    Name,
    /// A text that is itself, or a regular expression between slashes.
    TextPattern,
    /// An address that a browser opens.
    Url,
    /// An address that is asked.
    HttpAddress,
    /// `true` or `false`.
    Boolean,
    /// `true`: what is not wanted is left out.
    Yes,
    /// A number with a unit of time.
    Duration,
    /// A number with a unit of memory.
    Size,
    /// A TCP port.
    Port,
    /// A whole number from 1 on.
    Count,
    /// A whole number from 0 on.
    Whole,
    /// How many instances a service has.
    Replicas,
    /// How many tasks are tried at once.
    Concurrency,
    /// A number from 1 on.
    Factor,
    /// One code of HTTP or a range of them.
    Status,
    /// The name of a signal.
    Signal,
    /// A text for the shell or a list that is executed as it is.
    Command,
    /// Five fields, a word for them, or a pause.
    Schedule,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list of these texts.
    SomeOf(&'static [&'static str]),
    /// A program and its arguments, which no shell reads.
    Program,
    /// What a change does.
    OnChange,
    /// A list of texts.
    Texts,
    /// A list of patterns.
    Patterns,
    /// A file, or a list of them: each a text, or a table with these keys.
    EnvFiles,
    /// A port of its own, or `"auto"`.
    OwnPort,
    /// A table of such ports.
    Ports,
    /// `true`, `false` or a list of patterns.
    Watch,
    /// A list of services, or a table of conditions.
    Needs,
    /// A table of texts.
    Variables,
    /// A table with these keys.
    Table(&'static Section),
    /// The table of services.
    Services,
    /// A table of places, each with its keys and what they do.
    Keymap,
}

/// The words of `depends_on = { db = "ready" }`.
const CONDITIONS: &[&str] = &["started", "ready", "done"];

/// A number and a unit of `units::duration`, and of `units::size`.
const DURATION: &str = r"^([0-9]+\.?[0-9]*|\.[0-9]+)(ms|s|m|h)$";
const SIZE: &str = "^[0-9]+([kKmMgG][iI]?)?[bB]$";
/// Five fields, a word, or a pause.
const SCHEDULE: &str = r"^\s*(@[a-z]+|every\s+\S+|\S+(\s+\S+){4})\s*$";
/// A name, by what it does not hold: exact for ASCII. Which other characters are letters, only the program knows, since not
/// every reader of a schema knows `\p{L}`.
const NAME: &str = concat!(
    r"^[^\u0000-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a0\u2000-\u206f]",
    r"[^\u0000-\u002a\u002c\u002f\u003b-\u0040\u005b-\u005e\u0060\u007b-\u00a0\u2000-\u206f]*$",
);
/// How an instance of a service is called.
const INSTANCE: &str = r"\.[0-9]+$";
/// The name of a port: in capitals it is a part of the name of a variable.
const PORT_NAME: &str = "^[a-z][a-z0-9_]*$";
/// How a note begins.
const NOTE: &str = "^x-";
/// A value that is put in.
const VARIABLE: &str = r"\$\{[A-Za-z_]";
/// What says something.
const WORD: &str = r"\S";

impl Form {
    /// What the value must be, after "must be".
    pub(super) fn must_be(self) -> String {
        match self {
            Self::Text | Self::Name | Self::Url | Self::HttpAddress => "a string".into(),
            Self::TextPattern => "a string or \"/regex/\"".into(),
            Self::Boolean => "`true` or `false`".into(),
            Self::Yes => "`true`".into(),
            Self::Duration => "a duration like \"5s\"".into(),
            Self::Size => "a size like \"64MiB\"".into(),
            Self::Port => "a number from 1 to 65535".into(),
            Self::Count => "a whole number, at least 1".into(),
            Self::Whole => "a whole number, at least 0".into(),
            Self::Replicas => format!("a whole number from 0 to {}", Instance::MOST),
            Self::Concurrency => format!("a whole number from 1 to {}", WorkerSpec::MOST_AT_ONCE),
            Self::Factor => "a number, at least 1".into(),
            Self::Status => "a code like 204, or a range like \"200-299\"".into(),
            Self::Signal => "the name of a signal".into(),
            Self::Command => "a string (for the shell) or a list of strings (run as it is)".into(),
            Self::Schedule => "a string like \"0 2 * * *\" or \"every 30m\"".into(),
            Self::OneOf(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                match quoted.split_last() {
                    Some((last, [])) => last.clone(),
                    Some((last, others)) => format!("{} or {last}", others.join(", ")),
                    None => String::new(),
                }
            }
            Self::SomeOf(_) => "a list of kinds".into(),
            Self::Program => "a list of strings: a program and its arguments".into(),
            Self::OnChange => "\"restart\", \"signal:NAME\", \"run:COMMAND\" or \"mark\"".into(),
            Self::Texts => "a list of strings".into(),
            Self::Patterns => "a list of patterns".into(),
            Self::EnvFiles => "a string, a table with `path`, or a list of them".into(),
            Self::OwnPort => "a number from 1 to 65535, or \"auto\"".into(),
            Self::Ports => "a table of ports".into(),
            Self::Watch => "`true`, `false` or a list of patterns".into(),
            Self::Needs => "a list of services, or a table".into(),
            Self::Variables => "a table of strings".into(),
            Self::Table(_) => "a table".into(),
            Self::Services => "a table of services".into(),
            Self::Keymap => "a table of places".into(),
        }
    }

    /// The same for programs: a JSON Schema, draft 7. What only `devgroup check` can know is left to it.
    pub(super) fn schema(self) -> Value {
        let word = || json!({ "type": "string", "pattern": WORD });
        let words = || json!({ "type": "array", "items": word() });
        match self {
            Self::Text | Self::TextPattern => word(),
            Self::Name => json!({ "type": "string", "pattern": NAME }),
            Self::Url => address("^https?://[^ ]+$"),
            Self::HttpAddress => address(r"^http://[^\s/]\S*$"),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Yes => json!({ "type": "boolean", "enum": [true] }),
            Self::Duration => json!({ "type": "string", "pattern": DURATION }),
            Self::Size => json!({ "type": "string", "pattern": SIZE }),
            Self::Port => json!({ "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": u16::MAX },
                { "type": "string", "pattern": VARIABLE },
            ]}),
            Self::Count => whole(1..=u32::MAX),
            Self::Whole => whole(0..=u32::MAX),
            Self::Replicas => whole(0..=Instance::MOST),
            Self::Concurrency => whole(1..=WorkerSpec::MOST_AT_ONCE),
            Self::Factor => json!({ "type": "number", "minimum": 1 }),
            Self::Status => status(),
            Self::Signal => json!({ "type": "string", "pattern": signals("^") }),
            Self::Command => json!({ "anyOf": [
                { "type": "string", "pattern": WORD, "description": "run by the shell, which expands all variables" },
                {
                    "type": "array",
                    "items": { "type": "string" },
                    "minItems": 1,
                    "description": "run as it is, with ${NAME} and ${NAME:-default} expanded; $$ is a dollar",
                },
            ]}),
            Self::Schedule => json!({ "type": "string", "pattern": SCHEDULE }),
            Self::OneOf(words) => json!({ "type": "string", "enum": words }),
            Self::SomeOf(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
            Self::Program => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
            Self::OnChange => json!({ "anyOf": [
                { "type": "string", "enum": ["restart", "mark"] },
                { "type": "string", "pattern": r"^run:[\s\S]*\S" },
                { "type": "string", "pattern": signals(r"^signal:\s*") },
            ]}),
            Self::Texts | Self::Patterns => words(),
            Self::EnvFiles => env_files(),
            Self::OwnPort => own_port(),
            Self::Ports => own_ports(),
            Self::Watch => json!({ "anyOf": [{ "type": "boolean" }, words()] }),
            Self::Needs => json!({ "anyOf": [
                words(),
                free_table(json!({ "type": "string", "enum": CONDITIONS })),
            ]}),
            Self::Variables => free_table(json!({ "type": "string" })),
            Self::Keymap => free_table(free_table(json!({ "type": "string" }))),
            Self::Table(section) => section.schema(),
            Self::Services => {
                let taken_out = json!({ "enum": [false], "description": "in a local file: takes the service out" });
                let service = json!({ "anyOf": [word(), { "$ref": "#/definitions/service" }, taken_out] });
                let mut services = free_table(service);
                if let Some(table) = services.as_object_mut() {
                    table.insert(
                        "propertyNames".into(),
                        json!({ "anyOf": [
                            { "pattern": NOTE },
                            { "pattern": NAME, "not": { "pattern": INSTANCE } },
                        ]}),
                    );
                }
                services
            }
        }
    }
}

/// One code of HTTP, or a range of them.
fn status() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 100, "maximum": 599 },
        { "type": "string", "pattern": r"^\s*[1-5][0-9]{2}\s*(-\s*[1-5][0-9]{2}\s*)?$" },
    ]})
}

/// A whole number.
fn whole(range: RangeInclusive<u32>) -> Value {
    json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() })
}

/// A number, or a word.
fn own_port() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": u16::MAX },
        { "type": "string", "enum": ["auto"] },
    ]})
}

/// Such ports by name.
fn own_ports() -> Value {
    let mut ports = free_table(own_port());
    if let Some(table) = ports.as_object_mut() {
        let names = json!({ "pattern": PORT_NAME, "not": { "enum": [MAIN_PORT] } });
        table.insert("propertyNames".into(), json!({ "anyOf": [{ "pattern": NOTE }, names] }));
    }
    ports
}

/// A file, or a list of them.
fn env_files() -> Value {
    let file = json!({ "anyOf": [{ "type": "string", "pattern": WORD }, ENV_FILE.full_schema()] });
    json!({ "anyOf": [file, { "type": "array", "items": file }] })
}

/// An address of this form, or one that a start makes of its values.
fn address(pattern: &str) -> Value {
    json!({ "type": "string", "anyOf": [{ "pattern": pattern }, { "pattern": VARIABLE }] })
}

/// A table whose names are free, but for those that begin with `x-`, which are notes.
fn free_table(value: Value) -> Value {
    json!({ "type": "object", "patternProperties": { NOTE: {} }, "additionalProperties": value })
}

/// The names of all signals, in any case and with or without `SIG`, behind `before`.
fn signals(before: &str) -> String {
    let any_case = |name: &str| -> String {
        name.chars()
            .map(|c| match c.to_ascii_lowercase() {
                lower if lower == c => c.to_string(),
                lower => format!("[{c}{lower}]"),
            })
            .collect()
    };
    let names = Signal::ALL.map(|signal| any_case(signal.name())).join("|");
    format!("{before}({})?({names})\\s*$", any_case("SIG"))
}

impl Section {
    /// The schema of a table with these keys.
    fn schema(&self) -> Value {
        if self.name == SERVICE.name {
            return json!({ "$ref": "#/definitions/service" });
        }
        self.full_schema()
    }

    /// The same, written out.
    pub(super) fn full_schema(&self) -> Value {
        let keys = self.keys.iter();
        let properties: Map<String, Value> = keys
            .map(|key| {
                let mut schema = key.form.schema();
                // What stands beside a reference does not count in draft 7.
                if schema.get("$ref").is_some() {
                    schema = json!({ "allOf": [schema] });
                }
                if let Some(table) = schema.as_object_mut() {
                    table.insert("description".into(), json!(key.about));
                }
                (key.name.to_owned(), schema)
            })
            .collect();
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "patternProperties": { NOTE: {} },
            "additionalProperties": false,
        });
        let Some(table) = schema.as_object_mut() else { return schema };
        if !self.required.is_empty() {
            table.insert("required".into(), json!(self.required));
        }
        if !self.ways.is_empty() {
            let ways: Vec<Value> = self.ways.iter().map(|way| json!({ "required": [way] })).collect();
            table.insert("oneOf".into(), json!(ways));
        }
        if !self.belongs.is_empty() {
            let belongs = self.belongs.iter().map(|(key, to)| ((*key).to_owned(), json!([to])));
            table.insert("dependencies".into(), Value::Object(belongs.collect()));
        }
        schema
    }
}
