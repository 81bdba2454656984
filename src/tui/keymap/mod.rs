//! The key table: data that is read once, and what key means what where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::{Deserialize, Deserializer, de};

use super::action::{Action, Context, name_of};
use crate::display::GlyphSet;

/// The table as it is shipped.
static DEFAULT: &str = include_str!("../../../assets/default_keymap.toml");

/// The same, read once: that takes as long as a frame.
static SHIPPED: LazyLock<Keymap> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it; an empty table would still leave Ctrl-C.
    toml::from_str(DEFAULT).unwrap_or_default()
});

/// The table that is in force where the user has keys.
static KEYMAP: OnceLock<Keymap> = OnceLock::new();

/// A key of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    /// Where: one of [`key_contexts`].
    pub context: String,
    /// Which: [`key_problem`] has nothing to say about it.
    pub key: String,
    /// What it does: one of [`key_actions`]; nothing takes its meaning away.
    pub action: Option<String>,
}

/// Puts the user's keys in force. To be called before anything asks for a key.
pub fn bind_keys(bindings: &[KeyBinding]) {
    if !bindings.is_empty() {
        // A second call changes nothing.
        let _ = KEYMAP.set(SHIPPED.clone().with(bindings));
    }
}

/// Reads the table.
pub(super) fn warm_up() {
    LazyLock::force(&SHIPPED);
}

/// The places in which keys are pressed.
pub fn key_contexts() -> Vec<String> {
    SHIPPED.keys.keys().map(name_of).collect()
}

/// All that keys can do.
pub fn key_actions() -> Vec<String> {
    let actions: BTreeSet<&Action> = SHIPPED.keys.values().flat_map(BTreeMap::keys).collect();
    actions.into_iter().map(name_of).collect()
}

/// Keys that are no character.
pub const KEY_NAMES: [&str; 17] = [
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "space",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
    "backspace",
    "delete",
    "insert",
    "f1",
];

/// Why this is no key that can be given a meaning there, for people; nothing if it is one.
pub fn key_problem(context: &str, key: &str) -> Option<String> {
    let Some(key) = Key::parse(key) else { return Some("no such key".into()) };
    if key.ctrl && key.code == KeyCode::Char('c') {
        return Some("Ctrl-C is reserved for quitting".into());
    }
    let is_text =
        matches!(context, "prompt" | "service_filter" | "watcher_find" | "tasks_find" | "help" | "palette" | "typing");
    (is_text && key.plain_char().is_some())
        .then(|| "text is typed here: add ctrl or alt, or use a key that types no text".into())
}

fn named<T: for<'de> Deserialize<'de>>(name: &str) -> Option<T> {
    T::deserialize(de::value::StrDeserializer::<de::value::Error>::new(name)).ok()
}

/// A key as the table writes it: `r`, `R`, `enter`, `shift-tab`, `ctrl-u`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

impl Key {
    /// The digit of a digit key.
    pub(super) fn digit(self) -> Option<u32> {
        self.plain_char()?.to_digit(10)
    }

    /// Ctrl-J.
    pub(super) fn is_line_feed(self) -> bool {
        self.code == KeyCode::Char('j') && self.ctrl && !self.alt
    }

    /// The character of a key without Ctrl and Alt.
    pub(super) fn plain_char(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// As a hint shows it.
    fn show(self, glyphs: GlyphSet) -> String {
        let unicode = glyphs == GlyphSet::Unicode;
        let name = match self.code {
            KeyCode::Char(' ') => "Space".into(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Enter if unicode => "⏎".into(),
            KeyCode::Up if unicode => "↑".into(),
            KeyCode::Down if unicode => "↓".into(),
            KeyCode::Left if unicode => "←".into(),
            KeyCode::Right if unicode => "→".into(),
            KeyCode::Up => "Up ".into(),
            KeyCode::Left => "Left ".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::F(n) => format!("F{n}"),
            code => format!("{code:?}"),
        };
        format!("{}{}{name}", if self.ctrl { "Ctrl-" } else { "" }, if self.alt { "Alt-" } else { "" })
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL) && event.code != KeyCode::Enter,
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("unknown key `{text}`")))
    }
}

