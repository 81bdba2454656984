//! The commands that make files, and need no group.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint, builder::PossibleValuesParser};

use super::completions;

/// What to make.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SetupTask {
    /// Write a first procgroup.toml from what is here: Procfiles, compose files, package scripts and their like
    #[command(before_help = "\
Examples:
  devgroup init                       say what was found, guessed and skipped, and write the file
  devgroup init --dry-run             only print it
  devgroup init --from Procfile.dev   from this file alone; or a kind:  --from compose")]
    Init(InitArguments),
    /// Print the JSON Schema of procgroup.toml, for editors
    #[command(before_help = "\
Examples:
  devgroup schema > procgroup.schema.json
  #:schema ./procgroup.schema.json       as the first line of procgroup.toml, for Taplo and Even Better TOML")]
    Schema,
    /// Print what a shell needs to complete commands, options and the names of services
    #[command(before_help = "\
Examples:
  devgroup completions bash > ~/.local/share/bash-completion/completions/devgroup
  devgroup completions zsh > ~/.zfunc/_devgroup         with  fpath+=~/.zfunc  before compinit
  devgroup completions fish > ~/.config/fish/completions/devgroup.fish")]
    Completions {
        /// The shell to complete commands in
        #[arg(value_parser = PossibleValuesParser::new(completions::SHELLS))]
        shell: String,
    },
    /// Print the manual page of devgroup or of one of its commands
    #[command(before_help = "\
Examples:
  devgroup man | man -l -                               read it
  devgroup man logs | man -l -                          that of a command
  devgroup man --dir ~/.local/share/man/man1            write all of them, for `man devgroup-logs`")]
    Man {
        /// Of this command
        #[arg(conflicts_with = "dir")]
        command: Option<String>,
        /// Write all pages into this folder, which is made if need be
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
}

/// From what to write a file, and whether.
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArguments {
    /// Read only this file or this kind of file (mprocs, procfile, compose, package, cargo, …)
    #[arg(long, value_name = "SOURCE", value_hint = ValueHint::FilePath)]
    pub(super) from: Option<String>,
    /// Write nothing: the file goes to stdout, the findings to stderr
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Overwrite a procgroup.toml that is there
    #[arg(long)]
    pub(super) force: bool,
}
