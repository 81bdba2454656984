//! What is opened for the user and belongs to nobody else: a browser, a program that serves the clipboard.

/// The variable that such a process inherits: the number of the program that opened it. Its guard leaves it alone.
pub const OPENED_BY: &str = "DEVGROUP_OPENED_BY";