impl Key {
    const ENTER: Self = Self { code: KeyCode::Enter, ctrl: false, alt: false };

    /// A key as the table writes it.
    fn parse(text: &str) -> Option<Self> {
        let (mut ctrl, mut alt, mut rest) = (false, false, text);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            // With Ctrl there is no difference, and terminals tell the small letter.
            (Some(c), None) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            (Some(c), None) if !c.is_control() && c != ' ' => KeyCode::Char(c),
            _ => match rest {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "shift-tab" => KeyCode::BackTab,
                "space" => KeyCode::Char(' '),
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "pageup" => KeyCode::PageUp,
                "pagedown" => KeyCode::PageDown,
                "backspace" => KeyCode::Backspace,
                "delete" => KeyCode::Delete,
                "insert" => KeyCode::Insert,
                _ => {
                    let number = rest.strip_prefix('f')?.parse().ok()?;
                    (1..=12).contains(&number).then_some(KeyCode::F(number))?
                }
            },
        };
        Some(Self { code, ctrl, alt })
    }
}

/// The footer of one context in three lengths.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Footer {
    wide: String,
    short: String,
    tiny: String,
}

/// The length of a footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FooterLength {
    /// From 100 columns.
    Wide,
    /// From 60 columns.
    Short,
    /// Narrower than that.
    Tiny,
}

/// The states of the dashboard that have hints of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FooterKind {
    /// No panel is open.
    Normal,
    /// The same, and the selected service has failed …
    Failed,
    /// … or is stopped …
    Stopped,
    /// … or it is a worker that runs …
    Worker,
    /// … or it is one of several that share a row.
    Folded,
    /// The dashboard while changes are held.
    Paused,
    /// A search was kept: there, in the whole screen, or in the lines of all services.
    Found,
    /// One pane on the whole screen.
    Zoom,
    /// The lines of all services.
    Merged,
    /// Lines are being selected by keys.
    Select,
    /// The watcher panel.
    Watcher,
    /// A text to look for in the watcher panel is being typed.
    WatcherFind,
    /// The table of tasks.
    Tasks,
    /// A text to look for among the tasks is being typed.
    TasksFind,
    /// One task and its output.
    Task,
    /// The help overlay.
    Help,
    /// A text that services are filtered by is being typed.
    ServiceFilter,
    /// A search is being typed.
    Prompt,
    /// A filter is being typed.
    FilterPrompt,
    /// Details of a service.
    Details,
    /// The menu of restarts.
    Menu,
    /// The command palette is open.
    Palette,
    /// devgroup's own log …
    Log,
    /// … with the list of its targets.
    LogTargets,
    /// The group is being stopped.
    Stopping,
}

/// A row of the help overlay as the table has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HelpTemplate {
    group: String,
    keys: String,
    text: String,
    /// Where the keys are looked up; the dashboard otherwise.
    context: Option<Context>,
}

/// A row of the help overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HelpRow {
    /// The heading that it stands under.
    pub(super) group: String,
    /// The keys, as the help shows them.
    pub(super) keys: String,
    /// What they do.
    pub(super) text: String,
}

/// The key table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keymap {
    keys: BTreeMap<Context, BTreeMap<Action, Vec<Key>>>,
    /// Keys whose meaning the user has taken away.
    #[serde(skip)]
    unbound: Vec<(Context, Key)>,
    footer: BTreeMap<FooterKind, Footer>,
    about: BTreeMap<Action, String>,
    help: Vec<HelpTemplate>,
}

