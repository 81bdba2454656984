//! What a terminal can show, and how text is written for it: colours, characters, sizes, the width of text. Decided here
//! for the dashboard, the stream and the clients alike.

mod contrast;
mod lines;
mod output;
mod support;
mod width;

pub use contrast::{READABLE, contrast, opposite, readable, readable_indexed, rgb};
pub use lines::{LineWriter, Words, prefix_width};
pub use output::{OutputStyle, size_of, terminal_size};
pub use support::{DisplaySupport, GlyphSet, Ground, Notification};
pub use width::{char_width, cut_right, fitting, width};
