//! The user's own file, `$XDG_CONFIG_HOME/devgroup/config.toml`: keys, colours, glyphs, layout, mouse, notifications, alerts,
//! trust.
//!
//! What is wrong with it never keeps a group from running: it is said, and what is wrong is as if it were not there.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::alerts;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::keys::PREFERENCES;
use super::load;
use super::near::{any_of, near};
use super::problems::{Fields, Problems, Slot, Value, entries, shown};
use super::syntax;
use super::trust::{Owners, trusted_folder};
use crate::domain::AlertKeys;

/// What the user prefers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `theme`: which colours the dashboard uses.
    pub theme: ThemeChoice,
    /// Characters; what the terminal is known to show if nothing is said.
    pub ascii: Option<bool>,
    /// `layout`: how the panes are laid out at first.
    pub layout: LayoutChoice,
    /// Whether wheel and click go to the dashboard.
    pub mouse: Option<bool>,
    /// Ask before all services are stopped.
    pub confirm_quit: bool,
    /// How it is told that a service has failed while the window has not the focus.
    pub notifications: NotificationChoice,
    /// `[alerts]`: what counts before that of the project.
    pub alerts: AlertKeys,
    /// Other keys than those of the table, in the order of the file.
    pub keys: Vec<Binding>,
}

/// The values of `theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    /// By what the terminal says of itself.
    #[default]
    Auto,
    /// For a dark background.
    Dark,
    /// For a light one.
    Light,
    /// `mono`: no colours, only bold, dim and reverse.
    Mono,
}

/// The values of `layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayoutChoice {
    /// By the size of the terminal.
    #[default]
    Auto,
    /// All logs, each with the same room.
    Grid,
    /// The selected log, and smaller ones below it.
    Focus,
    /// The selected log.
    Single,
}

/// How something is told to one who looks elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotificationChoice {
    /// As the terminal understands it; the bell otherwise.
    #[default]
    Auto,
    /// By `OSC 9`, as iTerm2 and many others.
    Osc9,
    /// By `OSC 777`, as rxvt-unicode and foot.
    Osc777,
    /// `bell`: BEL, U+0007.
    Bell,
    /// `desktop`: by the desktop, for all that is an alert.
    Desktop,
    /// Not at all.
    Off,
}

/// One key of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The part of the dashboard in which the key counts.
    pub context: String,
    /// The key, as the file writes it.
    pub key: String,
    /// What it does; nothing takes its meaning away.
    pub action: Option<String>,
}

/// What can stand in `[keys]`, which only the dashboard knows.
pub struct KeyWords<'a> {
    /// The places in which keys are pressed.
    pub contexts: &'a [&'a str],
    /// What they can do.
    pub actions: &'a [&'a str],
    /// Names of keys, for those who mistype.
    pub keys: &'a [&'a str],
    /// Why this is no key there, for people; nothing if it is one.
    pub problem: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// Where the file is, if there is a home: it need not exist.
pub fn preferences_file(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let home = || variable("HOME").map(|home| home.join(".config"));
    let folder = variable("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute()).or_else(home)?;
    Some(folder.join("devgroup/config.toml"))
}

/// Reads the file; one that is not there says nothing. All that is wrong with it comes with it.
pub fn load_preferences(file: &Path, words: &KeyWords<'_>) -> (Preferences, Diagnostics) {
    if matches!(file.try_exists(), Ok(false)) {
        return (Preferences::default(), Diagnostics::new(file.to_owned(), "", Vec::new()));
    }
    match load::read(file, Owners::Any) {
        Ok(text) => parse_preferences(&text, file, words),
        Err(diagnostics) => (Preferences::default(), diagnostics),
    }
}

/// Reads a text as if it stood in `file`.
pub(super) fn parse_preferences(text: &str, file: &Path, words: &KeyWords<'_>) -> (Preferences, Diagnostics) {
    let (tree, syntax_problems) = syntax::tree(text);
    let mut problems = Problems::default();
    let preferences = read(&tree, (words, file.parent().unwrap_or(Path::new("/"))), &mut problems);
    problems.items.extend(syntax_problems);
    (preferences, Diagnostics::new(file.to_owned(), text, problems.items))
}

/// `folder`: that of the file.
fn read(root: &DeTable<'_>, (words, folder): (&KeyWords<'_>, &Path), problems: &mut Problems) -> Preferences {
    let fields = Fields::open(&PREFERENCES, root, "the preferences", problems);
    let themes = [
        ("auto", ThemeChoice::Auto),
        ("dark", ThemeChoice::Dark),
        ("light", ThemeChoice::Light),
        ("mono", ThemeChoice::Mono),
    ];
    let glyphs = [("auto", None), ("unicode", Some(false)), ("ascii", Some(true))];
    let layouts = [
        ("auto", LayoutChoice::Auto),
        ("grid", LayoutChoice::Grid),
        ("focus", LayoutChoice::Focus),
        ("single", LayoutChoice::Single),
    ];
    let ways = [
        ("auto", NotificationChoice::Auto),
        ("osc9", NotificationChoice::Osc9),
        ("osc777", NotificationChoice::Osc777),
        ("bell", NotificationChoice::Bell),
        ("desktop", NotificationChoice::Desktop),
        ("off", NotificationChoice::Off),
    ];
    let theme = fields.read_value("theme", problems, |slot| slot.choice(&themes));
    let ascii = fields.read_value("glyphs", problems, |slot| slot.choice(&glyphs));
    let layout = fields.read_value("layout", problems, |slot| slot.choice(&layouts));
    let mouse = fields.read_value("mouse", problems, Slot::boolean);
    let confirm_quit = fields.read_value("confirm_quit", problems, Slot::boolean);
    let notifications = fields.read_value("notifications", problems, |slot| slot.choice(&ways));
    // What is in it is looked up when it is asked for (`trust.rs`), before all the rest.
    fields
        .read("trusted", problems, |slot, problems| slot.list(problems, |slot, problems| problems.keep(trusted(slot))));
    let alerts = fields.read("alerts", problems, |slot, problems| alerts::read(slot, folder, problems));
    let keys = fields.read("keys", problems, |slot, problems| Some(keys(slot.value, words, problems)));
    Preferences {
        theme: theme.map(Spanned::into_inner).unwrap_or_default(),
        ascii: ascii.and_then(Spanned::into_inner),
        layout: layout.map(Spanned::into_inner).unwrap_or_default(),
        mouse: mouse.map(Spanned::into_inner),
        confirm_quit: confirm_quit.is_some_and(Spanned::into_inner),
        notifications: notifications.map(Spanned::into_inner).unwrap_or_default(),
        alerts: alerts.map(|alerts| alerts.into_inner().0).unwrap_or_default(),
        keys: keys.map(Spanned::into_inner).unwrap_or_default(),
    }
}

