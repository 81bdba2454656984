//! Options that stand before a command, with their values: `-C web status` is read as `-Cweb status`.
//!
//! clap takes each word that is the name of a command for that command, also where it is the value of an option
//! (`subcommand_precedence_over_arg`). A folder, a group and a service may be called like one: `web`, `run`, `logs`.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::arguments::COMMANDS;

/// The words of a command line, the program first, with each option that takes such a word joined to it. What stands behind
/// the command or `--` is left as it is.
pub(super) fn joined(grammar: &Command, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut all: Vec<OsString> = words.next().into_iter().collect();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        if text == "--" || COMMANDS.contains(&text) {
            all.push(word);
            break;
        }
        let Some(between) = before_its_value(grammar, text) else {
            all.push(word);
            continue;
        };
        match words.next() {
            Some(value) if value.to_str().is_some_and(|value| COMMANDS.contains(&value)) => {
                let mut both = word;
                both.push(between);
                both.push(value);
                all.push(both);
            }
            value => all.extend([Some(word), value].into_iter().flatten()),
        }
    }
    all.extend(words);
    all
}

/// What stands between this word and its value if they are one word; nothing if it is no option whose value is the next word.
fn before_its_value(grammar: &Command, word: &str) -> Option<&'static str> {
    let takes = |argument: &&Arg| argument.get_action().takes_values() && !argument.is_positional();
    if let Some(name) = word.strip_prefix("--") {
        let is_it = |argument: &&Arg| {
            argument.get_long() == Some(name) || argument.get_all_aliases().is_some_and(|names| names.contains(&name))
        };
        return grammar.get_arguments().filter(takes).any(|argument| is_it(&argument)).then_some("=");
    }
    // Of several letters, the first that takes a value has the rest of the word.
    let letters = word.strip_prefix('-')?;
    let takes =
        |letter: char| grammar.get_arguments().filter(takes).any(|argument| argument.get_short() == Some(letter));
    let place = letters.find(takes)?;
    (letters[place..].chars().count() == 1).then_some("")
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Arguments;
    use super::*;

    #[test]
    fn a_word_that_is_a_command_may_be_the_value_of_an_option() {
        let joined = |line: &str| {
            let words = joined(&Arguments::grammar(), line.split(' ').map(OsString::from));
            words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        for (line, expected) in [
            ("devgroup -C web status", "devgroup -Cweb status"),
            ("devgroup -dC web", "devgroup -dCweb"),
            ("devgroup -g web --config run.toml logs web", "devgroup -gweb --config run.toml logs web"),
            ("devgroup --group logs down", "devgroup --group=logs down"),
            ("devgroup --exit-code-from web --only web,api", "devgroup --exit-code-from=web --only web,api"),
            ("devgroup -Cd web", "devgroup -Cd web"),
            ("devgroup --paused web --open", "devgroup --paused web --open"),
            ("devgroup -- -C web", "devgroup -- -C web"),
            ("devgroup -C", "devgroup -C"),
            ("devgroup api -C x web", "devgroup api -C x web"),
        ] {
            assert_eq!(joined(line), expected);
        }
    }
}
