//! `devgroup ls`: every running group of this user on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::super::exit_code::{Failure, sandbox};
use super::{groups, output};
use crate::app;
use crate::clock;
use crate::control::{Ask, ClientError, GroupTrace, Reply, Status, group_traces};
use crate::display;
use crate::domain::{approx, path_text, visible, visible_path};

/// A group, for programs.
#[derive(Debug, Serialize)]
struct Group {
    name: String,
    /// `running`, or why its services are not known: `silent`, `not-allowed`, `unreachable`.
    state: &'static str,
    /// Why its services are not known, for people.
    problem: Option<String>,
    /// The process by which the user knows the group.
    pid: Option<u32>,
    file: Option<String>,
    folder: Option<String>,
    branch: Option<String>,
    /// RFC 3339 UTC.
    started_at: Option<String>,
    /// How many services are in which state.
    states: Option<BTreeMap<String, usize>>,
    /// What it was started for, if it ends with that, for people.
    temporary: Option<String>,
    /// The pages of its services that run.
    urls: BTreeMap<String, String>,
}

/// What a group has said, or why it has said nothing.
enum Said {
    /// Its file, and its state.
    Status(PathBuf, Box<Status>),
    /// It does not run any more.
    Gone,
    Nothing(ClientError),
}

/// Lists them. The exit code is 8 if one may not be asked from here.
pub(super) fn run(json: bool) -> Result<u8, Failure> {
    let mut way_out = None;
    let mut found: Vec<Group> = Vec::new();
    for (trace, said) in groups::ask_each(group_traces(), ask) {
        if let Some(Said::Nothing(error @ ClientError::NotAllowed { .. })) = &said {
            way_out = Some(sandbox(error));
        }
        found.extend(group(&trace, said.unwrap_or(Said::Nothing(ClientError::Silent))));
    }
    found.sort_by(|a, b| (&a.name, &a.folder).cmp(&(&b.name, &b.folder)));
    if json {
        output::write(&output::json(&found)?)?;
    } else if found.is_empty() {
        super::super::print_message("no group is running\n  help: `devgroup up` starts the group of this folder");
    } else {
        output::write(&table(&found))?;
    }
    let Some(way_out) = way_out else { return Ok(0) };
    super::super::print_message(&format!("some groups cannot be reached from here\n  help: {way_out}"));
    Ok(8)
}

fn ask(trace: &GroupTrace) -> Said {
    let met = trace.meet().and_then(|mut client| {
        let file = PathBuf::from(&client.hello().file);
        Ok((file, client.ask(Ask::Status { follow: false, usage: false })?))
    });
    match met {
        Ok((file, Reply::Status(status))) => Said::Status(file, status),
        Ok(_) => Said::Nothing(ClientError::Malformed("no state".into())),
        // Those that are just ending are as good as gone.
        Err(ClientError::NotRunning | ClientError::Ended { .. } | ClientError::Lost) => Said::Gone,
        Err(error) => Said::Nothing(error),
    }
}

fn group(trace: &GroupTrace, said: Said) -> Option<Group> {
    let place = |file: Option<&Path>| {
        let folder = file.and_then(Path::parent);
        let text = |path: &Path| path_text(path).into_owned();
        (file.map(text), folder.map(text), folder.and_then(app::branch_of))
    };
    match said {
        Said::Gone => None,
        Said::Status(file, status) => {
            let (file, folder, branch) = place(Some(&file));
            let mut states = BTreeMap::new();
            for service in &status.services {
                *states.entry(service.state.clone()).or_default() += 1;
            }
            let runs = status.services.iter().filter(|service| service.pid.is_some());
            let urls = runs.filter_map(|service| Some((service.name.clone(), service.url.clone()?)));
            Some(Group {
                name: status.project.clone(),
                state: "running",
                problem: None,
                pid: Some(status.pid),
                started_at: Some(status.started_at.clone()).filter(|at| !at.is_empty()),
                states: Some(states),
                temporary: status.temporary_for(),
                urls: urls.collect(),
                file,
                folder,
                branch,
            })
        }
        Said::Nothing(error) => {
            let note = trace.note();
            let (file, folder, branch) = place(note.file.as_deref());
            let state = match &error {
                ClientError::Silent => "silent",
                ClientError::NotAllowed { .. } => "not-allowed",
                _ => "unreachable",
            };
            let noted = Some(note.pid).filter(|pid| *pid != 0);
            Some(Group {
                name: groups::name_of(trace),
                state,
                problem: Some(error.to_string()),
                pid: noted.or_else(|| trace.listener().map(app::guard_of)),
                started_at: None,
                states: None,
                temporary: None,
                urls: BTreeMap::new(),
                file,
                folder,
                branch,
            })
        }
    }
}

