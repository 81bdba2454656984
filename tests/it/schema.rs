//! The JSON Schema of the file: it refuses nothing that the program accepts, and finds what is wrong with a form.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use devgroup::config::{self, Diagnostics, RenderStyle};
use regex::Regex;
use serde_json::{Map, Value, json};

/// What is wrong with a name or the form of a value: the schema must find it, too. The rest needs other values, the disk,
/// or more knowledge.
const FORM: [&str; 8] = ["type", "unknown-key", "value", "duration", "size", "signal", "missing-run", "name"];

/// The part of JSON Schema that ours is made of. An unknown keyword is a failure, so that none is silently ignored.
fn complaints(schema: &Value, root: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let holds = |schema: &Value| {
        let mut found = Vec::new();
        complaints(schema, root, value, place, &mut found);
        found.is_empty()
    };
    let list = |schema: &Value| schema.as_array().unwrap().clone();
    let names = |schema: &Value| list(schema).iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let has = |name: &str| value.as_object().is_none_or(|table| table.contains_key(name));
    let schema = schema.as_object().unwrap();
    for (keyword, rule) in schema {
        let good = match keyword.as_str() {
            "$schema" | "title" | "description" | "definitions" => true,
            "$ref" => holds(root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()),
            "type" => match rule.as_str().unwrap() {
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("{other}"),
            },
            "enum" => list(rule).contains(value),
            "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "minProperties" => value.as_object().is_none_or(|table| table.len() as u64 >= rule.as_u64().unwrap()),
            "anyOf" => list(rule).iter().any(holds),
            "allOf" => list(rule).iter().all(holds),
            "not" => !holds(rule),
            "oneOf" => list(rule).iter().filter(|schema| holds(schema)).count() == 1,
            "required" => names(rule).iter().all(|name| has(name)),
            "dependencies" => rule.as_object().unwrap().iter().all(|(name, needed)| {
                value.get(name).is_none() || names(needed).iter().all(|needed| value.get(needed).is_some())
            }),
            "items" | "propertyNames" | "properties" | "patternProperties" | "additionalProperties" => {
                complaints_below((keyword, rule), schema, root, (value, place), found);
                true
            }
            other => panic!("the test does not know `{other}`"),
        };
        if !good {
            found.push(format!("{place}: {keyword} {rule}"));
        }
    }
}

/// What a keyword that speaks of the parts of a value finds wrong with them.
fn complaints_below(
    (keyword, rule): (&str, &Value),
    schema: &Map<String, Value>,
    root: &Value,
    (value, place): (&Value, &str),
    found: &mut Vec<String>,
) {
    match keyword {
        "items" => {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                complaints(rule, root, item, &format!("{place}[{index}]"), found);
            }
        }
        "propertyNames" => {
            for (name, _) in value.as_object().into_iter().flatten() {
                complaints(rule, root, &json!(name), &format!("{place}.{name} (name)"), found);
            }
        }
        "properties" | "patternProperties" => {
            for (name, value) in value.as_object().into_iter().flatten() {
                for (key, schema) in rule.as_object().unwrap() {
                    if if keyword == "properties" { key == name } else { matches(key, name) } {
                        complaints(schema, root, value, &format!("{place}.{name}"), found);
                    }
                }
            }
        }
        "additionalProperties" => {
            for (name, value) in value.as_object().into_iter().flatten() {
                let known = schema.get("properties").is_some_and(|keys| keys.get(name).is_some())
                    || schema["patternProperties"].as_object().unwrap().keys().any(|key| matches(key, name));
                let place = format!("{place}.{name}");
                match rule {
                    _ if known => {}
                    Value::Bool(false) => found.push(format!("{place}: unknown")),
                    schema => complaints(schema, root, value, &place, found),
                }
            }
        }
        other => panic!("`{other}` does not speak of parts"),
    }
}

/// Whether an expression is found in a text. Each is compiled once: that takes longer than all the rest.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local!(static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default());
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap());
        regex.is_match(text)
    })
}

/// What the schema says of a text; `None` if it is not TOML.
fn by_schema(text: &str) -> Option<Vec<String>> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(config::schema);
    let value: Value = toml::from_str(text).ok()?;
    let mut found = Vec::new();
    complaints(&SCHEMA, &SCHEMA, &value, "", &mut found);
    Some(found)
}

