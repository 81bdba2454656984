//! `$TASK_…` in the text of a worker's command: the shell puts the value in, and only double quotes keep it one word.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::group::Named;
use super::problems::{Problems, shown};
use super::shell_text::ends_with_a_shell;
use crate::domain::{Kind, RunCommand, count};

/// A variable of a task that the shell reads as more than one word.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Loose {
    at: Range<usize>,
    /// Another shell reads the value as a piece of its command.
    is_code: bool,
}

/// Warns once for each worker, at the first place.
pub(super) fn check(services: &[Named], all: &str, problems: &mut Problems) {
    for service in services.iter().filter(|service| service.draft.kind() == Kind::Worker) {
        let Some(run) = &service.draft.run else { continue };
        let RunCommand::Shell(text) = run.get_ref() else { continue };
        let found = loose(text);
        let Some(first) = found.first() else { continue };
        let variable = shown(text.get(first.at.clone()).unwrap_or_default());
        let (message, label) = match first.is_code {
            true => (
                format!("`{variable}` becomes a piece of a command"),
                "another shell reads the task's own text as its command",
            ),
            false => (
                format!("`{variable}` is not in double quotes"),
                "the shell splits the value into words, and expands `*` in it",
            ),
        };
        let label = match found.len() - 1 {
            0 => label.to_owned(),
            more => format!("{label}; also in {}", count(more, "more place")),
        };
        let help = match first.is_code {
            true => format!(
                "pass it as an argument: sh -c 'program \"$1\"' sh \"{variable}\"\nor use a list: run = [\"program\", \"${{{}}}\"]",
                name_of(&variable)
            ),
            false => format!(
                "write \"{variable}\", with the quotes\nor use a list: run = [\"program\", \"${{{}}}\"]",
                name_of(&variable)
            ),
        };
        // Where the file has the text as it is, the place is known.
        let written = all.get(run.span()).unwrap_or_default();
        let start = written.find(text.as_str()).map(|start| run.span().start + start);
        let span = start.map_or(run.span(), |start| start + first.at.start..start + first.at.end);
        problems.add(Diagnostic::warning("unquoted-task-variable", message).at(span, label).help(help));
    }
}

/// `TASK_ID` of `$TASK_ID` and `${TASK_ID:-x}`.
fn name_of(variable: &str) -> &str {
    let name = variable.trim_start_matches(['$', '{']);
    name.get(..name.find(|c: char| !is_name(c)).unwrap_or(name.len())).unwrap_or(name)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn loose(text: &str) -> Vec<Loose> {
    let mut reader = Reader { text, at: 0, open: Vec::new(), documents: Vec::new(), found: Vec::new() };
    reader.read();
    reader.found
}

/// What the shell is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Double quotes; `true`: another shell reads what is between them.
    Quote(bool),
    /// `$(` or `(`.
    Command,
    /// A command between backticks.
    Ticks,
    /// `${`.
    Braces,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// The innermost last.
    open: Vec<Open>,
    /// The ends of documents (`<<END`) that begin at the next line.
    documents: Vec<&'t str>,
    found: Vec<Loose>,
}

impl<'t> Reader<'t> {
    fn read(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let quoted = self.quoted();
            match c {
                '\\' => self.at += self.rest().chars().take(2).map(char::len_utf8).sum::<usize>() - 1,
                '\'' if quoted.is_none() => self.single_quotes(),
                '"' if matches!(self.open.last(), Some(Open::Quote(_))) => drop(self.open.pop()),
                '"' => self.open.push(Open::Quote(ends_with_a_shell(self.before()))),
                '$' => self.dollar(quoted),
                '(' if quoted.is_none() => self.open.push(Open::Command),
                ')' if self.open.last() == Some(&Open::Command) => drop(self.open.pop()),
                '}' if self.open.last() == Some(&Open::Braces) => drop(self.open.pop()),
                '`' if self.open.last() == Some(&Open::Ticks) => drop(self.open.pop()),
                '`' => self.open.push(Open::Ticks),
                '#' if quoted.is_none() && self.before().chars().next_back().is_none_or(ends_word) => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len()).saturating_sub(1);
                }
                '<' if quoted.is_none() && self.rest().starts_with("<<") => self.document(),
                '\n' if quoted.is_none() => self.skip_documents(),
                _ => {}
            }
            // What the arms have left is the end of what they were about: one character.
            self.at += self.rest().chars().next().map_or(1, char::len_utf8);
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn before(&self) -> &'t str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// Whether this stands in double quotes, and who reads what is between them.
    fn quoted(&self) -> Option<bool> {
        let around = self.open.iter().rev().find(|open| **open != Open::Braces);
        if let Some(Open::Quote(is_code)) = around { Some(*is_code) } else { None }
    }

    /// Nothing is put in here, unless another shell reads it.
    fn single_quotes(&mut self) {
        let inside = self.rest().get(1..).unwrap_or_default();
        let inside = inside.get(..inside.find('\'').unwrap_or(inside.len())).unwrap_or_default();
        if ends_with_a_shell(self.before()) {
            let start = self.at + 1;
            let moved = loose(inside)
                .into_iter()
                .map(|loose| Loose { at: loose.at.start + start..loose.at.end + start, ..loose });
            self.found.extend(moved);
        }
        self.at += 1 + inside.len();
    }

    fn dollar(&mut self, quoted: Option<bool>) {
        let after = self.rest().get(1..).unwrap_or_default();
        let (in_braces, name) = match after.strip_prefix('{') {
            Some(inside) => (true, inside),
            None => (false, after),
        };
        if after.starts_with('(') {
            self.open.push(Open::Command);
            self.at += 1;
            return;
        }
        let name = name.get(..name.find(|c: char| !is_name(c)).unwrap_or(name.len())).unwrap_or_default();
        let end = self.at + 1 + usize::from(in_braces) + name.len();
        let is_loose = match quoted {
            Some(is_code) => is_code,
            None => !is_kept_whole(self.before()),
        };
        if name.starts_with("TASK_") && is_loose {
            let closed = self.text.get(end..).and_then(|rest| rest.find('}')).filter(|_| in_braces);
            let at = self.at..closed.map_or(end, |more| end + more + 1);
            self.found.push(Loose { at, is_code: quoted == Some(true) });
        }
        if in_braces {
            self.open.push(Open::Braces);
        }
        self.at += usize::from(in_braces) + name.len();
    }

    /// `<<END`: the lines up to END are one text. `<<<` is a word.
    fn document(&mut self) {
        let after = self.rest().get(2..).unwrap_or_default();
        self.at += 1;
        if after.starts_with('<') {
            self.at += 1;
            return;
        }
        let word = after.trim_start_matches('-').trim_start_matches([' ', '\t']).trim_start_matches(['\'', '"', '\\']);
        let word = word.get(..word.find(|c: char| !is_name(c)).unwrap_or(word.len())).unwrap_or_default();
        if !word.is_empty() {
            self.documents.push(word);
        }
    }

    fn skip_documents(&mut self) {
        for end in std::mem::take(&mut self.documents) {
            let lines = self.rest().get(1..).unwrap_or_default().split_inclusive('\n');
            let mut length = 0;
            for line in lines {
                length += line.len();
                if line.trim() == end {
                    break;
                }
            }
            self.at += length;
        }
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | '`')
}

