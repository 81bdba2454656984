//! Walking a table: which keys it may have, and the problems that are found on the way.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::diagnostic::{Diagnostic, Severity};
use super::keys::{Key, ROOT, Section, TASKS, WEB, other_word};
pub(super) use super::near::shown;
use super::near::{any_of, near};
use super::peers;

/// A value of the file and its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// In the order in which they were found, each once: a value of `[defaults]` is looked at for each service.
    pub(super) items: Vec<Diagnostic>,
}

impl Problems {
    /// More errors are a file of another kind, and nobody reads more warnings.
    const ENOUGH: usize = 100;

    /// Places of one problem that are named.
    const PLACES: usize = 10;

    /// One more, if there are not enough of its severity yet: no warning takes the place of an error.
    pub(super) fn add(&mut self, problem: Diagnostic) {
        if !self.has_enough(problem.severity) && !self.items.contains(&problem) {
            self.items.push(problem);
        }
    }

    /// The same problem may stand at several places: it is told once, and the others are named below it.
    pub(super) fn add_once(&mut self, problem: Diagnostic) {
        let is_same = |item: &&mut Diagnostic| (item.code, &item.message) == (problem.code, &problem.message);
        let (Some(item), Some(label)) = (self.items.iter_mut().find(is_same), problem.labels.first()) else {
            return self.add(problem);
        };
        let is_known = item.labels.iter().any(|known| known.span == label.span);
        if !is_known && item.labels.len() < Self::PLACES {
            *item = item.clone().at(label.span.clone(), "and here");
        }
    }

    /// No more errors are taken in: there is no need to look for them.
    pub(super) fn is_full(&self) -> bool {
        self.has_enough(Severity::Error)
    }

    fn has_enough(&self, severity: Severity) -> bool {
        self.items.iter().filter(|item| item.severity == severity).count() >= Self::ENOUGH
    }

    /// What is good of a result; what is not is added.
    pub(super) fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }
}

/// The entries of a table in the order of the file, without those that are free for notes (`x-…`). The tree has them by
/// name, and a header that stands twice has moved its table.
pub(super) fn entries<'a, 't>(table: &'a DeTable<'t>) -> Vec<(&'a Spanned<DeString<'t>>, &'a Value<'t>)> {
    let mut entries: Vec<_> = table.iter().filter(|(key, _)| !is_note(key.get_ref())).collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A name as it is written before `=` or in `[…]`: in quotes if it needs them.
pub(super) fn as_key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_owned() } else { toml::Value::from(name).to_string() }
}

/// Keys that begin with `x-` are free at every depth.
pub(super) fn is_note(key: &str) -> bool {
    key.starts_with("x-")
}

/// A table of the file with the keys that it may have.
pub(super) struct Fields<'a, 't> {
    section: &'static Section,
    table: &'a DeTable<'t>,
    place: String,
    /// Keys that stand there under a wrong name, as far as it can be guessed.
    meant: Vec<&'static str>,
}

impl<'a, 't> Fields<'a, 't> {
    /// Takes a table and reports the keys that do not belong there. `place` is for sentences: "service `api`".
    pub(super) fn open(
        section: &'static Section,
        table: &'a DeTable<'t>,
        place: impl Into<String>,
        problems: &mut Problems,
    ) -> Self {
        let mut fields = Self { section, table, place: place.into(), meant: Vec::new() };
        for (key, value) in entries(table) {
            let name: &str = key.get_ref();
            if problems.is_full() {
                break;
            }
            if section.key(name).is_none() {
                problems.add(fields.unknown(name, key.span(), value.get_ref()));
            } else if let (true, "web", DeValue::String(_)) = (section.name == ROOT.name, name, value.get_ref()) {
                // Many a service has the name of our own page.
                let problem = Diagnostic::error("unknown-key", "unknown key `web` in the file");
                problems.add(fields.outside_of_services(problem, name, key.span(), value.get_ref()));
            }
        }
        fields
    }

