//! Commands as other engines run them: a list of words where all of them are known, otherwise a line for `sh`.

use super::variables::{INSTANCE_NUMBER, Part, Variables, fixed, parts};
use crate::domain::{MASK, RunCommand, misleads, without_secrets};

/// A command without what looks like a secret.
pub(super) fn without_secrets_of(command: &RunCommand) -> RunCommand {
    match command {
        RunCommand::Shell(text) => RunCommand::Shell(without_secrets(text).into_owned()),
        RunCommand::Argv(argv) => RunCommand::Argv(without_secrets_of_words(argv)),
    }
}

/// The same of the words of a list: an option and its value are two of them.
fn without_secrets_of_words(argv: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::with_capacity(argv.len());
    for word in argv {
        let word = without_secrets(word).into_owned();
        let masked = shown.last().and_then(|before| {
            let both = format!("{before} {word}");
            let masked = without_secrets(&both);
            (*masked != *both).then(|| masked.strip_prefix(&format!("{before} ")).unwrap_or(MASK).to_owned())
        });
        shown.push(masked.unwrap_or(word));
    }
    shown
}

/// What stands for a word that only a start knows: no secret.
const OPEN: &str = "$OPEN";

/// How a command is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exec {
    /// These words, as they are; at least one.
    Argv(Vec<String>),
    /// A line for `sh -c`.
    Line(String),
}

impl Exec {
    /// A command of a service, without secrets, and with what its variables say.
    pub(super) fn of(command: &RunCommand, variables: &Variables) -> Self {
        let exports = exports(variables);
        match without_secrets_of(command) {
            RunCommand::Shell(text) => Self::Line(exports + &replaced_by(text.trim())),
            RunCommand::Argv(argv) => {
                let words: Vec<Vec<Part>> = argv.iter().map(|word| parts(word, &variables.known)).collect();
                // What is put in may be a secret where it stands.
                let texts: Vec<String> = words.iter().map(|word| fixed(word).unwrap_or_else(|| OPEN.into())).collect();
                let texts = without_secrets_of_words(&texts).into_iter();
                let masked = |(word, text): (Vec<Part>, String)| {
                    if fixed(&word).is_some() { vec![Part::Text(text)] } else { word }
                };
                let words: Vec<Vec<Part>> = words.into_iter().zip(texts).map(masked).collect();
                let known: Option<Vec<String>> = words.iter().map(|word| fixed(word)).collect();
                match known {
                    Some(argv) if exports.is_empty() => Self::Argv(argv),
                    _ => {
                        let words: Vec<String> = words.iter().map(|parts| word(parts)).collect();
                        Self::Line(format!("{exports}exec {}", words.join(" ")))
                    }
                }
            }
        }
    }

    /// The words, with those of the shell.
    pub(super) fn into_argv(self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv,
            Self::Line(line) => vec!["sh".into(), "-c".into(), line],
        }
    }

    /// A line for a shell.
    pub(super) fn into_line(self) -> String {
        match self {
            Self::Argv(argv) => {
                format!("exec {}", argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
            }
            Self::Line(line) => line,
        }
    }

    /// The same in a folder that is gone to first.
    pub(super) fn in_folder(self, folder: &str) -> Self {
        let (folder, line) = (quoted(folder), self.into_line());
        // Of several commands, none is to run elsewhere.
        let then = if line.starts_with("exec ") { " &&" } else { " || exit 1;" };
        Self::Line(format!("cd {folder}{then} {line}"))
    }
}

/// What sets the variables that only a start knows.
fn exports(variables: &Variables) -> String {
    variables.open.iter().map(|(name, value)| format!("export {name}={}; ", word(value))).collect()
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '%' | '+' | '=' | ':' | ',' | '.' | '/' | '-');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Parts as one word of a shell.
fn word(parts: &[Part]) -> String {
    if parts.is_empty() {
        return quoted("");
    }
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => quoted(text),
            part => format!("\"{}\"", in_quotes(part)),
        })
        .collect()
}

/// A part between double quotes.
fn in_quotes(part: &Part) -> String {
    match part {
        Part::Text(text) => {
            let escape = |c: char| match c {
                '"' | '\\' | '$' | '`' | '}' => format!("\\{c}"),
                c => c.to_string(),
            };
            text.chars().map(escape).collect()
        }
        // As a start of ours, it fails where there is no value.
        Part::Variable { name, default: None } => format!("${{{name}?}}"),
        Part::Variable { name, default: Some(default) } => {
            format!("${{{name}:-{}}}", default.iter().map(in_quotes).collect::<String>())
        }
        Part::OfInstance(first) => format!("$(({first} + {INSTANCE_NUMBER} - 1))"),
    }
}

