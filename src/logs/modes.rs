//! The terminal modes that a service has set: how it wants keys, pastes and the mouse encoded.

/// How input is to be sent to the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputModes {
    /// DECCKM: arrow keys as `ESC O A` instead of `ESC [ A`.
    pub application_cursor: bool,
    /// The keypad sends sequences instead of digits (DECKPAM).
    pub application_keypad: bool,
    /// Mode 2004: a paste stands between `ESC [ 200 ~` and `ESC [ 201 ~`.
    pub bracketed_paste: bool,
    /// Mode 1004: `ESC [ I` and `ESC [ O` when the pane gains and loses the focus.
    pub focus_events: bool,
    /// Mode 1007: the wheel sends arrow keys on the alternate screen.
    pub alternate_scroll: bool,
    /// The alternate screen is shown.
    pub alternate_screen: bool,
    /// LNM: Enter sends CR and LF.
    pub newline: bool,
    /// Keys that have no code of their own are told from others, or not.
    pub extended_keys: ExtendedKeys,
    /// Which mouse events are wanted.
    pub mouse: MouseEvents,
    /// How they are written.
    pub mouse_encoding: MouseEncoding,
}

/// How keys are sent that the usual codes do not tell from others, such as Shift-Enter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendedKeys {
    /// As the others.
    #[default]
    None,
    /// xterm's modifyOtherKeys 1: `ESC [ 27 ; modifiers ; key ~`, where they would be lost.
    Lost,
    /// modifyOtherKeys 2: the same, for every key with Ctrl or Alt.
    Other,
    /// The kitty protocol with its first flag: `ESC [ key ; modifiers u`.
    Kitty,
}

/// Mouse events that a service wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MouseEvents {
    /// The program does not ask for the mouse.
    #[default]
    None,
    /// Mode 9: presses only.
    Presses,
    /// Mode 1000: presses and releases.
    Clicks,
    /// Mode 1002: also movement with a button down.
    Drags,
    /// Mode 1003: all movement.
    Motion,
}

/// How mouse events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MouseEncoding {
    /// One byte for a coordinate.
    #[default]
    Bytes,
    /// Mode 1005: UTF-8.
    Utf8,
    /// Mode 1006: `ESC [ < …`.
    Sgr,
    /// Mode 1015: decimal numbers.
    Urxvt,
}
