//! The key table keeps its promises.

use std::collections::BTreeSet;

use super::*;

fn table() -> Keymap {
    toml::from_str(DEFAULT).expect("the table can be read")
}

/// Where an action is meant although only the text of a help row tells of it.
const TOLD_IN_TEXT: [Action; 4] = [Action::PreviousPane, Action::LineUp, Action::LineDown, Action::Back];

#[test]
fn every_action_has_a_key_without_ctrl_and_alt() {
    let table = table();
    for (context, actions) in &table.keys {
        // While typing, a key without Ctrl or Alt is text.
        for (action, keys) in actions.iter().filter(|_| *context != Context::Typing) {
            let plain = keys.iter().any(|key| !key.ctrl && !key.alt);
            assert!(plain, "{action:?} in {context:?} needs Ctrl or Alt");
        }
    }
}

#[test]
fn no_key_means_two_things_in_one_place() {
    for (context, actions) in &table().keys {
        let mut seen: Vec<Key> = Vec::new();
        for key in actions.values().flatten() {
            assert!(!seen.contains(key), "{key:?} twice in {context:?}");
            seen.push(*key);
        }
    }
}

#[test]
fn every_reference_of_footer_and_help_has_a_key() {
    let table = table();
    let check = |template: &str, context| {
        for part in template.split('{').skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            if name == "resumes" {
                continue;
            }
            let (elsewhere, action, place) =
                parse_reference(name).unwrap_or_else(|| panic!("no action is called {name}"));
            assert!(
                table.keys(elsewhere.unwrap_or(context), action).get(place).is_some(),
                "{name} has no key in {context:?}"
            );
        }
    };
    for (kind, footer) in &table.footer {
        for template in [&footer.wide, &footer.short, &footer.tiny] {
            check(template, kind.context());
        }
    }
    for row in &table.help {
        check(&row.keys, row.context.unwrap_or(Context::Normal));
    }
}

#[test]
fn the_help_tells_of_every_action() {
    let table = table();
    let mut told: BTreeSet<Action> = TOLD_IN_TEXT.into();
    for row in &table.help {
        let names = row.keys.split('{').skip(1).filter_map(|part| part.split('}').next());
        told.extend(names.filter_map(parse_reference).map(|(_, action, _)| action));
    }
    // The menu shows its own keys, and the footer of the own log those of its list.
    for context in [Context::Normal, Context::Zoom, Context::Watcher] {
        for action in table.keys[&context].keys() {
            assert!(told.contains(action), "{action:?} of {context:?} is not in the help");
        }
    }
    let footers = [FooterKind::Log, FooterKind::LogTargets].map(|kind| table.footer[&kind].wide.clone()).join(" ");
    for action in table.keys[&Context::Log].keys().filter(|action| **action != Action::Redraw) {
        assert!(footers.contains(&format!("{{{}", action.name())), "{action:?} is in no footer of the own log");
    }
}

#[test]
fn the_contract_of_the_keys() {
    let table = table();
    let key = |text: &str| Key::deserialize(de::value::StrDeserializer::<de::value::Error>::new(text)).expect("a key");
    let cases = [
        (Context::Normal, "q", Some(Action::Quit)),
        (Context::Normal, "esc", Some(Action::Back)),
        (Context::Zoom, "q", Some(Action::Back)),
        (Context::Zoom, "k", Some(Action::LineUp)),
        (Context::Zoom, "r", Some(Action::Restart)),
        (Context::Watcher, "x", Some(Action::Ignored)),
        (Context::Watcher, "q", Some(Action::Back)),
        (Context::Log, "q", Some(Action::Back)),
        (Context::Log, "h", Some(Action::LogHide)),
        (Context::Stopping, "Q", Some(Action::QuitNow)),
        (Context::Stopping, "r", None),
        (Context::Normal, "shift-tab", Some(Action::PreviousPane)),
        (Context::Normal, "ctrl-u", Some(Action::PageUp)),
    ];
    for (context, text, action) in cases {
        assert_eq!(table.action(context, key(text)), action, "{text} in {context:?}");
    }
    for context in [Context::Zoom, Context::Watcher, Context::Help, Context::Details, Context::Menu, Context::Log] {
        assert_ne!(table.action(context, key("q")), Some(Action::Quit), "q quits in {context:?}");
        assert_eq!(table.action(context, key("esc")), Some(Action::Back));
    }
}

