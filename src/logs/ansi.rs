//! Writes a styled line with the escape sequences of a terminal.

use std::fmt::Write;
use std::sync::Arc;

use super::links::LinkId;
use super::{Attributes, Color, Line, Style, StyleSupport, Underline};

impl Line {
    /// The text with its styles as SGR for a terminal that shows so much of them, from byte `skip` on; with the tabs that
    /// were printed.
    pub fn to_ansi(&self, skip: usize, support: StyleSupport) -> String {
        self.to_ansi_with_links(skip, support, |_| None)
    }

    /// The same with its links (OSC 8), as far as `target` says where they lead.
    pub fn to_ansi_with_links(
        &self,
        skip: usize,
        support: StyleSupport,
        target: impl Fn(LinkId) -> Option<Arc<str>>,
    ) -> String {
        let content = &self.content;
        let mut out = String::with_capacity(content.text.len());
        let mut position = skip;
        // The link that is open at the end of `out`.
        let mut open = None;
        for run in &content.runs {
            let (start, end) = ((run.start as usize).max(skip), run.end as usize);
            let link = run.style.link.filter(|_| start < end).and_then(&target);
            let is_plain = run.style.visible_part() == Style::default();
            // The notes about tabs are runs too.
            if start >= end || is_plain && link.is_none() {
                continue;
            }
            if position < start {
                switch_link(&mut out, &mut open, None);
                out.push_str(&content.as_printed(position..start));
            }
            switch_link(&mut out, &mut open, link);
            if is_plain {
                out.push_str(&content.as_printed(start..end));
            } else {
                out.push_str(&sgr(support.reduce(run.style)));
                out.push_str(content.text.get(start..end).unwrap_or_default());
                out.push_str("\x1b[0m");
            }
            position = end;
        }
        switch_link(&mut out, &mut open, None);
        out.push_str(&content.as_printed(position..content.text.len()));
        out
    }
}

/// From here on the text belongs to that link, or to none.
fn switch_link(out: &mut String, open: &mut Option<Arc<str>>, link: Option<Arc<str>>) {
    if *open != link {
        // Writing to a String cannot fail.
        let _ = write!(out, "\x1b]8;;{}\x1b\\", link.as_deref().unwrap_or_default());
        *open = link;
    }
}

fn sgr(style: Style) -> String {
    format!("\x1b[{}m", parameters(style))
}

/// The parameters of the SGR that makes a terminal look so, whatever it looked like before.
pub(super) fn parameters(style: Style) -> String {
    let mut codes = String::from("0");
    let attributes = [
        (Attributes::BOLD, 1),
        (Attributes::DIM, 2),
        (Attributes::ITALIC, 3),
        (Attributes::BLINK, 5),
        (Attributes::REVERSE, 7),
        (Attributes::HIDDEN, 8),
        (Attributes::STRIKE, 9),
        (Attributes::OVERLINE, 53),
    ];
    for (attribute, code) in attributes {
        if style.attributes.contains(attribute) {
            let _ = write!(codes, ";{code}");
        }
        if attribute == Attributes::ITALIC {
            let _ = match style.attributes.underline() {
                None => Ok(()),
                Some(Underline::Single) => write!(codes, ";4"),
                Some(kind) => write!(codes, ";4:{}", kind as u16),
            };
        }
    }
    for (color, base) in [(style.foreground, 30), (style.background, 40)] {
        let _ = match color {
            Color::Default => Ok(()),
            Color::Indexed(index @ 0..8) => write!(codes, ";{}", base + i32::from(index)),
            Color::Indexed(index @ 8..16) => write!(codes, ";{}", base + 52 + i32::from(index)),
            Color::Indexed(index) => write!(codes, ";{};5;{index}", base + 8),
            Color::Rgb(red, green, blue) => write!(codes, ";{};2;{red};{green};{blue}", base + 8),
        };
    }
    // These have no form without colons that all terminals read as one parameter.
    let _ = match style.underline {
        Color::Default => Ok(()),
        Color::Indexed(index) => write!(codes, ";58:5:{index}"),
        Color::Rgb(red, green, blue) => write!(codes, ";58:2::{red}:{green}:{blue}"),
    };
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::{Moment, RunId};
    use crate::logs::{ColorDepth, LineId, LineKind, LogStore, StyleRun, StyledText};

    #[test]
    fn colours_are_kept_or_left_out() {
        let style = Style { foreground: Color::Indexed(9), ..Style::default() };
        let line = Line {
            id: LineId(0),
            at: Moment::START,
            run: RunId(1),
            kind: LineKind::Output,
            content: StyledText { text: "a red b".into(), runs: vec![StyleRun { start: 2, end: 5, style }] },
        };
        assert_eq!(line.to_ansi(0, StyleSupport::FULL), "a \x1b[0;91mred\x1b[0m b");
        assert_eq!(
            line.to_ansi(3, StyleSupport { depth: ColorDepth::Sixteen, underlines: false }),
            "\x1b[0;91med\x1b[0m b"
        );
    }

    #[test]
    fn tabs_between_colours_are_tabs() {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.resize(80, 5);
        document.feed(b"\ta\t\x1b[44mb\tc\x1b[0m\td\r\n");
        let line = document.read().line(LineId(0)).expect("a line");
        assert_eq!(line.to_ansi(0, StyleSupport::FULL), "\ta\t\x1b[0;44mb\x1b[0m\t\x1b[0;44mc\x1b[0m\td");
    }

    #[test]
    fn a_link_is_written_as_it_came_if_its_target_is_known() {
        let log_store = LogStore::new(Clock::start());
        let document = log_store.open(&"api".into(), 1 << 20);
        document.feed(b"see \x1b]8;;https://x.org/a;b\x1b\\the \x1b[31mpage\x1b[0m\x1b]8;;\x1b\\ and \x1b[1mmore\r\n");
        let line = document.read().line(LineId(0)).expect("a line");
        let linked = line.to_ansi_with_links(0, StyleSupport::FULL, |id| document.read().link(id));
        let (begin, end) = ("\x1b]8;;https://x.org/a;b\x1b\\", "\x1b]8;;\x1b\\");
        assert_eq!(linked, format!("see {begin}the \x1b[0;31mpage\x1b[0m{end} and \x1b[0;1mmore\x1b[0m"));
        let rest = line.to_ansi_with_links(6, StyleSupport::FULL, |id| document.read().link(id));
        assert!(rest.starts_with(&format!("{begin}e \x1b[0;31mpage")), "{rest:?}");
        assert_eq!(line.to_ansi(0, StyleSupport::FULL), "see the \x1b[0;31mpage\x1b[0m and \x1b[0;1mmore\x1b[0m");
    }

    #[test]
    fn underlines_are_kept_or_plain() {
        let document = LogStore::new(Clock::start()).open(&"api".into(), 1 << 20);
        document.resize(80, 5);
        document.feed(b"a \x1b[4:3;58;5;196mb\x1b[0m \x1b[21;53;58:2::1:2:3mc\r\n");
        let line = document.read().line(LineId(0)).expect("a line");
        assert_eq!(
            line.to_ansi(0, StyleSupport::FULL),
            "a \x1b[0;4:3;58:5:196mb\x1b[0m \x1b[0;4:2;53;58:2::1:2:3mc\x1b[0m"
        );
        assert_eq!(
            line.to_ansi(0, StyleSupport { underlines: false, ..StyleSupport::FULL }),
            "a \x1b[0;4mb\x1b[0m \x1b[0;4;53mc\x1b[0m"
        );
    }
}
