//! The data plane: the output of services, as a terminal screen and as a log with a history.
//!
//! Architecture invariant: log bytes never pass through the run loop. Writers and readers share a document; the loop
//! sees only small facts.

mod ansi;
mod budget;
mod depth;
mod document;
mod epoch;
mod event_files;
mod event_line;
mod figures;
mod files;
mod follower;
mod history;
mod level;
mod line;
mod line_source;
mod links;
mod log_store;
mod modes;
mod ready;
mod rotated_file;
mod screen;
mod search;
mod structured;
mod style;
mod tail;
mod terminal_colors;
mod terminfo;
mod visible_lines;

pub use depth::{ColorDepth, StyleSupport};
pub use document::{Fed, LogDocument, Reader, ScreenRows};
pub use epoch::Epoch;
pub use event_files::{EventFiles, KeptEvents};
pub use event_line::{EventLine, RuleLine};
pub use figures::{Figures, HOURS};
pub use files::LogFiles;
pub use follower::{Follower, Piece, Taken};
pub use level::{Level, LevelReader};
pub use line::{Line, LineId, LineKind};
pub use line_source::{Failures, Landmark, Lane, LineSource, Place, failure_around};
pub use links::{LinkId, link_target};
pub use log_store::LogStore;
pub use modes::{ExtendedKeys, InputModes, MouseEncoding, MouseEvents};
pub use rotated_file::{RotatedFile, Rotation};
pub use screen::columns_of;
pub use search::{Criterion, Matches, Query, QueryError, QueryKind, Scan, Term};
pub use structured::{Condition, ConditionError, Fields, Structured, folded};
pub use style::{Attributes, Color, Style, StyleRun, StyledText, Underline};
pub use tail::Tail;
pub use terminal_colors::{Rgb, TerminalColors};
pub use visible_lines::VisibleLines;

/// Cases of a property test: so many, or as many as `PROPTEST_CASES` says.
#[cfg(test)]
pub(crate) fn cases(usual: u32) -> proptest::prelude::ProptestConfig {
    let config = proptest::prelude::ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { usual };
    proptest::prelude::ProptestConfig { cases, ..config }
}
