//! A Procfile: a line for each service that starts with the group. What it cannot say is a comment; runners read only the lines
//! that begin with a name.

use super::container::known_folder;
use super::remarks::Remarks;
use super::shell::{Exec, on_one_line, quoted};
use super::variables::{Part, Variables, Way};
use super::yaml::comment;
use super::{Export, ExportError, ExportedFile, is_worker};
use crate::domain::{Kind, RunCommand, ServiceSpec, is_variable_name};

/// The file.
///
/// # Errors
/// A path is no text.
pub(super) fn files(
    export: &Export<'_>,
    head: &[String],
    remarks: &mut Remarks,
) -> Result<Vec<ExportedFile>, ExportError> {
    let mut text: String = head.iter().map(|line| comment(line) + "\n").collect();
    for service in &export.services {
        let mut comments = remarks.of_service(export, service);
        let line = line(export, service, &mut comments, remarks)?;
        let starts = export.starts(service) && service.kind != Kind::Job;
        if !starts && service.kind != Kind::Job {
            comments.push(remarks.lost(
                &service.name,
                "autostart",
                "the runner starts every line, so this one is a comment",
            ));
        }
        text.push('\n');
        comments.iter().for_each(|line| text += &format!("{}\n", comment(line)));
        let line = format!("{}: {line}", export.name(service));
        text += &if starts { format!("{line}\n") } else { format!("{}\n", comment(&line)) };
    }
    Ok(vec![ExportedFile { name: "Procfile".into(), text, is_template: false }])
}

fn line(
    export: &Export<'_>,
    service: &ServiceSpec,
    comments: &mut Vec<String>,
    remarks: &mut Remarks,
) -> Result<String, ExportError> {
    if is_worker(service) {
        let words = export.worker_argv(service);
        return Ok(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
    }
    let mut variables = Variables::of(service, Way::PortsLeft);
    let (exported, unnameable): (Vec<(String, Vec<Part>)>, Vec<_>) =
        std::mem::take(&mut variables.table).into_iter().partition(|(name, _)| is_variable_name(name));
    drop(variables.open.splice(0..0, exported));
    for name in variables.unnameable.iter().chain(unnameable.iter().map(|(name, _)| name)) {
        comments.push(remarks.lost(&service.name, &format!("env.{name}"), "a shell has no such names"));
    }
    for name in &variables.secret {
        let how = "its value is not written: put it into the .env that the runner reads";
        comments.push(remarks.differs(&service.name, &format!("env.{name}"), how));
    }
    let own = export.group.root.join(".env");
    for file in service.env_files.iter().filter(|file| file.path != own) {
        let path = file.path.strip_prefix(&export.group.root).unwrap_or(&file.path).display().to_string();
        comments.push(remarks.lost(&service.name, "env_file", &format!("the runner reads only .env, not {path}")));
    }
    let folder = match known_folder(service, &variables) {
        Some(dir) if dir == export.group.root => None,
        Some(dir) => {
            let below = dir.strip_prefix(&export.group.root).unwrap_or(&dir);
            Some(export.text_of(service, below)?.to_owned())
        }
        None => {
            comments.push(remarks.lost(&service.name, "dir", "known only at start"));
            None
        }
    };
    let exec = match (&service.run, variables.open.is_empty(), &folder) {
        // As it is: its reader knows this line.
        (RunCommand::Shell(text), true, None) => Exec::Line(crate::domain::without_secrets(text.trim()).into_owned()),
        (run, ..) => Exec::of(run, &variables),
    };
    let exec = folder.map_or_else(|| exec.clone(), |folder| exec.clone().in_folder(&folder));
    Ok(on_one_line(&exec.into_line()))
}
