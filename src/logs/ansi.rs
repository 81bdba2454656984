//! A line with its looks as a terminal takes them.

use std::fmt::Write;

use super::{Attributes, Color, Line, Style};

impl Line {
    /// The text with its styles as SGR, from byte `skip` on.
    pub fn to_ansi(&self, skip: usize) -> String {
        let text = &self.content.text;
        let mut out = String::with_capacity(text.len());
        let mut position = skip;
        for run in &self.content.runs {
            let (start, end) = ((run.start as usize).max(skip), run.end as usize);
            if start >= end || run.style.looks() == Style::default() {
                continue;
            }
            out.push_str(text.get(position..start).unwrap_or_default());
            out.push_str(&sgr(run.style));
            out.push_str(text.get(start..end).unwrap_or_default());
            out.push_str("\x1b[0m");
            position = end;
        }
        out.push_str(text.get(position..).unwrap_or_default());
        out
    }
}

fn sgr(style: Style) -> String {
    let mut codes = String::from("\x1b[0");
    let attributes = [
        (Attributes::BOLD, 1),
        (Attributes::DIM, 2),
        (Attributes::ITALIC, 3),
        (Attributes::UNDERLINE, 4),
        (Attributes::BLINK, 5),
        (Attributes::REVERSE, 7),
        (Attributes::HIDDEN, 8),
        (Attributes::STRIKE, 9),
    ];
    for (attribute, code) in attributes {
        if style.attributes.contains(attribute) {
            let _ = write!(codes, ";{code}");
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
    codes.push('m');
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Moment, RunId};
    use crate::logs::{LineId, LineKind, StyleRun, StyledText};

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
        assert_eq!(line.to_ansi(0), "a \x1b[0;91mred\x1b[0m b");
        assert_eq!(line.to_ansi(3), "\x1b[0;91med\x1b[0m b");
    }
}