#[test]
fn the_table_as_text_and_as_markdown() {
    let text = key_table_text();
    assert!(text.contains("  s / x / X  start / stop / kill"), "{text}");
    assert!(text.starts_with("SERVICES\n"));
    assert!(text.lines().all(|line| line.trim_end() == line));
    let markdown = key_table_markdown();
    assert!(markdown.contains("| `r` | restart |"), "{markdown}");
    assert!(markdown.lines().all(|line| line.starts_with('|') && line.ends_with('|')));
}

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

fn bind(context: &str, key: &str, action: Option<&str>) -> KeyBinding {
    KeyBinding { context: context.into(), key: key.into(), action: action.map(Into::into) }
}

#[test]
fn the_user_s_keys_come_first_and_take_from_others() {
    let table = table().with(&[
        bind("normal", "ctrl-R", Some("restart")),
        bind("normal", "x", Some("details")),
        bind("normal", "r", None),
        bind("zoom", "p", None),
        bind("zoom", "f2", Some("wrap")),
    ]);
    let action = |context, text: &str| table.action(context, key(text));
    assert_eq!(action(Context::Normal, "ctrl-r"), Some(Action::Restart));
    assert_eq!(action(Context::Normal, "r"), None);
    assert_eq!(action(Context::Normal, "x"), Some(Action::Details));
    assert_eq!(action(Context::Normal, "d"), Some(Action::Details), "as before");
    assert_eq!((action(Context::Normal, "p"), action(Context::Zoom, "p")), (Some(Action::Pause), None));
    assert_eq!((action(Context::Zoom, "f2"), action(Context::Zoom, "w")), (Some(Action::Wrap), Some(Action::Wrap)));
    assert_eq!(action(Context::Zoom, "x"), Some(Action::Details), "what the dashboard means");
    assert_eq!(table.key_name(Context::Normal, Action::Restart, GlyphSet::Unicode), "Ctrl-r");
    let rows = table.help(GlyphSet::Unicode);
    let keys = |text: &str| rows.iter().find(|row| row.text == text).map(|row| row.keys.as_str());
    assert_eq!(keys("restart"), Some("Ctrl-r"));
    assert_eq!(keys("start / stop / kill").or(keys("start / stop / kill ")), Some("s /  / X"), "it has lost its key");
    let footer = table.footer(FooterKind::Normal, FooterLength::Short, ("", &|_| true), GlyphSet::Unicode);
    assert!(footer.starts_with("Ctrl-r restart  e error  c copy  v open  o open url  / search  "), "{footer}");
}

#[test]
fn a_line_feed_is_enter_unless_it_is_bound() {
    let action = |table: &Keymap| table.action(Context::Normal, key("ctrl-j"));
    let enter = table().action(Context::Normal, key("enter"));
    assert!(enter.is_some());
    assert_eq!(action(&table()), enter);
    assert_eq!(action(&table().with(&[bind("normal", "ctrl-j", Some("details"))])), Some(Action::Details));
    assert_eq!(action(&table().with(&[bind("normal", "ctrl-j", None)])), None);
}

#[test]
fn hints_of_what_has_no_key_are_left_out() {
    let table = table().with(&[bind("normal", "r", None), bind("normal", "d", None)]);
    let footer = table.footer(FooterKind::Normal, FooterLength::Short, ("", &|_| true), GlyphSet::Unicode);
    assert!(footer.starts_with("e error  c copy  v open  o open url  / search  "), "{footer}");
    let details = table.help(GlyphSet::Unicode).into_iter().find(|row| row.text.starts_with("details"));
    assert_eq!(details.map(|row| row.keys).as_deref(), Some("no key"));
}

#[test]
fn names_of_actions_places_and_keys_are_those_that_are_read() {
    assert!(key_actions().iter().all(|name| named::<Action>(name).is_some()), "{:?}", key_actions());
    assert!(key_actions().contains(&"restart_menu".to_owned()));
    assert!(key_contexts().iter().all(|name| named::<Context>(name).is_some()), "{:?}", key_contexts());
    assert!(KEY_NAMES.iter().all(|name| Key::parse(name).is_some()));
    for good in ["r", "R", "?", "f12", "ctrl-x", "alt-enter", "ctrl-alt-x", "ä"] {
        assert_eq!(key_problem("normal", good), None, "{good}");
    }
    for bad in ["", "rr", "f13", "f0", "ctrl-", "ctrl-c", "hyper-x", "\u{7}", " "] {
        assert!(key_problem("normal", bad).is_some(), "{bad}");
    }
    assert!(key_problem("prompt", "a").is_some_and(|problem| problem.contains("text is typed here")));
    assert_eq!(key_problem("prompt", "ctrl-a"), None);
}
