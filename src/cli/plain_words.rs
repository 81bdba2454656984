//! Command lines of names alone, read without clap: `devgroup`, `devgroup api web`.
//!
//! They are most of those that run a group. clap would build the grammar of all commands for them, half a millisecond before
//! the first frame, and a process that has asked it keeps its code and tables in memory as long as the group runs.

use std::ffi::OsString;

use super::arguments::{Arguments, Place, RunArguments, config_of_environment};

/// The arguments of the process, of which none is the name of a command.
///
/// # Errors
/// They make no sense, or ask for help.
pub(super) fn read() -> Result<Arguments, clap::Error> {
    names(std::env::args_os()).map_or_else(Arguments::read, |services| {
        let place = Place { config: config_of_environment(), directory: None, group: None, client: None };
        Ok(Arguments { place, run: RunArguments::of(services), task: None })
    })
}

/// The words behind the program, if none of them can be anything but the name of a service.
fn names(arguments: impl Iterator<Item = OsString>) -> Option<Vec<String>> {
    arguments.skip(1).map(|word| word.into_string().ok().filter(|word| !word.starts_with('-'))).collect()
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn names_are_read_as_clap_reads_them_and_all_else_is_left_to_it() {
        let names = |line: &str| names(line.split(' ').map(OsString::from));
        for line in ["devgroup", "devgroup api", "devgroup api worker.2 @backend w* api"] {
            let matches = Arguments::grammar().try_get_matches_from(line.split(' ')).unwrap();
            let run = Arguments::from_arg_matches(&matches).unwrap().run;
            assert_eq!(RunArguments::of(names(line).unwrap()), run, "{line}");
        }
        for line in ["devgroup -d", "devgroup api --no-tui", "devgroup -- api", "devgroup -", "devgroup --help"] {
            assert_eq!(names(line), None, "{line}");
        }
    }
}
