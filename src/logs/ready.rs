//! The output by which a service reports that it is ready.

use memchr::memmem;
use regex::Regex;

use crate::domain::TextPattern;

/// What is looked for, and whether it was found.
#[derive(Debug)]
pub(super) struct ReadyPattern {
    matcher: Matcher,
    found: bool,
}

#[derive(Debug)]
enum Matcher {
    Literal(Box<memmem::Finder<'static>>),
    Regex(Regex),
}

impl ReadyPattern {
    /// `None` if the expression does not compile, which the configuration has ruled out.
    pub(super) fn new(pattern: &TextPattern) -> Option<Self> {
        let matcher = match pattern {
            TextPattern::Literal(text) => Matcher::Literal(Box::new(memmem::Finder::new(text).into_owned())),
            TextPattern::Regex(expression) => Matcher::Regex(Regex::new(expression).ok()?),
        };
        Some(Self { matcher, found: false })
    }

    /// Looks at a line.
    pub(super) fn search(&mut self, line: &str) {
        self.found = self.found
            || match &self.matcher {
                Matcher::Literal(finder) => finder.find(line.as_bytes()).is_some(),
                Matcher::Regex(regex) => regex.is_match(line),
            };
    }

    /// A line had it.
    pub(super) fn found(&self) -> bool {
        self.found
    }
}
