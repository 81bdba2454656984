//! How text looks on a stream of this process.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use rustix::stdio;

use super::DisplaySupport;
use crate::logs::StyleSupport;

/// How text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStyle {
    /// Keep the services' colours, and colour what devgroup says.
    pub color: bool,
    /// What is kept of the looks of services.
    pub styles: StyleSupport,
    /// Keep their links.
    pub links: bool,
    /// `│` and `──`; otherwise `|` and `--`.
    pub unicode: bool,
    /// Columns of the terminal, if it is one and says so.
    pub columns: Option<u16>,
}

impl OutputStyle {
    /// That of text for this stream: standard output, or standard error.
    pub fn of(stream: &(impl AsFd + IsTerminal)) -> Self {
        Self::new(stream.is_terminal().then(|| size_of(stream)), DisplaySupport::from_environment())
    }

    /// `terminal`: columns and rows of the terminal, if it is one.
    fn new(terminal: Option<(u16, u16)>, support: DisplaySupport) -> Self {
        match terminal {
            Some((columns, _)) => Self {
                color: support.color,
                styles: support.styles,
                links: support.links,
                unicode: support.utf8,
                columns: (columns > 0).then_some(columns),
            },
            // Only a terminal can lack characters and looks: whoever reads a pipe or a file will know what to do with
            // all of them. Colours are kept for those who ask.
            None => Self { color: false, styles: StyleSupport::FULL, links: false, unicode: true, columns: None },
        }
    }
}

/// Columns and rows of the host terminal now; 0×0 if it does not say.
pub fn terminal_size() -> (u16, u16) {
    size_of(&stdio::stdout())
}

/// Columns and rows of the terminal that this is; 0×0 if it does not say, or is none.
pub fn size_of(stream: &impl AsFd) -> (u16, u16) {
    rustix::termios::tcgetwinsize(stream).map_or((0, 0), |size| (size.ws_col, size.ws_row))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};

    use super::*;

    #[test]
    fn a_terminal_gets_what_it_can_show_and_a_file_all_characters_but_no_colours() {
        let support =
            |utf8, color| DisplaySupport { utf8, color, links: true, ..DisplaySupport::from_variables(|_| None) };
        let terminal = OutputStyle::new(Some((120, 30)), support(false, true));
        assert_eq!((terminal.color, terminal.unicode, terminal.columns), (true, false, Some(120)));
        assert!(terminal.links);
        let silent = OutputStyle::new(Some((0, 0)), support(true, false));
        assert_eq!((silent.color, silent.unicode, silent.columns), (false, true, None));
        let file = OutputStyle::new(None, support(false, true));
        assert_eq!((file.color, file.unicode, file.columns), (false, true, None));
        assert_eq!((file.styles, file.links), (StyleSupport::FULL, false));
    }

    #[test]
    fn the_columns_are_those_of_the_stream_that_is_written_to() {
        let host = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&host).and_then(|()| unlockpt(&host)).unwrap();
        let name = ptsname(&host, Vec::new()).unwrap();
        let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 30, ws_col: 123, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        assert_eq!(OutputStyle::of(&File::from(terminal)).columns, Some(123));
        assert_eq!(OutputStyle::of(&File::open("/dev/null").unwrap()).columns, None);
    }
}