fn by_program(text: &str, file: &Path) -> Option<Diagnostics> {
    config::parse(text, file).err().filter(Diagnostics::has_errors)
}

/// Schema and program must be of one mind.
fn agree(text: &str, file: &Path) {
    let Some(by_schema) = by_schema(text) else { return };
    let by_program = by_program(text, file);
    let message = |diagnostics: &Diagnostics| {
        diagnostics.render(RenderStyle { color: false, unicode: true, width: 100 }).trim().to_owned()
    };
    match &by_program {
        None => assert!(by_schema.is_empty(), "the schema refuses what is good: {by_schema:?}\n{text}"),
        Some(problems) => {
            let of_form = problems.items.iter().any(|item| FORM.contains(&item.code));
            // Without `run` in `[defaults]` only the program knows that a service has none.
            let only_run =
                problems.items.iter().all(|item| item.code == "missing-run" && item.message.contains("service `"));
            assert!(
                !of_form || only_run || !by_schema.is_empty(),
                "the schema accepts what is wrong:\n{text}\n{}",
                message(problems)
            );
        }
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
}

#[test]
fn good_files_are_good_by_the_schema() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("procgroup.toml");
    for file in files("valid").into_iter().chain(files("warnings")).chain([own]) {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(by_schema(&text), Some(Vec::new()), "{}", file.display());
    }
}

#[test]
fn what_is_wrong_with_the_form_of_a_file_is_found_by_the_schema() {
    let mut refused = 0;
    for file in files("invalid") {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        agree(&text, &file);
        refused += usize::from(by_schema(&text).is_some_and(|found| !found.is_empty()));
    }
    assert!(refused >= 10, "only {refused} files were refused");
}

#[test]
fn names_are_judged_alike_by_the_schema_and_by_the_program() {
    let file = Path::new("/tmp/procgroup.toml");
    let judged = |text: &str| {
        agree(text, file);
        by_schema(text).unwrap().is_empty()
    };
    let mut names: Vec<String> =
        (1..=0x7f_u8).flat_map(|c| [format!("{}a", c as char), format!("a{}b", c as char)]).collect();
    names.extend(
        ["größe", "データ", "a.1", "a.1b", "1.x", "a.b.22", "7", "x-a b", "a\u{202e}b", "a\u{9b}b"].map(str::to_owned),
    );
    for name in &names {
        let escaped: String = name.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
        let quoted = format!("\"{escaped}\"");
        let service = judged(&format!("[services]\nb = 'b'\n{quoted} = 'a'"));
        let group = judged(&format!("name = {quoted}\n[services]\nb = {{ run = 'b', group = {quoted} }}"));
        let is_plain = |c: char| c.is_alphanumeric() || "._-+:".contains(c);
        let good = name.chars().all(is_plain) && name.starts_with(char::is_alphanumeric);
        assert_eq!(group, good, "{name:?}");
        assert_eq!(service, name.starts_with("x-") || good && !["a.1", "a.b.22"].contains(&name.as_str()), "{name:?}");
    }
}

/// Values that a key may have, or may not: of each type and form.
const VALUES: [&str; 49] = [
    "0",
    "1",
    "-1",
    "204",
    "65535",
    "65536",
    "4294967296",
    "1.5",
    "0.5",
    "true",
    "false",
    "\"\"",
    "\" \"",
    "\"a\"",
    "\"true\"",
    "\"5s\"",
    "\"1.5m\"",
    "\"5\"",
    "\"5 s\"",
    "\"64MiB\"",
    "\"70000b\"",
    "\"64\"",
    "\"64iB\"",
    "\"TERM\"",
    "\"sighup\"",
    "\"FOO\"",
    "\"signal:HUP\"",
    "\"signal:FOO\"",
    "\"run:a\"",
    "\"run:\"",
    "\"200-299\"",
    "\"204\"",
    "\"20\"",
    "\"http://localhost:4000/a\"",
    "\"https://localhost\"",
    "\"/re/\"",
    "[]",
    "[\"a\"]",
    "[\"a\", 1]",
    "[1]",
    "[\"\"]",
    "{}",
    "{ a = \"b\" }",
    "{ a = 1 }",
    "{ b = \"ready\" }",
    "{ x-a = 1 }",
    "{ run = \"a\" }",
    "{ port = 1 }",
    "{ signal = \"INT\" }",
];

