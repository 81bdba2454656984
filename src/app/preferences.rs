//! The user's own file, brought to the dashboard: keys, colours, glyphs, layout, mouse, notifications; and what it says of
//! alerts.

use std::path::PathBuf;

use super::alerts::UserAlerts;
use crate::config::{self, Diagnostics, KeyWords, LayoutChoice, NotificationChoice, Preferences, ThemeChoice};
use crate::display::{DisplaySupport, GlyphSet, Ground, Notification};
use crate::tui::{self, Arrangement, DashboardOptions, KeyBinding, Preferred};

/// How the dashboard draws and what its keys mean, by the environment and the user's file, and what is wrong with that. It is
/// in force from here on, also for terminals that attach.
pub fn apply_preferences() -> (DashboardOptions, Option<Diagnostics>) {
    let options = DashboardOptions::new(DisplaySupport::from_environment());
    let Some((preferences, problems)) = load() else { return (options.preferred(), None) };
    preferred(&preferences).put_in_force();
    let bindings = preferences.keys.into_iter();
    let bindings: Vec<_> =
        bindings.map(|config::Binding { context, key, action }| KeyBinding { context, key, action }).collect();
    tui::bind_keys(&bindings);
    (options.preferred(), (!problems.is_empty()).then_some(problems))
}

/// What the user's file says of alerts, and what is wrong with the file.
pub fn alerts_of_user() -> (UserAlerts, Option<Diagnostics>) {
    let Some((preferences, problems)) = load() else { return (UserAlerts::default(), None) };
    (user_alerts(&preferences), (!problems.is_empty()).then_some(problems))
}

fn user_alerts(preferences: &Preferences) -> UserAlerts {
    let desktop = preferences.notifications == NotificationChoice::Desktop;
    UserAlerts { keys: preferences.alerts.clone(), desktop }
}

/// The user's file, if there is one. The words of keys are read for it alone.
fn load() -> Option<(Preferences, Diagnostics)> {
    let file = config::preferences_file(|name| std::env::var_os(name).map(PathBuf::from))?;
    if matches!(file.try_exists(), Ok(false)) {
        return None;
    }
    let (contexts, actions) = (tui::key_contexts(), tui::key_actions());
    let words = KeyWords {
        contexts: &contexts.iter().map(String::as_str).collect::<Vec<_>>(),
        actions: &actions.iter().map(String::as_str).collect::<Vec<_>>(),
        keys: &tui::KEY_NAMES,
        problem: &tui::key_problem,
    };
    Some(config::load_preferences(&file, &words))
}

fn preferred(preferences: &Preferences) -> Preferred {
    Preferred {
        ground: match preferences.theme {
            ThemeChoice::Auto | ThemeChoice::Mono => None,
            ThemeChoice::Dark => Some(Ground::Dark),
            ThemeChoice::Light => Some(Ground::Light),
        },
        color: (preferences.theme == ThemeChoice::Mono).then_some(false),
        glyphs: preferences.ascii.map(|ascii| if ascii { GlyphSet::Ascii } else { GlyphSet::Unicode }),
        mouse: preferences.mouse,
        confirm_quit: preferences.confirm_quit,
        notification: match preferences.notifications {
            NotificationChoice::Auto => None,
            NotificationChoice::Osc9 => Some(Notification::Osc9),
            NotificationChoice::Osc777 => Some(Notification::Osc777),
            NotificationChoice::Bell => Some(Notification::Bell),
            // The group tells it, whoever looks.
            NotificationChoice::Desktop | NotificationChoice::Off => Some(Notification::Off),
        },
        layout: match preferences.layout {
            LayoutChoice::Auto => Arrangement::Auto,
            LayoutChoice::Grid => Arrangement::Grid,
            LayoutChoice::Focus => Arrangement::Focus,
            LayoutChoice::Single => Arrangement::Single,
        },
    }
}
