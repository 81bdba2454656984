//! A short message in the footer: what of it stays when there is no room for all.

use std::fmt;

use super::text::{cut_left, cut_right, width};

/// Cells of the middle that are worth more than what stands around it: the name of a file, or a file with line and column.
const LEAST: usize = 24;

/// A short message. Beginning and end stay, and the middle is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    head: String,
    middle: String,
    tail: String,
    /// The end of the middle tells most: it is a path.
    is_path: bool,
    /// What is said where there is no room for a part of the middle.
    short: String,
}

impl Message {
    /// What is said of a path.
    pub(super) fn of_path(head: impl Into<String>, path: impl Into<String>) -> Self {
        Self { head: head.into(), middle: path.into(), is_path: true, ..Self::default() }
    }

    /// The same, and what stays behind the path.
    pub(super) fn then(self, tail: impl Into<String>) -> Self {
        Self { tail: tail.into(), ..self }
    }

    /// A text, and what stays behind it however long it is.
    pub(super) fn with_tail(text: impl Into<String>, tail: impl Into<String>) -> Self {
        Self { middle: text.into(), tail: tail.into(), ..Self::default() }
    }

    /// A text, and what stays before and behind it however long it is.
    pub(super) fn between(head: impl Into<String>, text: impl Into<String>, tail: impl Into<String>) -> Self {
        Self { head: head.into(), middle: text.into(), tail: tail.into(), ..Self::default() }
    }

    /// The same, and what is said where there is no room for that.
    pub(super) fn or(self, short: impl Into<String>) -> Self {
        Self { short: short.into(), ..self }
    }

    /// What fits into so many cells.
    pub(super) fn fit(&self, cells: usize, ellipsis: &str) -> String {
        let around = width(&self.head) + width(&self.tail);
        let cut = if self.is_path { cut_left } else { cut_right };
        match cells.checked_sub(around).filter(|room| *room >= width(&self.middle).min(LEAST)) {
            Some(room) => format!("{}{}{}", self.head, cut(&self.middle, room, ellipsis), self.tail),
            None if !self.short.is_empty() => cut_right(&self.short, cells, ellipsis),
            None => cut(&self.middle, cells, ellipsis),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.head, self.middle, self.tail)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { middle: text, ..Self::default() }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_and_what_stands_around_it_stay() {
        let saved = Message::of_path("saved 70 lines: ", "~/state/devgroup/shop-93e0/saved/api-140226.log");
        assert_eq!(saved.fit(100, "…"), saved.to_string());
        assert_eq!(saved.fit(44, "…"), "saved 70 lines: …p-93e0/saved/api-140226.log");
        assert_eq!(saved.fit(36, "…"), "…roup/shop-93e0/saved/api-140226.log");
        assert_eq!(saved.fit(20, "…"), "…aved/api-140226.log");
        assert_eq!(saved.fit(0, "…"), "");
        let opened = Message::of_path("opened ", "packages/worker/src/pricing.py").then(" · go to line 2");
        assert_eq!(opened.fit(48, "…"), "opened …ges/worker/src/pricing.py · go to line 2");
    }

    #[test]
    fn the_hint_behind_a_message_stays() {
        let broken = Message::with_tail("procgroup.toml:50:9: this is not TOML: expected `=`", " · l shows all");
        assert_eq!(broken.fit(80, "…"), broken.to_string());
        assert_eq!(broken.fit(40, "…"), "procgroup.toml:50:9: this… · l shows all");
        assert_eq!(broken.fit(26, "…"), "procgroup.toml:50:9: this…");
    }

    #[test]
    fn what_is_quoted_keeps_both_of_its_marks() {
        let copied = Message::between("copied \"", "ERROR price of 17 is not a number: None", "\", 9 lines");
        assert_eq!(copied.fit(80, "…"), copied.to_string());
        assert_eq!(copied.fit(44, "…"), "copied \"ERROR price of 17 is not …\", 9 lines");
        assert_eq!(copied.clone().or("copied 9 lines").fit(30, "…"), "copied 9 lines");
        assert_eq!(copied.or("copied 9 lines").fit(10, "…"), "copied 9 …");
    }
}
