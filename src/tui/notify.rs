//! Telling one who looks elsewhere that a service has failed: once for each, until the window has the focus again.

use std::collections::BTreeSet;

use crate::display::Notification;
use crate::domain::{GroupSnapshot, ServiceName, visible};

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    /// Those that had failed when it was looked last.
    failed: BTreeSet<ServiceName>,
    /// Those that were told since the window has lost the focus.
    told: BTreeSet<ServiceName>,
}

impl Notifier {
    /// What the terminal is to be sent for what is new. `focused`: somebody looks.
    pub(super) fn news(&mut self, group: &GroupSnapshot, focused: bool, by: Notification) -> Option<String> {
        let failed = group.services.iter().filter_map(|service| Some((service.name.clone(), service.failure()?)));
        let failed: Vec<_> = failed.collect();
        let names: BTreeSet<ServiceName> = failed.iter().map(|(name, _)| name.clone()).collect();
        let before = std::mem::replace(&mut self.failed, names);
        if focused {
            self.told.clear();
        }
        if focused || group.stopping.is_some() || by == Notification::Off {
            return None;
        }
        let new = failed.into_iter().filter(|(name, _)| !before.contains(name) && self.told.insert(name.clone()));
        let new: Vec<String> =
            new.map(|(name, failure)| format!("{name} {}", in_words(&failure.to_string()))).collect();
        if new.is_empty() {
            return None;
        }
        Some(sequence(by, &group.name, &new.join(", ")))
    }
}

/// `exit 1` is what has become of it, not what it has done.
fn in_words(failure: &str) -> String {
    if failure.contains("fail") { failure.to_owned() } else { format!("failed: {failure}") }
}

fn sequence(by: Notification, title: &str, text: &str) -> String {
    // A control character would end the sequence, and a semicolon the title.
    let plain = |text: &str| visible(text).replace(';', ",");
    let (title, text) = (plain(title), plain(text));
    match by {
        Notification::Osc9 => format!("\x1b]9;{title}: {text}\x07"),
        Notification::Osc777 => format!("\x1b]777;notify;{title};{text}\x07"),
        Notification::Bell => "\x07".into(),
        Notification::Off => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::tui::fixture::shop;

    #[test]
    fn each_failure_is_told_once_while_nobody_looks() {
        let mut notifier = Notifier::default();
        let failed = shop();
        let mut well = shop();
        well.services.iter_mut().for_each(|service| service.phase = Phase::Down);
        let mut news = |group: &GroupSnapshot, focused| notifier.news(group, focused, Notification::Osc9);
        assert_eq!(news(&well, false), None);
        let told = news(&failed, false);
        assert!(told.as_deref().is_some_and(|told| told.starts_with("\x1b]9;shop: worker ")), "{told:?}");
        assert_eq!(news(&failed, false), None);
        assert_eq!(news(&well, false), None);
        assert_eq!(news(&failed, false), None, "again and again is once");
        assert_eq!(news(&well, true), None);
        assert_eq!(news(&failed, true), None, "who looks sees it");
        assert_eq!(news(&failed, false), None, "and has seen it");
        assert_eq!(news(&well, false), None);
        assert!(news(&failed, false).is_some());
    }

    #[test]
    fn what_a_terminal_is_sent_cannot_be_ended_by_a_name() {
        assert_eq!(sequence(Notification::Osc777, "a;b\x07", "c\x1b]d"), "\x1b]777;notify;a,b\\u{7};c\\u{1b}]d\x07");
        assert_eq!(sequence(Notification::Bell, "a", "b"), "\x07");
    }
}
