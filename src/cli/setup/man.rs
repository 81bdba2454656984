//! Manual pages, made from the arguments.

use std::fs;
use std::path::Path;

use clap::Command;

use crate::cli::arguments::{Arguments, Topic};
use crate::cli::exit_code::Failure;
use crate::cli::guide;
use crate::domain::{visible, visible_path};

/// man indents a section by 7 columns, and is read in 80.
const PAGE_WIDTH: usize = 73;

/// The page of devgroup, or of one of its commands.
pub(super) fn page(name: Option<&str>) -> Result<String, Failure> {
    let root = grammar();
    let Some(name) = name else { return render(root) };
    match all(&root).into_iter().find(|command| title(command).strip_prefix("devgroup-") == Some(name)) {
        Some(command) => render(command.clone()),
        None => Err(Failure::Usage(format!(
            "no such command: `{}`\n  help: {}",
            visible(name),
            root.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// Writes all pages into a folder.
pub(super) fn write(folder: &Path) -> Result<(), Failure> {
    let cannot = |path: &Path| {
        let path = visible_path(path).into_owned();
        move |error: std::io::Error| Failure::Unexpected(format!("cannot write {path}: {error}"))
    };
    fs::create_dir_all(folder).map_err(cannot(folder))?;
    let root = grammar();
    for command in all(&root).into_iter().chain([&root]) {
        let file = folder.join(format!("{}.1", title(command)));
        fs::write(&file, render(command.clone())?).map_err(cannot(&file))?;
    }
    Ok(())
}

/// The commands, and those below them.
fn all(root: &Command) -> Vec<&Command> {
    root.get_subcommands().flat_map(|command| [command].into_iter().chain(all(command))).collect()
}

/// Complete, with what is global told of each command, and named as its pages are.
fn grammar() -> Command {
    let mut command = Arguments::grammar().disable_help_subcommand(true);
    command.build();
    command
}

/// The name of a page: `devgroup`, `devgroup-logs`.
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn render(command: Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    let title = title(&command);
    let examples = command.get_before_help().map(ToString::to_string);
    let is_root = command.get_name() == title;
    let rendered = clap_mangen::Man::new(command).title(title).render(&mut page);
    rendered.map_err(|error| Failure::Unexpected(error.to_string()))?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    if let Some(examples) = examples {
        page += &section("EXAMPLES", examples.strip_prefix("Examples:\n").unwrap_or(&examples));
    }
    if is_root {
        let codes = guide::render(Topic::ExitCodes.page(), PAGE_WIDTH);
        page += &section("EXIT STATUS", codes.split_once("\n\n").map_or(&*codes, |(_, codes)| codes));
    }
    Ok(page)
}

/// A section whose lines stay as they are.
fn section(title: &str, text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        // A dot at the beginning would be a request.
        if line.starts_with('.') { format!("\\&{line}\n") } else { format!("{line}\n") }
    });
    format!(".SH {title}\n.nf\n{}.fi\n", lines.collect::<String>())
}