/// A folder of `trusted`.
fn trusted(slot: Slot<'_, '_>) -> Result<PathBuf, Diagnostic> {
    let text = slot.word()?;
    // Which home it is does not matter here.
    trusted_folder(text, Some(Path::new("/"))).ok_or_else(|| {
        let problem = format!("`{}` is a relative path", shown(text));
        Diagnostic::error("trusted", problem)
            .at(slot.span(), "start the path with / or ~/")
            .help("trusted = [\"~/work\"]")
    })
}

/// `[keys.normal]` and the others.
fn keys(value: &Value<'_>, words: &KeyWords<'_>, problems: &mut Problems) -> Vec<Binding> {
    let mut bindings = Vec::new();
    let DeValue::Table(contexts) = value.get_ref() else {
        problems.add(
            Diagnostic::error("type", "`keys` must be a table of places")
                .at(value.span(), "this is not a table")
                .help(EXAMPLE),
        );
        return bindings;
    };
    for (context, value) in entries(contexts) {
        let name: &str = context.get_ref();
        if !words.contexts.contains(&name) {
            let problem = Diagnostic::error("unknown-place", format!("there is no place `{}` for keys", shown(name)));
            let label = guess(name, words.contexts, "no such place");
            problems.add(problem.at(context.span(), label).help(match value.get_ref() {
                DeValue::Table(_) => format!("places: {}", words.contexts.join(", ")),
                _ => EXAMPLE.to_owned(),
            }));
            continue;
        }
        let DeValue::Table(table) = value.get_ref() else {
            let problem = Diagnostic::error("type", format!("`keys.{name}` must be a table of keys"));
            problems.add(problem.at(value.span(), "this is not a table").help(EXAMPLE));
            continue;
        };
        for (key, value) in entries(table) {
            let read = binding(name, key.get_ref(), value, words).map_err(|problem| match problem {
                // About the key, not its value.
                Wrong::Key(problem, label) => problem.at(key.span(), label),
                Wrong::Value(problem) => problem,
            });
            bindings.extend(problems.keep(read));
        }
    }
    bindings
}

const EXAMPLE: &str = "[keys.normal]\nr = \"restart\"\n\"ctrl-r\" = \"none\"";

enum Wrong {
    Key(Box<Diagnostic>, String),
    Value(Diagnostic),
}

fn binding(context: &str, key: &str, value: &Value<'_>, words: &KeyWords<'_>) -> Result<Binding, Wrong> {
    if let Some(problem) = (words.problem)(context, key) {
        let label = guess(key, words.keys, &problem);
        let names = words.keys.join(", ");
        let problem = Diagnostic::error("unknown-key", format!("`{}` is not a key for `keys.{context}`", shown(key)));
        let help = format!("write a character or one of {names}; put ctrl- or alt- before it");
        return Err(Wrong::Key(problem.help(help).into(), label));
    }
    let DeValue::String(action) = value.get_ref() else {
        let problem = Diagnostic::error("type", format!("`{}` must be the name of an action", shown(key)));
        return Err(Wrong::Value(problem.at(value.span(), "this is not a string").help(EXAMPLE)));
    };
    if action == "none" {
        return Ok(Binding { context: context.to_owned(), key: key.to_owned(), action: None });
    }
    if !words.actions.contains(&&**action) {
        let problem = Diagnostic::error("unknown-action", format!("unknown action `{}`", shown(action)));
        let label = guess(action, words.actions, "no such action");
        let help = "`:` in the dashboard lists all actions; \"none\" unbinds a key";
        return Err(Wrong::Value(problem.at(value.span(), label).help(help)));
    }
    Ok(Binding { context: context.to_owned(), key: key.to_owned(), action: Some(action.to_string()) })
}

