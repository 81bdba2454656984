//! The signals that a stop may begin with.

use std::fmt;

/// A signal by its POSIX name, as written in `stop = { signal = "TERM" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Hang-up: the terminal is gone; many daemons reload on it.
    Hup,
    /// Interrupt: what Ctrl-C sends.
    Int,
    /// Quit: what Ctrl-\ sends; Go and the JVM print their stacks on it.
    Quit,
    /// Kill: cannot be caught.
    Kill,
    /// User signal 1.
    Usr1,
    /// User signal 2.
    Usr2,
    /// Terminate: the polite request; the default.
    Term,
    /// Window size changed.
    Winch,
    /// Continue after a stop.
    Cont,
}

/// Which processes of a run a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalTarget {
    /// All of them.
    Group,
    /// The leader alone.
    Leader,
    /// Those that handle it, where the system tells which do: it would end the others.
    Handlers,
}

impl Signal {
    /// Every signal that can be named in the file.
    pub const ALL: [Self; 9] =
        [Self::Term, Self::Int, Self::Quit, Self::Hup, Self::Usr1, Self::Usr2, Self::Kill, Self::Winch, Self::Cont];

    /// The name without `SIG`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hup => "HUP",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
            Self::Term => "TERM",
            Self::Winch => "WINCH",
            Self::Cont => "CONT",
        }
    }

    /// Whether it ends a process that does not handle it.
    pub fn ends(self) -> bool {
        !matches!(self, Self::Winch | Self::Cont)
    }

    /// The signal of that name, with or without `SIG`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL.into_iter().find(|signal| signal.name() == bare)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIG{}", self.name())
    }
}
