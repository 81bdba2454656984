//! `devgroup init`: looks around, says what it found, and writes the file.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::InitArguments;
use crate::cli::arguments::Place;
use crate::cli::exit_code::Failure;
use crate::cli::{new_file, print, print_message, style};
use crate::config;
use crate::display;
use crate::domain::{plain_error, visible, visible_path};
use crate::init::{Disk, Note, Only, propose};

/// Looks around and writes. The exit code is 3 if what is written needs an edit before it can be used.
pub(super) fn run(arguments: &InitArguments, place: &Place) -> Result<u8, Failure> {
    let target = target(place)?;
    let name = visible_path(Path::new(target.file_name().unwrap_or(target.as_os_str()))).into_owned();
    let there = target.symlink_metadata().is_ok();
    if there && !arguments.force && !arguments.dry_run {
        return Err(Failure::Usage(format!(
            "{name} already exists, and was not changed\n  help: --dry-run shows what would be written, --force overwrites it"
        )));
    }
    // What is written would land where it leads, which may be anybody's file.
    if arguments.force && !arguments.dry_run && target.is_symlink() {
        let leads = fs::read_link(&target).map_or_else(|error| error.to_string(), |to| visible_path(&to).into_owned());
        return Err(Failure::Usage(format!(
            "{name} is a link to {leads}, and was not changed\n  help: remove the link, or write to its target: -f {leads}"
        )));
    }
    let root = target.parent().unwrap_or(Path::new("."));
    if !root.is_dir() {
        return Err(Failure::Usage(format!("no such folder: {}", visible_path(root))));
    }
    let disk = Disk::list(root);
    let only = arguments.from.as_deref().map(|from| Only::parse(from, &disk)).transpose().map_err(Failure::Usage)?;
    let proposal = propose(&disk, only.as_ref());
    let report = report(&proposal.notes);
    if arguments.dry_run {
        print_message(&report);
        print(&proposal.text)?;
    } else {
        new_file::write(&target, &proposal.text, arguments.force).map_err(|error| {
            Failure::Unexpected(format!("cannot write {}: {}", visible_path(&target), plain_error(&error)))
        })?;
        print(&report)?;
    }
    if let Some(above) = root.parent().and_then(config::find_nearest) {
        print_message(&format!("note: from here, devgroup no longer finds {}", visible_path(&above)));
    }
    let wrote = if arguments.dry_run { "would write" } else { "wrote" };
    let services = proposal.services;
    match (config::parse(&proposal.text, &target), services) {
        (Err(diagnostics), _) => {
            print_message(diagnostics.render(style()).trim_end());
            print_message(&format!("{wrote} {name}; it needs these edits before you can use it"));
            return Ok(3);
        }
        (Ok(_), 0) => print_message(&format!("{wrote} {name} with an example to edit: no file here says what to run")),
        (Ok(loaded), _) => {
            if !loaded.warnings.is_empty() {
                print_message(loaded.warnings.render(style()).trim_end());
            }
            let plural = if services == 1 { "" } else { "s" };
            print_message(&format!("{wrote} {name}: {services} service{plural} · next: devgroup check, then devgroup"));
        }
    }
    Ok(0)
}

/// The file that is written: the one that is named, or ours in the current folder, whatever is above.
fn target(place: &Place) -> Result<PathBuf, Failure> {
    let file = place.config.clone().unwrap_or_else(|| config::FILE_NAME.into());
    std::path::absolute(&file).map_err(|error| Failure::Unexpected(format!("{}: {error}", visible_path(&file))))
}

fn report(notes: &[Note]) -> String {
    let width = notes.iter().map(|note| display::width(&note.source)).max().unwrap_or_default().min(30);
    let lines = notes.iter().map(|note| {
        let line = format!("{:8} {:width$}  {}", note.finding.word(), note.source, note.text);
        // Names of files and lines of them are of others.
        visible(&line).into_owned() + "\n"
    });
    lines.collect()
}
