//! The palette: every action by its name, found by a part of it.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::{Choice, stepped};
use crate::display::GlyphSet;
use crate::domain::{GroupSnapshot, Instance, Replicated, ServiceName};
use crate::tui::action::{Action, Context};
use crate::tui::folding;
use crate::tui::keymap::Keymap;
use crate::tui::line_edit;

/// What was typed, and what is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Palette {
    /// The text that is looked for.
    pub(in crate::tui) typed: String,
    /// The marked one of those that are found.
    pub(in crate::tui) marked: usize,
    /// Where it was opened: what an action means depends on that.
    pub(in crate::tui) under: Context,
    /// The service that was selected then, which the actions are for …
    pub(in crate::tui) service: Option<ServiceName>,
    /// … and all there were: no line moves while one reads.
    services: Vec<Listed>,
    /// Those that can have other numbers of instances.
    replicated: Arc<[Replicated]>,
}

/// A service that can be selected.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    name: ServiceName,
    /// The number by which a key selects it.
    number: Option<usize>,
    /// It stands for all of its instances.
    is_all: bool,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) enum PaletteAction {
    /// Carry out an action of the key table.
    Act(Action),
    /// Select this service.
    Select(ServiceName),
    /// Select the row of all instances of this service.
    SelectAll(ServiceName),
    /// Have so many instances of this service.
    Scale(ServiceName, u32),
}

/// One line of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Entry {
    /// In words: the user's file has them with `_`.
    pub(in crate::tui) name: String,
    /// What it does.
    pub(in crate::tui) about: String,
    /// Its key; empty if it has none.
    pub(in crate::tui) key: String,
    /// What it does.
    pub(in crate::tui) action: PaletteAction,
}

/// Text beyond that is not taken.
const LONGEST: usize = 60;

impl Palette {
    /// Nothing is typed yet.
    pub(in crate::tui) fn new(under: Context, service: Option<ServiceName>, snapshot: &GroupSnapshot) -> Self {
        let mut services = Vec::new();
        for (unit, number) in folding::units(snapshot).into_iter().zip(1..) {
            let is_all = unit.len() > 1;
            if is_all {
                let name = folding::name(snapshot, &unit).into();
                services.push(Listed { name, number: Some(number), is_all });
            }
            let each = snapshot.services.get(unit).unwrap_or_default().iter();
            let number = Some(number).filter(|_| !is_all);
            services.extend(each.map(|service| Listed { name: service.name.clone(), number, is_all: false }));
        }
        let replicated = Arc::clone(&snapshot.replicated);
        Self { typed: String::new(), marked: 0, under, service, services, replicated }
    }

    /// A key. Whether it was one that changes the text.
    pub(in crate::tui) fn type_key(&mut self, event: KeyEvent) -> bool {
        let edits = line_edit::edit(&mut self.typed, event, LONGEST);
        if edits {
            self.marked = 0;
        }
        edits
    }

    /// Text is pasted.
    pub(in crate::tui) fn type_text(&mut self, text: &str) {
        line_edit::add(&mut self.typed, text, LONGEST);
        self.marked = 0;
    }

    /// Marks another entry, or chooses the marked one.
    pub(super) fn act(&mut self, action: Action, glyphs: GlyphSet) -> Option<Choice> {
        let entries = self.entries(glyphs);
        self.marked = stepped(self.marked, action, entries.len().saturating_sub(1));
        let entry = entries.into_iter().nth(self.marked).filter(|_| action == Action::Choose)?;
        Some(Choice::Entry { action: entry.action, under: self.under, service: self.service.clone() })
    }