fn guess(word: &str, known: &[&str], otherwise: &str) -> String {
    let near = near(word, known.iter().copied());
    if near.is_empty() { otherwise.to_owned() } else { format!("did you mean {}?", any_of(&near)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RenderStyle;

    fn read(text: &str) -> (Preferences, String) {
        let words = KeyWords {
            contexts: &["normal", "zoom"],
            actions: &["restart", "restart_menu", "quit"],
            keys: &["enter", "esc", "pageup"],
            problem: &|_, key| match key {
                "r" | "enter" | "ctrl-r" => None,
                _ => Some("no such key".into()),
            },
        };
        let (preferences, diagnostics) = parse_preferences(text, Path::new("config.toml"), &words);
        (preferences, diagnostics.render(RenderStyle { color: false, unicode: true, width: 80 }))
    }

    #[test]
    fn what_is_said_counts_and_the_rest_is_as_ever() {
        assert_eq!(read(""), (Preferences::default(), String::new()));
        let text = "theme = 'light'\nglyphs = 'ascii'\nlayout = 'single'\nmouse = false\nconfirm_quit = true\nnotifications = 'bell'\ntrusted = ['/w', '~/x']\n\
                    x-note = 1\n[keys.normal]\nr = 'quit'\nctrl-r = 'none'\n[keys.zoom]\nenter = 'restart_menu'\n";
        let binding = |context: &str, key: &str, action: Option<&str>| Binding {
            context: context.into(),
            key: key.into(),
            action: action.map(Into::into),
        };
        let expected = Preferences {
            theme: ThemeChoice::Light,
            ascii: Some(true),
            layout: LayoutChoice::Single,
            mouse: Some(false),
            confirm_quit: true,
            notifications: NotificationChoice::Bell,
            alerts: AlertKeys::default(),
            keys: vec![
                binding("normal", "r", Some("quit")),
                binding("normal", "ctrl-r", None),
                binding("zoom", "enter", Some("restart_menu")),
            ],
        };
        assert_eq!(read(text), (expected, String::new()));
    }

    #[test]
    fn each_mistake_points_at_its_text_and_costs_nothing_else() {
        let text = "thme = 'light'\nglyphs = 'utf8'\nlayout = 'stack'\nmouse = 'true'\n[keys.normal]\nr = 'restrat'\npagup = 'quit'\nenter = 1\n\
                    ctrl-r = 'quit'\n[keys.noraml]\nr = 'quit'\n";
        let (preferences, said) = read(text);
        assert_eq!(preferences.keys.len(), 1, "the good one");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn nonsense_is_said_and_costs_nothing() {
        for text in [
            "theme",
            "trusted = '/w'",
            "trusted = ['w']",
            "keys = 1",
            "[keys]\nr = 'restart'",
            "keys.normal = 'vi'",
            "\u{0}",
            "[[keys]]",
        ] {
            let (preferences, said) = read(text);
            assert_eq!(preferences, Preferences::default(), "{text}");
            assert!(said.contains("error: "), "{text}");
        }
    }

    #[test]
    fn the_file_is_that_of_the_desktop_s_convention() {
        let with = |config: &'static str, home: &'static str| {
            preferences_file(move |name| match (name, config, home) {
                ("XDG_CONFIG_HOME", "", _) | ("HOME", _, "") => None,
                ("XDG_CONFIG_HOME", config, _) => Some(config.into()),
                (_, _, home) => Some(home.into()),
            })
        };
        assert_eq!(with("/c", "/h"), Some("/c/devgroup/config.toml".into()));
        assert_eq!(with("c", "/h"), Some("/h/.config/devgroup/config.toml".into()));
        assert_eq!(with("", "/h"), Some("/h/.config/devgroup/config.toml".into()));
        assert_eq!(with("", ""), None);
    }

    #[test]
    fn fuzz_of_preferences() {
        const SEEDS: [&[u8]; 4] = [
            b"theme = 'light'\nglyphs = 'ascii'\nlayout = 'single'\nmouse = false\nconfirm_quit = true\nnotifications = 'bell'\ntrusted = ['/w', '~/x']\n[keys.normal]\nr = 'quit'\nctrl-r = 'none'\n",
            b"[alerts]\nrun = 'notify-send x'\non = ['failed']\nevery = '30s'\n",
            b"theme = 1\nthme = 'dark'\ntrusted = ['x', 1]\nkeys = 7\n[keys.nrmal]\nr = 1\n",
            b"[keys]\nnormal = { x = 'quit' }\n[keys.normal]\n",
        ];
        crate::fuzz::run("preferences", 500, &SEEDS, |bytes| {
            let (preferences, said) = read(&String::from_utf8_lossy(bytes));
            (
                preferences.keys.len().min(3),
                preferences.mouse,
                said.lines().filter(|line| line.contains(": ")).count().min(6),
            )
        });
    }
}