impl Keymap {
    /// The table of this program.
    pub(super) fn get() -> &'static Self {
        KEYMAP.get().unwrap_or_else(|| &*SHIPPED)
    }

    /// With the keys of the user, which are shown before others.
    fn with(mut self, bindings: &[KeyBinding]) -> Self {
        for binding in bindings {
            let (Some(context), Some(key)) = (named::<Context>(&binding.context), Key::parse(&binding.key)) else {
                continue;
            };
            let here = self.keys.entry(context).or_default();
            here.values_mut().for_each(|keys| keys.retain(|other| *other != key));
            match binding.action.as_deref().and_then(named::<Action>) {
                Some(action) => here.entry(action).or_default().insert(0, key),
                None => self.unbound.push((context, key)),
            }
        }
        self
    }

    /// What the key means there. A line feed, which is Ctrl-J, is Enter unless it is bound: some terminals, and programs
    /// that type, send it for Enter.
    pub(super) fn action(&self, context: Context, key: Key) -> Option<Action> {
        let is_enter = key.is_line_feed() && !self.unbound.contains(&(context, key));
        self.bound(context, key).or_else(|| if is_enter { self.bound(context, Key::ENTER) } else { None })
    }

    fn bound(&self, context: Context, key: Key) -> Option<Action> {
        let there = |context| {
            let bound = self.keys.get(&context)?;
            bound.iter().find(|(_, keys)| keys.contains(&key)).map(|(action, _)| *action)
        };
        let falls_back = context.falls_back() && !self.unbound.contains(&(context, key));
        there(context).or_else(|| if falls_back { there(Context::Normal) } else { None })
    }

    /// The first key of an action there, as a hint shows it.
    pub(super) fn key_name(&self, context: Context, action: Action, glyphs: GlyphSet) -> String {
        self.keys(context, action).first().map(|key| key.show(glyphs)).unwrap_or_default()
    }

    /// The keys of an action there.
    fn keys(&self, context: Context, action: Action) -> &[Key] {
        let there = |context| self.keys.get(&context)?.get(&action).map(Vec::as_slice).filter(|keys| !keys.is_empty());
        there(context).or_else(|| if context.falls_back() { there(Context::Normal) } else { None }).unwrap_or_default()
    }

    /// What can be done there, by key or without; those of the menu of restarts among it. In the order of the actions.
    pub(super) fn actions(&self, context: Context) -> BTreeSet<Action> {
        let of = |context| self.keys.get(&context).into_iter().flat_map(BTreeMap::keys).copied();
        let mut actions: BTreeSet<Action> = of(context).collect();
        if context.falls_back() {
            actions.extend(of(Context::Normal));
        }
        if actions.contains(&Action::RestartMenu) {
            actions.extend(of(Context::Menu).filter(|action| action.is_of_menu()));
        }
        // Each service is there by its name, and the palette is open.
        actions.retain(|action| !matches!(action, Action::ServiceNumber | Action::Palette));
        actions
    }

    /// What an action does, in a few words.
    pub(super) fn about(&self, action: Action) -> &str {
        self.about.get(&action).map_or("", String::as_str)
    }

    /// The hints of a footer. Items are separated by two spaces; those without a key are left out, and those whose action
    /// has no use now. `resumes`: what the end of a pause does.
    pub(super) fn footer(
        &self,
        kind: FooterKind,
        length: FooterLength,
        (resumes, is_of_use): (&str, &dyn Fn(Action) -> bool),
        glyphs: GlyphSet,
    ) -> String {
        let Some(footer) = self.footer.get(&kind) else { return String::new() };
        let template = match length {
            FooterLength::Wide => &footer.wide,
            FooterLength::Short => &footer.short,
            FooterLength::Tiny => &footer.tiny,
        };
        let items =
            template.split("  ").filter_map(|item| self.fill(item, kind.context(), (resumes, is_of_use), glyphs));
        items.collect::<Vec<_>>().join("  ")
    }

    /// The rows of the help overlay.
    pub(super) fn help(&self, glyphs: GlyphSet) -> Vec<HelpRow> {
        let row = |template: &HelpTemplate| {
            let context = template.context.unwrap_or(Context::Normal);
            HelpRow {
                group: template.group.clone(),
                keys: self.fill(&template.keys, context, ("", &|_| true), glyphs).unwrap_or_else(|| "no key".into()),
                text: self.fill(&template.text, context, ("", &|_| true), glyphs).unwrap_or_default(),
            }
        };
        self.help.iter().map(row).collect()
    }

    /// Puts keys into a template. Nothing if it speaks of keys, and there are none, or none of use.
    fn fill(
        &self,
        template: &str,
        context: Context,
        (resumes, is_of_use): (&str, &dyn Fn(Action) -> bool),
        glyphs: GlyphSet,
    ) -> Option<String> {
        let mut text = String::with_capacity(template.len());
        let (mut wanted, mut found) = (false, false);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else { break };
            rest = after;
            if name == "resumes" {
                text.push_str(resumes);
            } else if let Some((elsewhere, action, place)) = parse_reference(name) {
                wanted = true;
                let keys = self.keys(elsewhere.unwrap_or(context), action);
                if !is_of_use(action) {
                    // With the space that parts it from the key before.
                    text.truncate(text.trim_end().len());
                } else if let Some(key) = keys.get(place).or(keys.last()) {
                    found = true;
                    text.push_str(&key.show(glyphs));
                }
            }
        }
        text.push_str(rest);
        (found || !wanted).then_some(text)
    }
}

