//! `settle`: what came of edits.

mod answer;

pub use answer::{SettleResult, Settled, SettledService};
