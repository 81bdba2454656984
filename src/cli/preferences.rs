//! The user's own file, brought to the dashboard: keys, colours, glyphs, mouse, notifications.

use std::path::PathBuf;

use super::style;
use crate::config::{self, Diagnostics, KeyWords, NotificationChoice, Preferences, ThemeChoice};
use crate::tui::{self, DashboardOptions, GlyphSet, Ground, KeyBinding, Notification};

/// How the dashboard draws and what its keys mean, by the environment and the user's file; and what is wrong with that.
/// The keys are in force from here on.
pub(super) fn apply() -> (DashboardOptions, Option<Diagnostics>) {
    let mut options = DashboardOptions::from_environment();
    let Some(file) = config::preferences_file(|name| std::env::var_os(name).map(PathBuf::from)) else {
        return (options, None);
    };
    let (contexts, actions) = (tui::key_contexts(), tui::key_actions());
    let words = KeyWords {
        contexts: &contexts.iter().map(String::as_str).collect::<Vec<_>>(),
        actions: &actions.iter().map(String::as_str).collect::<Vec<_>>(),
        keys: &tui::KEY_NAMES,
        problem: &tui::key_problem,
    };
    let (preferences, problems) = config::load_preferences(&file, &words);
    prefer(&mut options, &preferences);
    let bindings = preferences.keys.into_iter();
    let bindings: Vec<_> =
        bindings.map(|config::Binding { context, key, action }| KeyBinding { context, key, action }).collect();
    tui::bind_keys(&bindings);
    (options, (!problems.is_empty()).then_some(problems))
}

fn prefer(options: &mut DashboardOptions, preferences: &Preferences) {
    match preferences.theme {
        ThemeChoice::Auto => {}
        ThemeChoice::Dark => options.ground = Ground::Dark,
        ThemeChoice::Light => options.ground = Ground::Light,
        ThemeChoice::Mono => options.color = false,
    }
    if let Some(ascii) = preferences.ascii {
        options.glyphs = if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode };
    }
    options.mouse = preferences.mouse.unwrap_or(options.mouse);
    options.confirm_quit = preferences.confirm_quit;
    match preferences.notifications {
        NotificationChoice::Auto => {}
        NotificationChoice::Osc9 => options.notification = Notification::Osc9,
        NotificationChoice::Osc777 => options.notification = Notification::Osc777,
        NotificationChoice::Bell => options.notification = Notification::Bell,
        NotificationChoice::Off => options.notification = Notification::Off,
    }
}

/// For a command that only shows the keys: they are in force, and what is wrong is said.
pub(super) fn apply_and_say() {
    if let (_, Some(problems)) = apply() {
        super::say(problems.render(style()).trim_end());
    }
}
