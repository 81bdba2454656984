//! The reason for a decision about a path, as JSON, and with the words that people read.

use serde::{Deserialize, Serialize};

use crate::domain::{Explanation, PathVerdict, Rule, StepOutcome, WhyStep};

/// Why a path does or does not restart somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyLine {
    /// Relative to the root of the group; absolute if outside.
    pub path: String,
    /// `watched`, `ignored`, `no-match`, `outside`.
    pub verdict: String,
    /// Who would act.
    pub services: Vec<String>,
    /// The rule that decided.
    pub rule: Option<WhyRule>,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
    /// The sources, in the order in which they are asked.
    pub chain: Vec<WhySource>,
}

/// A rule, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyRule {
    /// `.gitignore`, `procgroup.toml`, `built-in`.
    pub file: String,
    /// The pattern, as its file writes it.
    pub pattern: String,
    /// Line in it, from 1, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A source that was asked, or would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhySource {
    /// Its name for people: a file, a key of `procgroup.toml`, or a built-in list.
    pub source: String,
    /// `watched`, `ignored`, `too-late`, `no-match`, `not-reached`.
    pub outcome: String,
    /// The rule that matched.
    pub rule: Option<WhyRule>,
    /// What it was about, if not the path itself.
    pub about: Option<String>,
}

/// The same for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyWords {
    /// The verdict and what follows from it.
    pub summary: String,
    /// The rule that decided, with its place.
    pub rule: Option<String>,
    /// Each source: its name, what came of it, the rule with its place.
    pub rows: Vec<[String; 3]>,
}

/// An answer to `why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The fields of `--json`.
    pub line: WhyLine,
    /// The same in sentences.
    pub words: WhyWords,
}

impl From<&Explanation> for Why {
    fn from(explanation: &Explanation) -> Self {
        let rule = |rule: &Rule| WhyRule {
            file: explanation.file_of(rule).to_string(),
            pattern: rule.pattern.to_string(),
            line: rule.line,
        };
        let source = |step: &WhyStep| WhySource {
            source: step.source.to_string(),
            outcome: outcome(step.outcome).into(),
            rule: step.rule.as_ref().map(rule),
            about: step.about.as_deref().map(Into::into),
        };
        let verdict = match explanation.verdict {
            PathVerdict::Watched => "watched",
            PathVerdict::Ignored => "ignored",
            PathVerdict::NoMatch => "no-match",
            PathVerdict::Outside => "outside",
        };
        Self {
            line: WhyLine {
                path: explanation.path.to_string(),
                verdict: verdict.into(),
                services: explanation.services.iter().map(ToString::to_string).collect(),
                rule: explanation.rule.as_ref().map(rule),
                notes: explanation.notes.clone(),
                chain: explanation.chain.iter().map(source).collect(),
            },
            words: WhyWords {
                summary: explanation.summary("·"),
                rule: explanation.rule.as_ref().map(|rule| explanation.place_of(rule)),
                rows: explanation.rows().collect(),
            },
        }
    }
}

fn outcome(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Watches => "watched",
        StepOutcome::Ignores => "ignored",
        StepOutcome::Powerless => "too-late",
        StepOutcome::NoMatch => "no-match",
        StepOutcome::NotReached => "not-reached",
    }
}
