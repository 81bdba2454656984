//! The commands that make files, and need no group.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint, builder::PossibleValuesParser};

use super::completions;

/// What to make.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SetupTask {
    /// Generate a procgroup.toml from Procfiles, compose files, package scripts and other tools' files
    #[command(before_help = "\
Examples:
  devgroup init                       write the file; report what was found, guessed and skipped
  devgroup init --dry-run             only print the file
  devgroup init --from Procfile.dev   read only this file, or a kind of file:  --from compose")]
    Init(InitArguments),
    /// Print the JSON Schema of procgroup.toml, for editors
    #[command(before_help = "\
Examples:
  devgroup schema > procgroup.schema.json
  #:schema ./procgroup.schema.json       as the first line of procgroup.toml, for Taplo and Even Better TOML")]
    Schema,
    /// Print a completion script for commands, options and service names
    #[command(before_help = "\
Examples:
  devgroup completions bash > ~/.local/share/bash-completion/completions/devgroup
  devgroup completions zsh > ~/.zfunc/_devgroup         with  fpath+=~/.zfunc  before compinit
  devgroup completions fish > ~/.config/fish/completions/devgroup.fish")]
    Completions {
        /// The shell to print it for
        #[arg(value_parser = PossibleValuesParser::new(completions::SHELLS))]
        shell: String,
    },
    /// Print the manual page of devgroup or of a command
    #[command(before_help = "\
Examples:
  devgroup man | man -l -                               read the page
  devgroup man logs | man -l -                          read the page of a command
  devgroup man --dir ~/.local/share/man/man1            write all pages, for `man devgroup-logs`")]
    Man {
        /// The command (default: devgroup itself)
        #[arg(conflicts_with = "dir")]
        command: Option<String>,
        /// Write all pages into this folder; create it if needed
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

/// From what to write a file, and whether.
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArguments {
    /// Read only this file, or this kind of file (mprocs, procfile, compose, package, cargo, …)
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    pub(super) from: Option<String>,
    /// Write nothing: print the file to stdout and the report to stderr
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Overwrite an existing procgroup.toml
    #[arg(long)]
    pub(super) force: bool,
}
