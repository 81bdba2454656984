//! A local file is laid over the file beside it: tables merge, lists and values replace, and `false` takes a service out.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{ALIVE, READY, Section};
use super::problems::{Value, is_note};

/// A service that a local file takes out, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TakenOut {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    /// It was in the file that the local file is laid over.
    pub(super) was_there: bool,
}

/// Lays one tree over another. The services that it takes out.
pub(super) fn lay_over<'t>(base: &mut DeTable<'t>, mut over: DeTable<'t>) -> Vec<TakenOut> {
    let mut taken_out = Vec::new();
    let nothing = &mut DeTable::new();
    let below = services_of(base).unwrap_or(nothing);
    if let Some(services) = services_of(&mut over) {
        let is_false = |value: &Value<'_>| matches!(value.get_ref(), DeValue::Boolean(false));
        let named = services.iter().filter(|(key, value)| is_false(value) && !is_note(key.get_ref()));
        let named: Vec<(String, Range<usize>)> =
            named.map(|(key, value)| (key.get_ref().to_string(), key.span().start..value.span().end)).collect();
        for (name, span) in named {
            services.remove(name.as_str());
            let was_there = below.remove(name.as_str()).is_some();
            taken_out.push(TakenOut { name, span, was_there });
        }
        for (key, value) in services.iter_mut() {
            // A text alone is the command of a table.
            if let Some(other) = below.get_mut(&**key.get_ref()) {
                match (other.get_ref(), value.get_ref()) {
                    (DeValue::String(_), DeValue::Table(_)) => as_table(other),
                    (DeValue::Table(_), DeValue::String(_)) => as_table(value),
                    _ => {}
                }
            }
        }
    }
    merge(base, over);
    taken_out
}

fn services_of<'a, 't>(tree: &'a mut DeTable<'t>) -> Option<&'a mut DeTable<'t>> {
    match tree.get_mut("services")?.get_mut() {
        DeValue::Table(services) => Some(services),
        _ => None,
    }
}

/// `"npm run dev"` as `{ run = "npm run dev" }`.
fn as_table(value: &mut Value<'_>) {
    let run = Spanned::new(value.span(), std::mem::replace(value.get_mut(), DeValue::Boolean(false)));
    let mut table = DeTable::new();
    table.insert(Spanned::new(value.span(), Cow::Borrowed("run")), run);
    *value.get_mut() = DeValue::Table(table);
}

fn merge<'t>(base: &mut DeTable<'t>, over: DeTable<'t>) {
    for (key, value) in over {
        let name = key.get_ref().to_string();
        if let Some(DeValue::Table(below)) = base.get_mut(name.as_str()).map(Spanned::get_mut)
            && matches!(value.get_ref(), DeValue::Table(_))
        {
            let DeValue::Table(above) = value.into_inner() else { continue };
            if !is_another_way(&name, &above) {
                merge(below, above);
                continue;
            }
            // A check is of one kind: what belongs to another one goes with it.
            let span = key.span().start..key.span().end;
            base.remove(name.as_str());
            base.insert(key, Spanned::new(span, DeValue::Table(above)));
            continue;
        }
        // The key, too, stands where the value does.
        base.remove(name.as_str());
        base.insert(key, value);
    }
}