    fn unknown(&mut self, name: &str, span: Range<usize>, value: &DeValue<'_>) -> Diagnostic {
        let problem =
            Diagnostic::error("unknown-key", format!("unknown key {} in {}", any_of(&[shown(name)]), self.place));
        let word = peers::in_snake_case(name);
        if let Some(peer) = peers::key(self.section, &word) {
            self.meant.extend(peer.here);
            // Nobody means a key that stands beside it, or one command for all services.
            let is_meant =
                |here: &&str| !self.table.contains_key(*here) && (*here != "run" || self.service().is_some());
            let label = match peer.here.filter(is_meant) {
                Some(here) => format!("did you mean {}?", any_of(&[here])),
                None => format!("{} has no such key", self.section.name),
            };
            return problem.at(span, label).help(peer.say);
        }
        let known = self.section.keys.iter().map(|key| key.name);
        let guess = match other_word(self.section, &word) {
            Some(here) => vec![here],
            None => near(name, known),
        };
        match guess.first().and_then(|first| self.section.key(first)) {
            Some(first) => {
                self.meant.push(first.name);
                problem.at(span, format!("did you mean {}?", any_of(&guess))).help(self.advice(first))
            }
            None if self.section.name == ROOT.name && is_service(value) => {
                self.outside_of_services(problem, name, span, value)
            }
            // Other tools have tasks that are commands.
            None if self.section.name == TASKS.name && is_service(value) => {
                problem.at(span, "`[tasks]` says where the tasks of workers are").help(format!(
                    "a command that runs to completion is a job: [services.{}]\nkind = \"job\"",
                    as_key(name)
                ))
            }
            None if self.section.name == WEB.name && name == "run" => {
                problem.at(span, "`[web]` is the web page of the group").help("a service of this name: [services.web]")
            }
            None => problem
                .at(span, format!("{} has no such key", self.section.name))
                .help(format!("keys here: {}\nkeys starting with x- are free for notes", self.section.names())),
        }
    }

    fn outside_of_services(
        &mut self,
        problem: Diagnostic,
        name: &str,
        span: Range<usize>,
        value: &DeValue<'_>,
    ) -> Diagnostic {
        self.meant.push("services");
        problem.at(span, "write services under `[services]`").help(match value {
            DeValue::String(_) => format!("[services]\n{} = …", shown(name)),
            _ => format!("[services.{}]", shown(name)),
        })
    }

    /// The service whose table this is, if it is one's.
    fn service(&self) -> Option<&str> {
        self.place.strip_prefix("service ").map(|name| name.trim_matches('`'))
    }

    /// Why the key matters.
    fn advice(&self, key: &Key) -> String {
        match (key.name, self.service()) {
            ("watch", Some(who)) => format!("without it nothing restarts {who}"),
            ("run", Some(who)) => format!("without it {who} cannot start"),
            ("depends_on", Some(who)) => format!("without it {who} does not wait for anything"),
            ("ready", Some(who)) => format!("without it {who} counts as ready as soon as it runs"),
            _ => format!("{}: {}", key.name, key.about),
        }
    }

    /// The key stands there under a wrong name, which has been reported.
    pub(super) fn is_meant(&self, key: &str) -> bool {
        self.meant.contains(&key)
    }

    /// The place of a key.
    pub(super) fn key_span(&self, name: &str) -> Option<Range<usize>> {
        self.table.get_key_value(name).map(|(key, _)| key.span())
    }

    /// The keys that stand there, as far as they are known, in the order in which they are listed.
    pub(super) fn known_keys(&self) -> impl Iterator<Item = &'static Key> {
        self.section.keys.iter().filter(|key| self.table.contains_key(key.name))
    }

    /// The value of a key as it stands there.
    pub(super) fn value(&self, name: &str) -> Option<&Value<'t>> {
        self.table.get(name)
    }

    /// Reads the value of a key, if it is there.
    pub(super) fn read<'s, T>(
        &'s self,
        name: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Slot<'s, 't>, &mut Problems) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let value = self.table.get(name)?;
        let key = self.section.key(name)?;
        let found = read(Slot { key, place: &self.place, value }, problems)?;
        Some(Spanned::new(value.span(), found))
    }

    /// Reads the value of a key by a function that finds at most one problem.
    pub(super) fn read_value<'s, T>(
        &'s self,
        name: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(Slot<'s, 't>) -> Result<T, Diagnostic>,
    ) -> Option<Spanned<T>> {
        self.read(name, problems, |slot, problems| problems.keep(read(slot)))
    }
}

/// A value of the file and the key that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a, 't> {
    /// What is known of the key.
    pub(super) key: &'static Key,
    /// The table of the key, for sentences.
    pub(super) place: &'a str,
    /// What the file gives it.
    pub(super) value: &'a Value<'t>,
}

impl<'a, 't> Slot<'a, 't> {
    /// The place of the value.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The same key with another value: an element of a list.
    pub(super) fn with(&self, value: &'a Value<'t>) -> Self {
        Self { value, ..*self }
    }

    /// For sentences: "`grace` in `stop` of service `api`".
    pub(super) fn what(&self) -> String {
        format!("`{}` in {}", self.key.name, self.place)
    }

    /// The value is of a wrong type.
    pub(super) fn wrong_type(&self) -> Diagnostic {
        Diagnostic::error("type", format!("{} must be {}", self.what(), self.key.form.must_be()))
            .at(self.span(), format!("this is {}", kind(self.value.get_ref())))
            .help(format!("{}: {}", self.key.name, self.key.about))
    }
}

/// It could be one: a command, or a table with one.
fn is_service(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(_) => true,
        DeValue::Table(table) => table.get("run").is_some(),
        _ => false,
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
