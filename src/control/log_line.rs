//! A line of a log as JSON, and the cursor that names its place.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::{RunId, ServiceName, without_keys};
use crate::logs::{Epoch, Fields, Level, LineId, LineKind, LogDocument, Piece, Structured};

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Whoever begins here later on gets what follows, see [`Cursor`].
    pub cursor: String,
    /// When it arrived, RFC 3339 UTC.
    pub at: String,
    /// Who printed it.
    pub service: String,
    /// In which run.
    pub run: u32,
    /// Its number in the log of that service, for good. `cursor` is not always behind it: what may still change is sent again.
    #[serde(default)]
    pub line: u64,
    /// How bad it is, if it says so and if that was asked for.
    pub level: Option<String>,
    /// Its own time, if it is data that tells one and if levels were asked for: RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What it says: UTF-8 without control characters but tabs.
    pub text: String,
    /// The fields of a line that is data (JSON, logfmt), if levels were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    /// devgroup says it, not the service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub marker: bool,
    /// It does not follow on the line before it in the list: `settle` shows a choice of lines.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gap: bool,
    /// The text with its colours as escape sequences, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub styled: Option<String>,
}

/// Something that is not there any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Whose lines; nothing for events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How many, if known: not after a cursor from an earlier run of the group, after which all lines follow.
    pub skipped: Option<u64>,
}

/// A place in the log of a service: `api:8:9412:5d07c3a1` is before line 9412, the line before it was of run 8, and the log
/// is the one of that epoch. For all others it is a text that only devgroup understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Name of the service.
    pub service: ServiceName,
    /// Number of the run that printed it.
    pub run: RunId,
    /// The next line.
    pub next: LineId,
    /// Which log of the service, since that begins anew with its group; `None` of a version that did not tell.
    pub epoch: Option<Epoch>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.service.as_str(), self.run, self.next.0)?;
        self.epoch.map_or(Ok(()), |epoch| write!(f, ":{epoch}"))
    }
}

impl Cursor {
    /// Reads a cursor.
    pub fn parse(text: &str) -> Option<Self> {
        let with_epoch = || {
            let (rest, epoch) = text.rsplit_once(':')?;
            Self::parse_place(rest, Some(epoch.parse().ok()?))
        };
        with_epoch().or_else(|| Self::parse_place(text, None))
    }

    /// Whether it is of this log, and not of an earlier one of the same service, whose lines had the same numbers.
    pub(super) fn is_of(&self, document: &LogDocument) -> bool {
        self.epoch == Some(document.epoch()) && self.next <= document.read().end()
    }

    fn parse_place(text: &str, epoch: Option<Epoch>) -> Option<Self> {
        let mut parts = text.rsplitn(3, ':');
        let next = LineId(parts.next()?.parse().ok()?);
        let run = RunId(parts.next()?.parse().ok()?);
        let service = parts.next().filter(|name| !name.is_empty())?.into();
        Some(Self { service, run, next, epoch })
    }
}

impl LogLine {
    /// The line as it is sent.
    pub fn new(
        (service, epoch): (&ServiceName, Epoch),
        piece: &Piece,
        level: Option<Level>,
        styled: Option<String>,
        clock: Clock,
    ) -> Self {
        let line = &piece.line;
        let cursor = Cursor { service: service.clone(), run: line.run, next: piece.resume, epoch: Some(epoch) };
        let text = line.content.as_printed(piece.skip..line.content.text.len());
        let marker = line.kind.is_marker();
        Self {
            cursor: cursor.to_string(),
            at: clock.rfc3339(line.at),
            service: service.as_str().to_owned(),
            run: line.run.0,
            line: line.id.0,
            level: level.map(|level| level.word().to_owned()),
            time: None,
            // Who reads it here has no keys.
            text: if marker { without_keys(&text, service.as_str()) } else { text },
            fields: None,
            marker,
            gap: false,
            styled,
        }
    }

    /// With what it tells if it is data.
    pub fn with_data(self, piece: &Piece) -> Self {
        let is_output = piece.line.kind == LineKind::Output;
        let data = is_output.then(|| Structured::read(&piece.line.content.text)).flatten();
        let time = data.as_ref().and_then(Structured::time).map(|time| time.to_string());
        Self { time, fields: data.map(|data| data.fields), ..self }
    }
}

/// The words for levels, the least bad first.
pub const LEVEL_WORDS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// The level of that word.
pub(super) fn level_of(word: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|(_, known)| *known == word).map(|(level, _)| level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(service in ".+", run in any::<u32>(), next in any::<u64>()) {
            let epoch = Some(Epoch::begin());
            let cursor = Cursor { service: ServiceName::new(service), run: RunId(run), next: LineId(next), epoch };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }
    }

    #[test]
    fn fuzz_of_cursors() {
        const SEEDS: [&[u8]; 4] = [b"api:8:9412", b"api:8:9412:1f", b"a:b:1:2", "é:4294967295:0:0".as_bytes()];
        crate::fuzz::run("cursors", 3_000, &SEEDS, |bytes| {
            let cursor = Cursor::parse(&String::from_utf8_lossy(bytes))?;
            assert_eq!(Cursor::parse(&cursor.to_string()).as_ref(), Some(&cursor));
            Some((cursor.epoch.is_some(), cursor.service.as_str().matches(':').count()))
        });
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "api", "api:1", ":1:2", "api:x:2", "api:1:-2", "api:4294967296:1"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
        let old = Cursor { service: "api".into(), run: RunId(8), next: LineId(9412), epoch: None };
        assert_eq!(Cursor::parse("api:8:9412"), Some(old));
        assert_eq!(Level::ALL.map(|(_, word)| word), LEVEL_WORDS);
    }
}