#[test]
fn no_key_is_judged_differently_by_the_schema_and_by_the_program() {
    let schema = config::schema();
    let service = &schema["definitions"]["service"];
    let file = Path::new("/tmp/procgroup.toml");
    let mut words = BTreeSet::new();
    collect_words(&schema, &mut words);
    let mut values: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    values.extend(VALUES.map(str::to_owned));
    let mut judged = 0;
    let mut judge = |section: &Value, document: &dyn Fn(&str) -> String| {
        let keys: Vec<&String> = section["properties"].as_object().unwrap().keys().collect();
        assert!(!keys.is_empty());
        for key in keys.into_iter().map(String::as_str).chain(["nonsense"]) {
            for value in &values {
                agree(&document(&format!("{key} = {value}{}", company(section, key))), file);
                judged += 1;
            }
        }
    };
    judge(&schema, &|pair| {
        format!("{pair}\n{}", if pair.starts_with("services") { "" } else { "[services]\nb = 'b'" })
    });
    judge(service, &|pair| {
        format!(
            "[services]\nb = 'b'\n[services.a]\n{}{pair}",
            if pair.starts_with("run ") { "" } else { "run = 'a'\n" }
        )
    });
    for table in ["watch", "logs"] {
        judge(&schema["properties"][table], &|pair| format!("services = {{ b = 'b' }}\n{table} = {{ {pair} }}"));
    }
    for table in ["ready", "alive", "limits", "validate", "backoff", "breaker", "stop"] {
        let section = &service["properties"][table];
        judge(section, &|pair| format!("[services.a]\nrun = 'a'\n{table} = {{ {pair} }}"));
    }
    assert!(judged > 3000, "{judged}");
}

/// What a key needs beside it.
fn company(section: &Value, key: &str) -> String {
    let needs = |name: &str| section["dependencies"].get(name).map(|needed| needed[0].as_str().unwrap().to_owned());
    let ways = section["oneOf"]
        .as_array()
        .map_or(Vec::new(), |ways| ways.iter().map(|way| way["required"][0].as_str().unwrap().to_owned()).collect());
    let needed = needs(key).or_else(|| (!ways.is_empty() && !ways.iter().any(|way| way == key)).then(|| "port".into()));
    let needed = needed
        .or_else(|| section["required"][0].as_str().filter(|name| *name == "run" && key != "run").map(Into::into));
    match needed.as_deref() {
        None => String::new(),
        Some("port") => ", port = 1".into(),
        Some("http") => ", http = 'http://localhost'".into(),
        Some("file") => ", file = 'a'".into(),
        Some("max_age") => ", max_age = '1m'".into(),
        Some("run") => ", run = 'a'".into(),
        Some(other) => panic!("{other}"),
    }
}

/// All words that some value may be.
fn collect_words(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(table) => {
            words.extend(
                table
                    .get("enum")
                    .into_iter()
                    .flat_map(|words| words.as_array().unwrap())
                    // `false` takes a service out: the one that is no word.
                    .filter_map(|word| word.as_str().map(str::to_owned)),
            );
            table.values().for_each(|below| collect_words(below, words));
        }
        Value::Array(list) => list.iter().for_each(|below| collect_words(below, words)),
        _ => {}
    }
}

#[test]
fn the_file_in_assets_is_the_schema_of_this_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/procgroup.schema.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file, config::schema(), "write it anew: devgroup schema > assets/procgroup.schema.json");
}

#[test]
fn included_and_local_files_are_good_by_the_same_schema() {
    for text in [
        "include = ['services/*/procgroup.toml']\n",
        "[watch]\nignore = ['gen/']\n[defaults]\nrestart = 'always'\n[services]\napi = 'api'\n",
        "[services]\nmail = false\n[services.api]\nenv = { LOG = 'debug' }\n",
        "[logs]\nfiles = true\n",
    ] {
        assert_eq!(by_schema(text), Some(Vec::new()), "{text}");
    }
    assert_ne!(by_schema("[services]\nmail = true\n"), Some(Vec::new()));
}
