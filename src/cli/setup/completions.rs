//! Completion in shells: a script that asks this program, so that it knows each option and the services of the file.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::{Arg, Command, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Shells, Zsh};

use crate::cli::arguments::{Arguments, Topic, config_of_environment};
use crate::cli::consent;
use crate::cli::exit_code::Failure;
use crate::config::{self, Owners};
use crate::domain::misleads;

/// The shells that are known.
pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What they are told.
const COMPLETERS: Shells<'_> = Shells(&[&QuotingBash, &Zsh, &Fish]);

/// How a script asks.
const VARIABLE: &str = "DEVGROUP_COMPLETE";

/// What stands for the name of a service in the help.
const SERVICE_WORDS: [&str; 2] = ["SERVICE", "A,B"];

/// Answers a shell that asks what may stand here. To be called before anything else; says whether it was so.
pub(in crate::cli) fn complete() -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(grammar)
        .var(VARIABLE)
        .shells(COMPLETERS)
        .try_complete(std::env::args_os(), here.as_deref())
}

/// The script for a shell. It calls the `devgroup` that is on the path then.
pub(super) fn script(shell: &str) -> Result<String, Failure> {
    let mut text = Vec::new();
    let completer = COMPLETERS.completer(shell).ok_or_else(|| Failure::Usage(format!("unknown shell `{shell}`")))?;
    let written = completer.write_registration(VARIABLE, "devgroup", "devgroup", "devgroup", &mut text);
    written.map_err(|error| Failure::Unexpected(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Bash, which puts what it is told into the line as it is: a file called `$(reboot)` would be run by the Enter key. Zsh and
/// fish quote by themselves.
struct QuotingBash;

/// The place in the script of `clap_complete` where the answers are taken, expanding patterns in them …
const TAKES: (&str, &str) =
    ("COMPREPLY=( $( \\\n", ") )\n    if [[ $? != 0 ]]; then\n        unset COMPREPLY\n    elif");

/// … and what stands there instead.
const QUOTES: (&str, &str) = (
    "local -a answers=()\n    read -r -d '' -a answers < <( \\\n",
    ")\n    local answer\n    COMPREPLY=()\n    for answer in ${answers[@]+\"${answers[@]}\"}; do\n        \
     printf -v answer %q \"$answer\"\n        COMPREPLY+=(\"$answer\")\n    done\n    if",
);

impl EnvCompleter for QuotingBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> Result<(), io::Error> {
        let mut script = Vec::new();
        Bash.write_registration(var, name, bin, completer, &mut script)?;
        let script = String::from_utf8_lossy(&script);
        let changed = script.replacen(TAKES.0, QUOTES.0, 1).replacen(TAKES.1, QUOTES.1, 1);
        if !changed.contains(QUOTES.0) || !changed.contains(QUOTES.1) {
            return Err(io::Error::other("clap_complete generates another script now: names would not be quoted"));
        }
        buf.write_all(changed.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> Result<(), io::Error> {
        Bash.write_complete(cmd, args, current_dir, buf)
    }
}

fn grammar() -> Command {
    // The first `--` ends what the script says to us; then come the words of the command line, its name first.
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(2).collect();
    let names = move || services(&words);
    let help = |help: Command| help.mut_arg("topic", |topic| topic.add(ArgValueCandidates::new(topics)));
    with_services(Arguments::grammar(), &ArgValueCandidates::new(names)).mut_subcommand("help", help)
}

/// What there is a page of help about.
fn topics() -> Vec<CompletionCandidate> {
    let topics = Topic::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let topics = topics.map(|topic| CompletionCandidate::new(topic.get_name()).help(topic.get_help().cloned()));
    let grammar = Arguments::grammar();
    let commands = grammar.get_subcommands();
    let commands =
        commands.map(|command| CompletionCandidate::new(command.get_name()).help(command.get_about().cloned()));
    topics.chain(commands).collect()
}

fn with_services(command: Command, names: &ArgValueCandidates) -> Command {
    let is_service = |argument: &Arg| {
        let words = argument.get_value_names().unwrap_or_default();
        words.iter().any(|word| SERVICE_WORDS.contains(&word.as_str()))
    };
    command
        .mut_args(|argument| if is_service(&argument) { argument.add(names.clone()) } else { argument })
        .mut_subcommands(|below| with_services(quiet_aliases(below), names))
}

/// Aliases stay known and are not offered: of names with one meaning only one is shown, and that is to be the main one.
fn quiet_aliases(command: Command) -> Command {
    let aliases: Vec<String> = command.get_all_aliases().map(str::to_owned).collect();
    command.visible_alias(Resettable::Reset).aliases(aliases)
}

/// The services of the file that these words mean.
fn services(words: &[OsString]) -> Vec<CompletionCandidate> {
    let here = value_of(words, "-C", None).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let named = value_of(words, "-f", Some("--config")).map(PathBuf::from).or_else(config_of_environment);
    let file = match named {
        Some(named) => Some((here.join(named), Owners::Any)),
        None => {
            config::find(&here, consent).and_then(|found| consent(&found.file).ok().map(|owners| (found.file, owners)))
        }
    };
    let names = file.map(|(file, owners)| config::service_names(&file, owners)).unwrap_or_default();
    // One that is wrong in the file is nothing to offer.
    let names = names.into_iter().filter(|(name, _)| !name.contains(misleads));
    names.map(|(name, about)| CompletionCandidate::new(name).help(about.map(Into::into))).collect()
}

/// The value of an option, joined to it or behind it. The last one counts.
fn value_of(words: &[OsString], short: &str, long: Option<&str>) -> Option<OsString> {
    let mut found = None;
    for (index, word) in words.iter().enumerate() {
        let text = word.to_string_lossy();
        if text == "--" {
            break;
        }
        if text == short || long.is_some_and(|long| text == long) {
            // The word that is being typed has no value yet.
            found = words.get(index + 1).filter(|value| !value.is_empty()).cloned().or(found);
        } else if let Some(value) =
            long.and_then(|long| text.strip_prefix(long)).and_then(|rest| rest.strip_prefix('='))
        {
            found = Some(OsStr::new(value).to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_in_each_of_its_forms() {
        let value = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            value_of(&words, "-f", Some("--config")).map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(value("logs -f a.toml"), Some("a.toml".into()));
        assert_eq!(value("--config=a.toml logs --config b.toml"), Some("b.toml".into()));
        assert_eq!(value("logs api"), None);
        assert_eq!(value("-f "), None);
        assert_eq!(value("hold -- -f a.toml"), None);
    }
}
