//! `devgroup export`: the group as files of another engine, on stdout or in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use super::arguments::{self, Place};
use super::exit_code::Failure;
use super::{file, invalid, new_file, print, print_message};
use crate::config;
use crate::domain::{GroupSpec, plain_error, visible, visible_lines, visible_path};
use crate::export::{ExportError, Exported, ExportedFile, Options, Target, export};

pub(super) const EXAMPLES: &str = "\
Examples:
  devgroup export compose --image shop:latest      print a compose file
  devgroup export kubernetes -o deploy             write a file for each service into deploy/
  devgroup export systemd -o ~/.config/systemd/user
  devgroup export procfile --service web --strict  exit with 3 if something cannot be exported";

/// To what to export, and where to.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The engine to write files for
    #[arg(value_name = "ENGINE")]
    engine: Engine,
    /// Write the files into this folder; create it if needed (default: `-`, stdout)
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
    /// The container image of the services (default: `image` in `[export]`)
    #[arg(long)]
    image: Option<String>,
    /// Export only these services
    #[arg(long, value_name = "SERVICE", num_args = 1.., value_delimiter = ',')]
    service: Vec<String>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    /// Exit with 3 if something has no counterpart in the engine
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    /// Docker Compose
    Compose,
    /// Kubernetes
    Kubernetes,
    /// Units of the user's systemd
    Systemd,
    /// foreman, overmind, honcho
    Procfile,
}

impl Engine {
    fn target(self) -> Target {
        match self {
            Self::Compose => Target::Compose,
            Self::Kubernetes => Target::Kubernetes,
            Self::Systemd => Target::Systemd,
            Self::Procfile => Target::Procfile,
        }
    }
}

/// Exports the group. The exit code is 3 for warnings that are to be errors.
pub(super) fn run(arguments: &ExportArguments, place: &Place) -> Result<u8, Failure> {
    let loaded = file(place.config.as_deref())?.load().map_err(invalid)?;
    let spec = config::with_group_values(loaded.spec);
    let folder = arguments.output.as_deref().filter(|folder| *folder != Path::new("-"));
    let options = Options {
        image: arguments.image.clone(),
        services: spec.roster().resolve(arguments.service.iter().map(String::as_str))?,
        folder: folder.map_or_else(|| Ok(spec.root.clone()), absolute)?,
        names: names(&spec)?,
        commands: arguments::COMMANDS,
    };
    let exported = export(&spec, arguments.engine.target(), &options).map_err(failure)?;
    match folder {
        Some(folder) => write(folder, &exported, arguments.force)?,
        None => print(&on_stdout(&exported.files))?,
    }
    let warnings: Vec<String> =
        exported.warnings.iter().map(|warning| format!("warning: {}", visible(warning))).collect();
    if !warnings.is_empty() {
        print_message(&warnings.join("\n"));
    }
    Ok(if arguments.strict && !warnings.is_empty() { 3 } else { 0 })
}

fn absolute(folder: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(folder)
        .map_err(|error| Failure::Usage(format!("-o {}: {}", visible_path(folder), plain_error(&error))))
}

/// The names of variables in the environment files of the group. Their values stay where they are.
fn names(spec: &GroupSpec) -> Result<BTreeMap<PathBuf, BTreeSet<String>>, Failure> {
    let mut names = BTreeMap::new();
    for file in spec.services.iter().flat_map(|service| &service.env_files) {
        let found = config::names_in(file).map_err(|error| Failure::Invalid(format!("error: {error}")))?;
        names.extend(found.map(|found| (file.path.clone(), found)));
    }
    Ok(names)
}

fn failure(error: ExportError) -> Failure {
    let help = match &error {
        ExportError::NoImage(names) => {
            let first = names.first().map(ToString::to_string).unwrap_or_default();
            format!(
                "\n  help: --image IMAGE, or in procgroup.toml:\n[export]\nimage = \"shop:latest\"\nimages = {{ {first} = \"postgres:16\" }}"
            )
        }
        ExportError::SameName { .. } => "\n  help: rename one of them, or export the others with --service".into(),
        ExportError::NotText { .. } | ExportError::Nothing => String::new(),
    };
    Failure::Usage(visible_lines(&format!("{error}{help}")).into_owned())
}

/// All files in one stream. What is to be filled in first is a comment.
fn on_stdout(files: &[ExportedFile]) -> String {
    if let [only] = files {
        return only.text.clone();
    }
    let mut out = String::new();
    for file in files {
        if file.name.ends_with(".yaml") && !out.is_empty() {
            out += "---\n";
        } else if !out.is_empty() {
            out.push('\n');
        }
        out += &format!("# file: {}\n", file.name);
        if file.is_template {
            file.text.lines().for_each(|line| out += &format!("{}\n", format!("# {line}").trim_end()));
        } else {
            out += &file.text;
        }
    }
    out
}

/// All files or none, as far as that can be known before.
fn write(folder: &Path, exported: &Exported, force: bool) -> Result<(), Failure> {
    let there =
        exported.files.iter().map(|file| folder.join(&file.name)).filter(|path| path.symlink_metadata().is_ok());
    let there: Vec<String> = there.map(|path| visible_path(&path).into_owned()).collect();
    if let Some(first) = there.first().filter(|_| !force) {
        let more = if there.len() > 1 { format!(", and {} more", there.len() - 1) } else { String::new() };
        return Err(Failure::Usage(format!(
            "{first} already exists{more}; nothing was written\n  help: --force overwrites, `-o -` prints"
        )));
    }
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::Unexpected(format!("cannot write {}: {}", visible_path(path), plain_error(error)))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut said = String::new();
    for file in &exported.files {
        let path = folder.join(&file.name);
        new_file::write(&path, &file.text, force).map_err(|error| failed(&path, &error))?;
        said += &format!("wrote {}\n", visible_path(&path));
    }
    print(&said)
}