/// In `NAME=$TASK_ID` before a command, and in `case $TASK_ID in`, the shell splits nothing.
fn is_kept_whole(before: &str) -> bool {
    let start = before.rfind(ends_word).map_or(0, |at| at + 1);
    let (mut earlier, mut word) = before.split_at(start);
    if word.is_empty() {
        return earlier.split_whitespace().next_back() == Some("case");
    }
    loop {
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_name));
        if !is_assignment {
            return false;
        }
        let trimmed = earlier.trim_end_matches([' ', '\t']);
        if trimmed.is_empty() || trimmed.ends_with(ends_word) || trimmed.ends_with('{') {
            return true;
        }
        let start = trimmed.rfind(ends_word).map_or(0, |at| at + 1);
        (earlier, word) = trimmed.split_at(start);
        if matches!(word, "do" | "then" | "else" | "!") {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let sign = |loose: &Loose| if loose.is_code { "code " } else { "" };
        loose(text).iter().map(|loose| format!("{}{}", sign(loose), &text[loose.at.clone()])).collect()
    }

    #[test]
    fn what_the_shell_keeps_as_one_word_is_not_found() {
        for good in [
            "claude -p \"$TASK_DESCRIPTION\"",
            "claude -p \"Do this: ${TASK_DESCRIPTION:-nothing}\" # not $TASK_ID",
            "id=$TASK_ID; A=1 B=${TASK_ID} env; if true; then X=$TASK_ID; fi",
            "{ id=$TASK_ID; }",
            "case $TASK_ID in a) exit;; esac",
            "claude -p <<END\ntask $TASK_ID: $TASK_DESCRIPTION\nEND\necho \"$TASK_ID\"",
            "cat <<-'E O'\n\t$X\n",
            "echo '$TASK_ID' \\$TASK_ID ${#TASK_ID} $TASKS $OTHER",
            "sh -c 'agent \"$TASK_DESCRIPTION\"'",
            "echo \"$(cat \"$TASK_FILE\")\" \"${X:-$TASK_ID}\"",
            "größe=\"🦀\" agent \"$TASK_ID\"",
            "",
            "\\",
            "$",
            "${",
            "\"",
            "'",
            "<<",
            "`",
            "$(",
            "<<E",
        ] {
            assert_eq!(found(good), [""; 0], "{good}");
        }
    }

    #[test]
    fn what_the_shell_splits_or_runs_is_found_at_its_place() {
        for (bad, places) in [
            ("claude -p $TASK_DESCRIPTION", &["$TASK_DESCRIPTION"][..]),
            ("a ${TASK_ID:-x y}b \"$TASK_ID\"$TASK_TRY", &["${TASK_ID:-x y}", "$TASK_TRY"]),
            ("export id=$TASK_ID", &["$TASK_ID"]),
            ("echo a=$TASK_ID", &["$TASK_ID"]),
            ("echo \"$(cat $TASK_FILE)\" `cat $TASK_FILE`", &["$TASK_FILE", "$TASK_FILE"]),
            ("sh -c 'agent $TASK_DESCRIPTION'", &["$TASK_DESCRIPTION"]),
            ("bash -lc \"agent $TASK_DESCRIPTION\"", &["code $TASK_DESCRIPTION"]),
            ("eval \"$TASK_DESCRIPTION\"", &["code $TASK_DESCRIPTION"]),
            ("agent <<END\nx $TASK_ID\nEND\necho 🦀 $TASK_ID", &["$TASK_ID"]),
            ("# it's\necho $TASK_ID", &["$TASK_ID"]),
        ] {
            assert_eq!(found(bad), places, "{bad}");
        }
    }
}
