//! The tool `why`.

use std::path::PathBuf;

use serde_json::json;

use super::answer::Answer;
use super::call::Call;
use crate::cli::exit_code::Failure;
use crate::cli::why;
use crate::control;

/// The rule that decides about each path. The group need not run.
pub(super) fn why(call: &Call) -> Result<Answer, Failure> {
    let paths: Vec<PathBuf> = call.needed_texts("paths")?.into_iter().map(PathBuf::from).collect();
    let explained = why::explain(&call.session.place()?, &paths)?;
    let text = explained.iter().map(|why| why::text_of(why, false)).collect::<Vec<_>>().join("\n");
    let lines: Vec<_> = explained.iter().map(|why| &why.line).collect();
    Answer::new(text, &json!({ "version": control::VERSION, "paths": lines }), false)
}
