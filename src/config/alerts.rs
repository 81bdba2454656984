//! `[alerts]`, in the files of a group and in the user's own.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::keys::ALERTS;
use super::load::Loaded;
use super::near::{any_of, near};
use super::problems::{Fields, Problems, Slot, shown};
use crate::domain::{AlertCommand, AlertKeys, AlertKind, RunCommand};

const EXAMPLE: &str = "[alerts]\nrun = [\"./alert.sh\"]";

/// What a file says, and where it names the program.
pub(super) type Written = (AlertKeys, Option<Range<usize>>);

/// Reads the section. `root`: the folder of its file.
pub(super) fn read(slot: Slot<'_, '_>, root: &Path, problems: &mut Problems) -> Option<Written> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help(EXAMPLE));
        return None;
    };
    let fields = Fields::open(&ALERTS, table, "`[alerts]`", problems);
    let on =
        fields.read("on", problems, |slot, problems| slot.list(problems, |slot, problems| problems.keep(kind(slot))));
    let run = fields.read("run", problems, |slot, problems| run(slot, root, problems));
    let every = fields.read_value("every", problems, Slot::duration);
    let place = run.as_ref().map(Spanned::span);
    let keys = AlertKeys {
        on: on.map(|on| on.into_inner().into_iter().map(Spanned::into_inner).collect()),
        run: run.map(Spanned::into_inner),
        every: every.map(Spanned::into_inner),
    };
    Some((keys, place))
}

impl Loaded {
    /// The program of `[alerts]` cannot be started: why, for people.
    pub fn warn_alert_program(&mut self, problem: &str) {
        let Some(span) = self.places.alert_program.clone() else { return };
        let message = format!("the program of [alerts] cannot be started: {problem}");
        let help = "a path with a slash is relative to the folder of this file; to try it:   devgroup alerts test";
        self.warnings
            .add_once(Diagnostic::warning("alert-program", message).at(span, "alerts do not reach it").help(help));
    }
}

fn kind(slot: Slot<'_, '_>) -> Result<AlertKind, Diagnostic> {
    let text = slot.word()?;
    if let Some((_, kind)) = AlertKind::ALL.iter().find(|(word, _)| *word == text) {
        return Ok(*kind);
    }
    let words = || AlertKind::ALL.iter().map(|(word, _)| *word);
    let near = near(text, words());
    let label = if near.is_empty() { "no such kind".into() } else { format!("did you mean {}?", any_of(&near)) };
    Err(Diagnostic::error("value", format!("unknown kind of alert `{}`", shown(text)))
        .at(slot.span(), label)
        .help(format!("kinds: {}", words().collect::<Vec<_>>().join(", "))))
}

/// No shell: what has happened is text of others.
fn run(slot: Slot<'_, '_>, root: &Path, problems: &mut Problems) -> Option<AlertCommand> {
    let DeValue::Array(_) = slot.value.get_ref() else {
        let help = "run = [\"./alert.sh\"]   it gets the event as JSON on stdin; for a shell: [\"sh\", \"-c\", \"…\"]";
        problems.add(slot.wrong_type().help(help));
        return None;
    };
    match slot.command(problems)? {
        RunCommand::Argv(argv) => Some(AlertCommand { argv, dir: root.to_owned() }),
        RunCommand::Shell(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{RenderStyle, parse};

    const SERVICES: &str = "[services]\napi = 'a'\n";

    fn read(alerts: &str) -> Result<AlertKeys, String> {
        let text = format!("{alerts}\n{SERVICES}");
        match parse(&text, Path::new("/w/procgroup.toml")) {
            Ok(loaded) => Ok(loaded.spec.alerts),
            Err(found) => Err(found.render(RenderStyle { color: false, unicode: true, width: 80 })),
        }
    }

    #[test]
    fn what_is_said_counts_and_the_rest_is_left_to_the_other_file() {
        assert_eq!(read(""), Ok(AlertKeys::default()));
        let keys = read("[alerts]\non = ['failed', 'batch-done']\nrun = ['./alert.sh', '$X']\nevery = '5m'").unwrap();
        assert_eq!(keys.on, Some(vec![AlertKind::Failed, AlertKind::BatchDone]));
        let run = AlertCommand { argv: vec!["./alert.sh".into(), "$X".into()], dir: "/w".into() };
        assert_eq!((keys.run, keys.every), (Some(run), Some(Duration::from_secs(300))));
        assert_eq!(read("[alerts]\non = []").unwrap().on, Some(vec![]));
    }

    #[test]
    fn each_mistake_points_at_its_text() {
        let text = "[alerts]\non = ['failed', 'crashloop', 1]\nrun = 'curl x'\nevery = 30\nkinds = []\nhok = 1";
        insta::assert_snapshot!(read(text).unwrap_err());
        assert!(read("alerts = true").unwrap_err().contains("must be a table"));
        assert!(read("[alerts]\nrun = []").unwrap_err().contains("the program is missing"));
        assert!(read("[alerts]\nrun = ['sh -c x']").is_err(), "one word with blanks");
    }
}