    /// All entries that the text is found in, the best first; those that are equally good stay in order.
    pub(in crate::tui) fn entries(&self, glyphs: GlyphSet) -> Vec<Entry> {
        let mut found: Vec<(u32, Entry)> =
            self.all(glyphs).into_iter().filter_map(|entry| Some((score(&self.typed, &entry)?, entry))).collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

impl Palette {
    /// How many entries there are before a text is typed.
    pub(in crate::tui) fn most_entries(&self, glyphs: GlyphSet) -> usize {
        self.all(glyphs).len()
    }

    fn all(&self, glyphs: GlyphSet) -> Vec<Entry> {
        let (keymap, under) = (Keymap::get(), self.under);
        let actions = keymap.actions(under).into_iter().map(|action| {
            let context = if action.is_of_menu() { Context::Menu } else { under };
            let key = keymap.key_name(context, action, glyphs);
            // Those of the menu are keys only there.
            let key = match action.is_of_menu() {
                true if key.is_empty() => key,
                true => format!("{} {key}", keymap.key_name(under, Action::RestartMenu, glyphs)),
                false => key,
            };
            let about = keymap.about(action).to_owned();
            Entry { name: action.name().replace('_', " "), about, key, action: PaletteAction::Act(action) }
        });
        let services = self.services.iter().map(|Listed { name, number, is_all }| Entry {
            name: format!("select {name}"),
            about: if *is_all { "select all its instances" } else { "select this service" }.to_owned(),
            key: number.filter(|number| *number <= 9).map(|number| number.to_string()).unwrap_or_default(),
            action: if *is_all { PaletteAction::SelectAll(name.clone()) } else { PaletteAction::Select(name.clone()) },
        });
        actions.chain(services).chain(self.replicated.iter().flat_map(|one| self.scales(one))).collect()
    }

    /// Other numbers of instances: the one that is typed, or else one more and one fewer.
    fn scales(&self, one: &Replicated) -> Vec<Entry> {
        let typed = self.typed.rsplit('=').next().and_then(|number| number.trim().parse::<u32>().ok());
        let typed = typed.filter(|count| *count <= Instance::MOST && self.typed.contains('='));
        let counts = match typed {
            Some(count) => vec![count],
            None => [one.count.checked_add(1), one.count.checked_sub(1)].into_iter().flatten().collect(),
        };
        let entry = |count: u32| Entry {
            name: format!("scale {}={count}", one.name),
            about: format!(
                "run {} of it; now: {}",
                crate::domain::count(usize::try_from(count).unwrap_or(usize::MAX), "instance"),
                one.count
            ),
            key: String::new(),
            action: PaletteAction::Scale(one.name.clone(), count),
        };
        counts.into_iter().filter(|count| *count <= Instance::MOST).map(entry).collect()
    }
}

/// How well a text fits an entry: its characters are there in order in the name, the better the more of them stand
/// together or at the beginning of a word; or, last, what it does holds the text.
fn score(typed: &str, entry: &Entry) -> Option<u32> {
    let typed = typed.trim().to_lowercase();
    let wanted: Vec<char> = typed.chars().filter(|c| !is_gap(*c)).collect();
    if wanted.is_empty() {
        return Some(0);
    }
    subsequence(&wanted, &entry.name).or_else(|| entry.about.to_lowercase().contains(&typed).then_some(0))
}

fn is_gap(c: char) -> bool {
    c == ' ' || c == '_' || c == '-'
}

fn subsequence(wanted: &[char], text: &str) -> Option<u32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    // From each place where it may begin: the first one is not always the best.
    let starts = (0..text.len()).filter(|start| text.get(*start) == wanted.first());
    starts.filter_map(|start| from(wanted, &text, start)).max()
}

fn from(wanted: &[char], text: &[char], start: usize) -> Option<u32> {
    let mut score = 0;
    let mut last = None;
    let mut at = start;
    for c in wanted {
        let offset = text.get(at..)?.iter().position(|other| other == c)?;
        let place = at + offset;
        let begins = place == 0 || text.get(place - 1).copied().is_some_and(is_gap);
        // A gap between two words does not part what is typed in one go.
        let gaps = text.get(at..place).unwrap_or_default().iter().all(|c| is_gap(*c));
        score += match (last.is_some() && gaps, begins) {
            (true, _) => 8,
            (false, true) => 6,
            (false, false) => 1,
        };
        last = Some(place);
        at = place + 1;
    }
    // The shorter of two that fit equally is meant.
    let left = text.len().saturating_sub(wanted.len());
    Some(score * 16 + 16_u32.saturating_sub(u32::try_from(left).unwrap_or(16)))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;
    use crate::tui::fixture::{farm, shop};

    fn found(typed: &str) -> Vec<String> {
        let palette = Palette { typed: typed.into(), ..Palette::new(Context::Normal, None, &shop()) };
        palette.entries(GlyphSet::Unicode).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn the_name_that_is_meant_comes_first() {
        for (typed, name) in [
            ("restart", "restart"),
            ("rest fail", "restart failed"),
            ("rfai", "restart failed"),
            ("RESTART_ALL", "restart all"),
            ("quit", "quit"),
            ("qn", "quit now"),
            ("clipboard", "copy"),
            ("yank", "copy"),
            ("stop all", "quit"),
            ("sel work", "select worker"),
            ("wtch", "watcher"),
        ] {
            assert_eq!(found(typed).first().map(String::as_str), Some(name), "{typed}");
        }
        assert!(found("zzzz").is_empty());
    }

    #[test]
    fn without_a_text_everything_is_there_and_each_says_what_it_does() {
        let all = Palette::new(Context::Normal, None, &shop()).entries(GlyphSet::Unicode);
        assert!(all.iter().all(|entry| !entry.about.is_empty()), "{all:?}");
        let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
        for name in ["restart", "pause", "restart force", "merged", "quit", "select mail", "help", "back"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        assert!(!names.contains(&"palette") && !names.contains(&"service number"));
        let key = |name: &str| all.iter().find(|entry| entry.name == name).map(|entry| entry.key.as_str());
        assert_eq!((key("restart"), key("restart all"), key("select api")), (Some("r"), Some("R a"), Some("2")));
    }

    #[test]
    fn instances_are_selected_together_or_alone_and_their_number_is_typed() {
        let found = |typed: &str| -> Vec<String> {
            let palette = Palette { typed: typed.into(), ..Palette::new(Context::Normal, None, &farm()) };
            palette
                .entries(GlyphSet::Unicode)
                .into_iter()
                .map(|entry| format!("{} {}", entry.name, entry.key))
                .collect()
        };
        assert_eq!(found("sel worker")[..2], ["select worker 2", "select worker.1 "]);
        assert!(found("select web").contains(&"select web 3".into()));
        assert_eq!(found("scale")[..3], ["scale cron=1 ", "scale worker=4 ", "scale worker=2 "]);
        assert_eq!(found("scale worker=12").first().map(String::as_str), Some("scale worker=12 "));
        assert!(!found("scale worker=101").iter().any(|name| name.contains("101")));
    }

    #[test]
    fn actions_are_those_of_the_place() {
        let names = |under| -> Vec<String> {
            let palette = Palette::new(under, None, &shop());
            palette.entries(GlyphSet::Unicode).into_iter().map(|entry| entry.name).collect()
        };
        assert!(names(Context::Watcher).contains(&"why".to_owned()));
        assert!(!names(Context::Normal).contains(&"why".to_owned()));
        assert!(names(Context::Merged).contains(&"open line".to_owned()));
    }

    #[test]
    fn arbitrary_text_does_no_harm() {
        let mut palette = Palette::new(Context::Normal, None, &shop());
        palette.type_text(&"ä\u{7}🦀_ ".repeat(100));
        assert_eq!(palette.typed.chars().count(), 60);
        assert!(palette.entries(GlyphSet::Ascii).is_empty());
        palette.type_key(KeyCode::Backspace.into());
        assert_eq!(palette.typed.chars().count(), 59);
        palette.marked = 3;
        assert!(palette.type_key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
        assert_eq!((palette.typed.as_str(), palette.marked), ("", 0));
    }
}
