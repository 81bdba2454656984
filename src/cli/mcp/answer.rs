//! An answer, no longer than an agent can take.

use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::Value;

use super::shrink::{self, escaped_len};
use crate::cli::exit_code::Failure;

/// Bytes of an answer on the wire: agents refuse, or forget the rest, of what is much longer.
pub(super) const LARGEST: usize = 48 << 10;

/// Bytes of text, as the agent reads it, without a word about how much it wants.
pub(super) const TEXT: usize = 16 << 10;

/// Bytes for the frame of an answer.
const FRAME: usize = 512;

/// What a call has led to.
#[derive(Debug)]
pub(super) struct Answer {
    /// For a reader.
    pub(super) text: String,
    /// For a program.
    pub(super) value: Value,
    /// The command would exit with another code than 0.
    pub(super) failed: bool,
}

impl Answer {
    /// An answer whose value is that of a command.
    pub(super) fn new(text: String, value: &impl Serialize, failed: bool) -> Result<Self, Failure> {
        let value = serde_json::to_value(value).map_err(|error| Failure::Unexpected(error.to_string()))?;
        Ok(Self { text, value: shrink::without_nulls(value), failed })
    }

    /// As the protocol has it, within the bounds.
    pub(super) fn result(self) -> CallToolResult {
        let text = shrink::text(&self.text, LARGEST / 2);
        let value = shrink::value(self.value, LARGEST - FRAME - escaped_len(&text));
        let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
        result.structured_content = Some(value);
        result.is_error = Some(self.failed);
        result
    }
}