/// The line with `exec` before it where it is one plain command: signals then reach the program and not a shell.
fn replaced_by(line: &str) -> String {
    /// What a shell does itself, or reads as more than a command.
    const OWN: [&str; 28] = [
        "if", "for", "while", "until", "case", "exec", "cd", "export", "set", "unset", "source", "eval", "trap",
        "ulimit", "umask", "exit", "return", "test", "true", "false", "wait", "time", "function", "alias", "readonly",
        "local", "command", ".",
    ];
    let first = line.split_whitespace().next().unwrap_or_default();
    let is_program = first.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'));
    let is_plain = !line.contains(['|', '&', ';', '<', '>', '(', ')', '{', '}', '`', '\n', '#']);
    if is_program && is_plain && !first.is_empty() && !OWN.contains(&first) {
        format!("exec {line}")
    } else {
        line.to_owned()
    }
}

/// A line of several lines as one, in which nothing leads a terminal astray: for files that have a line for each command.
pub(super) fn on_one_line(line: &str) -> String {
    if !line.contains(misleads) {
        return line.to_owned();
    }
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '%' => "%%".to_owned(),
        c if misleads(c) => c.to_string().bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        c => c.to_string(),
    };
    let escaped: String = line.chars().map(escape).collect();
    format!("eval \"$(printf {})\"", quoted(&escaped))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::super::variables::Way;
    use super::*;
    use crate::domain::ServiceSpec;

    fn variables(env: &[(&str, &str)]) -> Variables {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let spec = ServiceSpec::new("api".into(), RunCommand::Shell("x".into()), "/w".into());
        Variables::of(&ServiceSpec { env, ..spec }, Way::ByShell)
    }

    fn line(run: &str, env: &[(&str, &str)]) -> String {
        Exec::of(&RunCommand::Shell(run.into()), &variables(env)).into_line()
    }

    fn argv(run: &[&str], env: &[(&str, &str)]) -> Exec {
        Exec::of(&RunCommand::Argv(run.iter().map(|word| (*word).to_owned()).collect()), &variables(env))
    }

    #[test]
    fn a_plain_command_takes_the_place_of_its_shell() {
        for (run, expected) in [
            ("npm run dev", "exec npm run dev"),
            ("redis-server --save ''", "exec redis-server --save ''"),
            ("a && b", "a && b"),
            ("cd x; y", "cd x; y"),
            ("A=1 b", "A=1 b"),
            ("exec x", "exec x"),
            ("x > log", "x > log"),
            (". ./env", ". ./env"),
        ] {
            assert_eq!(line(run, &[]), expected);
        }
        assert_eq!(line("serve", &[("A", "${B:-it's}")]), "export A=\"${B:-it's}\"; exec serve");
    }

    #[test]
    fn words_are_known_or_put_in_by_a_shell() {
        assert_eq!(
            argv(&["a", "${B}", "$$5"], &[("B", "x y")]),
            Exec::Argv(vec!["a".into(), "x y".into(), "$5".into()])
        );
        let open = argv(&["a", "x${B}y z", "${C:-}"], &[]);
        assert_eq!(open, Exec::Line("exec a x\"${B?}\"'y z' \"${C:-}\"".into()));
        let here = argv(&["./a", "it's"], &[]).in_folder("my app");
        assert_eq!(here.into_line(), "cd 'my app' && exec ./a 'it'\\''s'");
    }

    #[test]
    fn secrets_are_masked_in_commands() {
        let put_in = argv(&["a", "--token", "${X}", "${Y}"], &[("X", "hunter22")]);
        assert!(!format!("{put_in:?}").contains("hunter22"), "{put_in:?}");
        let masked = argv(&["a", "--token", "hunter22", "--api-key=hunter22", "x"], &[]);
        assert!(!format!("{masked:?}").contains("hunter22"), "{masked:?}");
        assert!(matches!(&masked, Exec::Argv(words) if words.len() == 5 && words[4] == "x"), "{masked:?}");
        assert_eq!(line("psql postgres://me:hunter22@db/x", &[]), "exec psql postgres://me:******@db/x");
    }

    fn said(line: &str) -> String {
        let output = Command::new("sh").args(["-c", line]).env("SET", "a \"b\" $c 'd'").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_shell_reads_what_was_written(text in "[ -~\n\t\u{1b}\r\u{85}]{1,20}|\\PC{1,5}") {
            let said_of = |parts: &[Part]| said(&format!("printf '%s|' {}", word(parts)));
            prop_assert_eq!(said_of(&[Part::Text(text.clone())]), format!("{text}|"));
            let default = || Some(vec![Part::Text(text.clone())]);
            let of = |name: &str| Part::Variable { name: name.into(), default: default() };
            prop_assert_eq!(said_of(&[of("UNSET"), Part::Text("-".into())]), format!("{text}-|"));
            prop_assert_eq!(said_of(&[of("SET")]), "a \"b\" $c 'd'|");
            let printed = format!("printf '%s|' {}", quoted(&text));
            prop_assert_eq!(said(&on_one_line(&printed)), format!("{text}|"));
        }
    }
}