fn table(found: &[Group]) -> String {
    let head = ["GROUP", "FOLDER", "BRANCH", "UP", "SERVICES", "PAGES"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(found.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| display::width(&row[column])).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += cell;
            line += &" ".repeat(width.saturating_sub(display::width(cell)) + 2);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(group: &Group) -> [String; 6] {
    let services = match (&group.states, group.state) {
        // What needs a look comes first.
        (Some(states), _) => {
            let rank = |state: &str| !matches!(state, "failed" | "crash-loop" | "retrying" | "blocked");
            let mut states: Vec<_> = states.iter().collect();
            states.sort_by_key(|(state, count)| (rank(state), std::cmp::Reverse(**count)));
            let states = states.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ");
            group.temporary.iter().fold(states, |states, temporary| format!("{states} · {temporary}"))
        }
        (None, state) => {
            let what = match state {
                "silent" => "does not answer",
                "not-allowed" => "not allowed from here",
                _ => group.problem.as_deref().unwrap_or(state),
            };
            group.pid.map_or_else(|| what.to_owned(), |pid| format!("{what} (pid {pid})"))
        }
    };
    let up = group.started_at.as_deref().and_then(clock::time_since);
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    [
        visible(&group.name).into_owned(),
        group.folder.as_deref().map_or_else(|| "-".into(), |folder| from_home(Path::new(folder))),
        visible(&or_nothing(&group.branch)).into_owned(),
        up.map_or_else(|| "-".into(), |up: Duration| approx(up)),
        visible(&services).into_owned(),
        visible(&group.urls.values().cloned().collect::<Vec<_>>().join(" ")).into_owned(),
    ]
}

/// A folder as people write it: `~/src/shop`.
fn from_home(folder: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    match home.and_then(|home| folder.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", visible_path(rest)),
        None => visible_path(folder).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_is_known_of_each_group() {
        let blank = || Group {
            name: "shop".into(),
            state: "running",
            problem: None,
            pid: Some(7),
            file: Some("/w/shop/procgroup.toml".into()),
            folder: Some("/w/shop".into()),
            branch: Some("main".into()),
            started_at: None,
            states: Some([("ready".into(), 3), ("failed".into(), 1), ("done".into(), 1)].into()),
            temporary: None,
            urls: [("web".into(), "http://localhost:4000".into())].into(),
        };
        let temporary = Group {
            name: "wiki".into(),
            states: Some([("ready".into(), 1)].into()),
            temporary: Some("temporary, for `devgroup run seed`".into()),
            urls: BTreeMap::new(),
            ..blank()
        };
        let silent = Group {
            name: "blog".into(),
            state: "silent",
            folder: None,
            branch: None,
            states: None,
            urls: BTreeMap::new(),
            ..blank()
        };
        let expected = "\
GROUP  FOLDER   BRANCH  UP  SERVICES                                      PAGES
shop   /w/shop  main    -   1 failed, 3 ready, 1 done                     http://localhost:4000
wiki   /w/shop  main    -   1 ready · temporary, for `devgroup run seed`
blog   -        -       -   does not answer (pid 7)
";
        assert_eq!(table(&[blank(), temporary, silent]), expected);
    }
}