impl FooterKind {
    fn context(self) -> Context {
        match self {
            Self::Normal | Self::Failed | Self::Stopped | Self::Worker | Self::Folded | Self::Paused | Self::Found => {
                Context::Normal
            }
            Self::Zoom => Context::Zoom,
            Self::Merged => Context::Merged,
            Self::Select => Context::Select,
            Self::Watcher => Context::Watcher,
            Self::ServiceFilter => Context::ServiceFilter,
            Self::WatcherFind => Context::WatcherFind,
            Self::Tasks => Context::Tasks,
            Self::TasksFind => Context::TasksFind,
            Self::Task => Context::Task,
            Self::Help => Context::Help,
            Self::Prompt | Self::FilterPrompt => Context::Prompt,
            Self::Details => Context::Details,
            Self::Menu => Context::Menu,
            Self::Palette => Context::Palette,
            Self::Log | Self::LogTargets => Context::Log,
            Self::Stopping => Context::Stopping,
        }
    }
}

/// `restart`, `zoom.2` or `normal.next_hit`: an action, which of its keys, from 0, and where, if not here.
fn parse_reference(name: &str) -> Option<(Option<Context>, Action, usize)> {
    let elsewhere = name.split_once('.').filter(|(_, rest)| rest.parse::<usize>().is_err());
    let (context, name) = match elsewhere {
        Some((context, rest)) => (Some(named(context)?), rest),
        None => (None, name),
    };
    let (name, place) = match name.split_once('.') {
        Some((name, place)) => (name, place.parse::<usize>().ok()?.checked_sub(1)?),
        None => (name, 0),
    };
    Some((context, named(name)?, place))
}

/// The keys as plain text, for `devgroup help keys`.
pub fn key_table_text() -> String {
    let mut text = String::new();
    write_table(&mut text, |out, heading, rows, width| {
        writeln!(out, "{heading}")?;
        for row in rows {
            writeln!(out, "  {:width$}  {}", row.keys.trim(), row.text)?;
        }
        writeln!(out)
    });
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The keys as a Markdown table, for the guide.
pub fn key_table_markdown() -> String {
    let mut text = String::from("| key | what it does |\n|---|---|\n");
    write_table(&mut text, |out, heading, rows, _| {
        writeln!(out, "| | **{}** |", heading.to_lowercase())?;
        for row in rows {
            writeln!(out, "| `{}` | {} |", row.keys.trim(), row.text)?;
        }
        Ok(())
    });
    text
}

fn write_table(out: &mut String, write: impl Fn(&mut dyn fmt::Write, &str, &[HelpRow], usize) -> fmt::Result) {
    let rows = Keymap::get().help(GlyphSet::Unicode);
    let width = rows.iter().map(|row| row.keys.trim().chars().count()).max().unwrap_or(0);
    for section in rows.chunk_by(|a, b| a.group == b.group) {
        if let Some(first) = section.first() {
            // Writing into a String cannot fail.
            let _ = write(out, &first.group, section, width);
        }
    }
}

#[cfg(test)]
mod tests;
