//! Conditions on the fields of lines, and what to say if no line has such a field.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::wire::{Problem, ProblemCode};
use crate::domain::near::near;
use crate::logs::{Condition, Structured};

/// So many names of fields are remembered, to tell which one may have been meant.
const NAMES: usize = 500;

/// No line has this field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoField {
    /// As it was asked for.
    pub field: String,
    /// Names of fields that may be meant, the nearest first.
    #[serde(default)]
    pub near: Vec<String>,
    /// Some lines are data (JSON, logfmt), so that they have fields.
    pub is_data: bool,
}

/// All of them have to be met.
pub(super) struct Conditions {
    all: Vec<Condition>,
    /// Fields that no line has had so far.
    unseen: Vec<String>,
    /// Fields that lines have had, while one was unseen.
    names: BTreeSet<String>,
}

impl Conditions {
    pub(super) fn parse(texts: &[String]) -> Result<Self, Problem> {
        let parse = |text: &String| {
            let invalid = |error| Problem::new(ProblemCode::Invalid, format!("where: {error}"));
            Condition::parse(text).map_err(invalid)
        };
        let all = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let unseen = all.iter().map(|condition| condition.field.clone()).collect();
        Ok(Self { all, unseen, names: BTreeSet::new() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a line is data, and is so.
    pub(super) fn are_met(&mut self, line: &str) -> bool {
        let Some(Structured { fields, .. }) = Structured::read(line) else { return false };
        if !self.unseen.is_empty() {
            self.unseen.retain(|field| fields.get(field).is_none());
            if self.names.len() < NAMES && !self.unseen.is_empty() {
                self.names.extend(fields.paths());
            }
        }
        self.all.iter().all(|condition| condition.is_met(&fields))
    }

    /// A field that no line has had.
    pub(super) fn unknown_field(&self) -> Option<NoField> {
        let field = self.unseen.first()?.clone();
        let near = near(&field, self.names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
        Some(NoField { field, near, is_data: !self.names.is_empty() })
    }
}
