//! A terminal that is elsewhere: the words between a client, which has the terminal, and the dashboard that is drawn for
//! it where the group runs. All of them are messages on the control socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// The variables of the client's environment that say what its terminal can.
pub const VARIABLES: [&str; 14] = [
    "TERM",
    "TERMINFO",
    "TERMINFO_DIRS",
    "HOME",
    "COLORTERM",
    "COLORFGBG",
    "TERM_PROGRAM",
    "VTE_VERSION",
    "TMUX",
    "STY",
    "NO_COLOR",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
];

/// News of the terminal that may wait for the dashboard.
const QUEUE: usize = 64;

/// The largest screen that is drawn, columns and rows; of a larger one the rest stays empty. A client could say anything.
const LARGEST: (u16, u16) = (1000, 500);

/// What is known of a terminal when it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// Width in cells.
    pub columns: u16,
    /// Height in cells.
    pub rows: u16,
    /// Those of [`VARIABLES`] that are set.
    pub variables: BTreeMap<String, String>,
    /// The client has a program for the clipboard.
    pub copies: bool,
    /// The client has a program that opens addresses in the browser.
    pub browses: bool,
}

impl Abilities {
    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

/// What a terminal tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromTerminal {
    /// What was typed, clicked and pasted, as the terminal sends it.
    Keys(String),
    /// It has another size.
    Size {
        /// Width in cells.
        columns: u16,
        /// Height in cells.
        rows: u16,
    },
    /// The last [`ToTerminal::Show`] was taken.
    Shown {},
    /// The editor has ended; the dashboard has the terminal again.
    Edited {
        /// What is to be said about it, if it was no good end.
        complaint: Option<String>,
    },
    /// The client was stopped, and has the terminal again of which nothing is known.
    Resumed {},
    /// Something that the client could not do.
    Said(String),
}

/// What a terminal is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToTerminal {
    /// Write this. The next one follows after [`FromTerminal::Shown`].
    Show(String),
    /// Give this text to the clipboard's program.
    Copy(String),
    /// Open this address in the browser.
    Browse(String),
    /// Give the terminal to the user's editor, and tell when it has ended.
    Edit {
        /// Path of the file to edit.
        path: String,
        /// At which line, from 1.
        line: u64,
    },
    /// The user has detached.
    Detached {},
}

/// The dashboard's end.
#[derive(Debug)]
pub struct RemoteTerminal {
    /// What was known of it when it came.
    pub abilities: Abilities,
    /// What it tells; nothing more when it is gone.
    pub news: mpsc::Receiver<FromTerminal>,
    /// What it is told. Not bounded, since at most one screen is on its way.
    pub orders: mpsc::UnboundedSender<ToTerminal>,
}

/// The terminal's end.
#[derive(Debug)]
pub struct Wire {
    /// What the terminal tells; a dashboard that is slow holds up whoever types.
    pub news: mpsc::Sender<FromTerminal>,
    /// What it is told; nothing more when the dashboard has ended.
    pub orders: mpsc::UnboundedReceiver<ToTerminal>,
}

impl RemoteTerminal {
    /// The terminal, and the wire that leads to its client.
    pub fn new(abilities: Abilities) -> (Self, Wire) {
        let (news_in, news) = mpsc::channel(QUEUE);
        let (orders, orders_out) = mpsc::unbounded_channel();
        (Self { abilities, news, orders }, Wire { news: news_in, orders: orders_out })
    }
}

/// A size that can be drawn.
pub fn drawable(columns: u16, rows: u16) -> (u16, u16) {
    (columns.min(LARGEST.0), rows.min(LARGEST.1))
}