/// It says itself what a check looks at.
fn is_another_way(name: &str, table: &DeTable<'_>) -> bool {
    let has_way = |section: &Section| section.ways.iter().any(|way| table.contains_key(*way));
    match name {
        "ready" => has_way(&READY),
        "alive" => has_way(&ALIVE),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sources::Sources;
    use std::path::Path;

    /// What a file and a local file come to, without places.
    fn laid(base: &str, over: &str) -> (String, Vec<(String, bool)>) {
        let mut sources = Sources::of(Path::new("/a.toml"), base);
        sources.add(Path::new("/a.local.toml"), over);
        let ((mut tree, one), (over, other)) = (sources.tree(0), sources.tree(1));
        assert!(one.is_empty() && other.is_empty());
        let out = lay_over(&mut tree, over);
        (shown(&tree), out.into_iter().map(|out| (out.name, out.was_there)).collect())
    }

    fn shown(table: &DeTable<'_>) -> String {
        let value = |value: &Value<'_>| match value.get_ref() {
            DeValue::Table(table) => shown(table),
            DeValue::Array(list) => {
                format!("[{}]", list.iter().map(|v| format!("{:?}", v.get_ref().as_str())).collect::<String>())
            }
            DeValue::String(text) => format!("'{text}'"),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            other => format!("{other:?}"),
        };
        let entries: Vec<_> = table.iter().map(|(key, v)| format!("{}={}", key.get_ref(), value(v))).collect();
        format!("{{{}}}", entries.join(" "))
    }

    #[test]
    fn tables_merge_and_all_else_is_replaced() {
        let base = "[services.a]\nrun = 'x'\nwatch = ['s']\nenv = { A = '1', B = '2' }\n[logs]\nfiles = true\n";
        let over = "[services.a]\nwatch = ['t']\nenv = { B = '3', C = '4' }\n[services]\nb = 'y'\n";
        let (tree, out) = laid(base, over);
        let a = "{env={A='1' B='3' C='4'} run='x' watch=[Some(\"t\")]}";
        assert_eq!(tree, format!("{{logs={{files=true}} services={{a={a} b='y'}}}}"));
        assert!(out.is_empty());
    }

    #[test]
    fn a_text_alone_is_the_command_on_either_side() {
        let env = "[services]\na = { env = { A = '1' } }\n";
        assert_eq!(laid("[services]\na = 'x'\n", env).0, "{services={a={env={A='1'} run='x'}}}");
        assert_eq!(laid(env, "[services]\na = 'y'\n").0, "{services={a={env={A='1'} run='y'}}}");
        assert_eq!(laid("[services]\na = 'x'\n", "[services]\na = 'y'\n").0, "{services={a='y'}}");
    }

    #[test]
    fn false_takes_a_service_out_and_nothing_else() {
        let (tree, out) = laid("[services]\na = 'x'\nb = { run = 'y' }\n", "[services]\nb = false\nc = false\n");
        assert_eq!(tree, "{services={a='x'}}");
        assert_eq!(out, [("b".to_owned(), true), ("c".to_owned(), false)]);
        assert_eq!(laid("[watch]\ngitignore = true\n", "[watch]\ngitignore = false\n").0, "{watch={gitignore=false}}");
        assert_eq!(laid("", "[services]\nc = false\n").1, [("c".to_owned(), false)]);
    }

    #[test]
    fn a_check_of_another_kind_replaces_the_check() {
        let base = "[services.a]\nready = { http = 'h', status = 204, timeout = '9s' }\n";
        let over = |ready: &str| laid(base, &format!("[services.a]\nready = {ready}\n")).0;
        assert_eq!(over("{ port = 1 }"), "{services={a={ready={port=1}}}}");
        assert_eq!(over("{ timeout = '1s' }"), "{services={a={ready={http='h' status=204 timeout='1s'}}}}");
    }

    #[test]
    fn what_is_replaced_stands_in_the_local_file() {
        let mut sources = Sources::of(Path::new("/a.toml"), "[services.a]\nrun = 'x'\nretries = 1\n");
        sources.add(Path::new("/a.local.toml"), "[services.a]\nretries = 2\n");
        let (mut tree, _) = sources.tree(0);
        lay_over(&mut tree, sources.tree(1).0);
        let services = services_of(&mut tree).unwrap();
        let DeValue::Table(a) = services.get("a").unwrap().get_ref() else { panic!("no table") };
        for (key, file) in [("run", 0), ("retries", 1)] {
            let (key, value) = a.get_key_value(key).unwrap();
            assert_eq!([key.span(), value.span()].map(|span| sources.number_at(span.start)), [file; 2]);
        }
    }
}
