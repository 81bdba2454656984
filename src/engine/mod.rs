//! The decisions: one synchronous state machine that is given an event and the time, and returns effects.
//!
//! Architecture invariant: nothing here reads a clock, sleeps, locks or does input or output. The same events give the
//! same effects.

mod effect;
mod event;

pub use effect::{Effect, Finish};
pub use event::Event;
