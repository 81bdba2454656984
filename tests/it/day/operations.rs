//! What those do who work with the group.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::agreement::of_runs;
use super::group::{Plan, WORKERS, server, watched};
use crate::harness::{Chance, Dash, Project, Stream, Streamed, kill, program_below, stop};
use crate::web::{Page, Reading};

/// As many dashboards, readers and tabs there are at once.
const LOOKERS: usize = 3;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Edit,
    SaveTheSame,
    SaveAll,
    Break,
    Checkout,
    Commit,
    HoldCheckout,
    Flood,
    Kill,
    Attach,
    Type,
    Detach,
    Follow,
    StopFollowing,
    OpenTab,
    CloseTab,
    DropTask,
    DropBatch,
    DropNonsense,
    Reload,
    BreakTheFile,
    Nap,
    Scrape,
    Measure,
    Settle,
    Restart,
    RestartAndWait,
    Stop,
    Start,
    Scale,
    Pause,
    Resume,
}

use Operation as O;

/// Each of them, the more frequent ones several times. The day begins with all of them, the last one first: what is opened is then
/// closed again.
pub(super) const OPERATIONS: [Operation; 40] = [
    O::Resume,
    O::Pause,
    O::Edit,
    O::SaveTheSame,
    O::SaveAll,
    O::Break,
    O::Checkout,
    O::Commit,
    O::HoldCheckout,
    O::Flood,
    O::Kill,
    O::StopFollowing,
    O::Follow,
    O::CloseTab,
    O::OpenTab,
    O::Detach,
    O::Type,
    O::Attach,
    O::DropTask,
    O::DropBatch,
    O::DropNonsense,
    O::Reload,
    O::BreakTheFile,
    O::Nap,
    O::Scrape,
    O::Measure,
    O::Settle,
    O::Restart,
    O::RestartAndWait,
    O::Stop,
    O::Start,
    O::Scale,
    O::Edit,
    O::Edit,
    O::Edit,
    O::Kill,
    O::Kill,
    O::Reload,
    O::Start,
    O::Resume,
];

/// A group, and who works with it.
pub(super) struct Day<'p> {
    project: &'p Project,
    page: Page,
    chance: Chance,
    /// Operations so far.
    number: usize,
    /// The last content that was written.
    version: u64,
    plan: Plan,
    is_broken: bool,
    is_other_branch: bool,
    dashboards: Vec<Dash<'p>>,
    readers: Vec<Stream<'p>>,
    tabs: Vec<Reading>,
    /// Tasks that will have a result: the worker and the id.
    tasks: Vec<(&'static str, String)>,
}

impl<'p> Day<'p> {
    pub(super) fn new(project: &'p Project, page: Page, chance: Chance) -> Self {
        Self {
            project,
            page,
            chance,
            number: 0,
            version: 10,
            plan: Plan::default(),
            is_broken: false,
            is_other_branch: false,
            dashboards: Vec::new(),
            readers: Vec::new(),
            tabs: Vec::new(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn project(&self) -> &'p Project {
        self.project
    }

    /// The last operation, by its number.
    pub(super) fn number(&self) -> String {
        format!("operation {}", self.number)
    }

    /// The last file that could be read.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The file on disk cannot be read.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Tasks that were dropped and must have a result.
    pub(super) fn take_tasks(&mut self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.tasks)
    }

    /// Asks the group by a command, which may fail: a service may not be there now.
    pub(super) fn ask(&self, arguments: &[&str]) -> Streamed {
        let asked = Stream::ask(self.project, arguments);
        assert!(asked.code.is_some(), "{arguments:?}: {asked:?}");
        asked
    }

    /// Does this, or something by chance.
    pub(super) fn act(&mut self, next: Option<Operation>) {
        self.number += 1;
        let operation = next.unwrap_or_else(|| *self.chance.one(&OPERATIONS));
        eprintln!("#{} {operation:?}", self.number);
        match operation {
            O::Edit | O::SaveTheSame | O::SaveAll | O::Break | O::Checkout | O::Commit | O::HoldCheckout => {
                self.write(operation);
            }
            O::Attach | O::Type | O::Detach | O::Follow | O::StopFollowing | O::OpenTab | O::CloseTab => {
                self.look(operation);
            }
            O::DropTask | O::DropBatch | O::DropNonsense => self.drop_tasks(operation),
            O::Reload | O::BreakTheFile => self.write_file(operation == O::BreakTheFile),
            O::Flood => {
                let lines = (self.chance.below(20_000) + 1).to_string();
                self.ask(&["send", "flood", &lines]);
            }
            O::Kill => self.kill_one(),
            O::Nap => self.nap(),
            O::Scrape => self.scrape(),
            O::Measure => drop(self.ask(&["status", "--usage", "--json"])),
            O::Settle => self.settle(),
            O::Pause => drop(self.ask(&["pause"])),
            O::Resume => drop(self.ask(&["resume"])),
            O::Restart | O::RestartAndWait | O::Stop | O::Start | O::Scale => self.order(operation),
        }
        for dashboard in &mut self.dashboards {
            dashboard.wait_until_raw("what is there is read", |_| true);
        }
    }

    /// The group says that everything is done that was to be done.
    pub(super) fn settle(&self) {
        let asked = self.ask(&["settle", "--json", "--timeout", "60s"]);
        assert!(matches!(asked.code, Some(0 | 5)), "{}: {asked:?}", self.number());
    }

    /// A new content for this service.
    pub(super) fn edit(&mut self, folder: &str) {
        self.version += 1;
        self.project.write(&format!("src/{folder}/v"), self.version.to_string());
    }

    fn write(&mut self, operation: Operation) {
        let folders = watched();
        match operation {
            O::SaveTheSame => {
                let path = format!("src/{}/v", self.chance.one(&folders));
                self.project.write(&path, self.project.read(&path));
            }
            O::SaveAll => {
                let from = self.chance.below(folders.len());
                folders.iter().skip(from).take(5).for_each(|folder| self.edit(folder));
            }
            O::Break => {
                self.version += 1;
                self.project.write("src/checked/v", format!("{} broken", self.version));
            }
            O::Commit => self.project.git(&["commit", "-q", "-a", "--allow-empty", "-m", "work"]),
            O::Checkout | O::HoldCheckout => {
                self.is_other_branch = !self.is_other_branch;
                let branch = if self.is_other_branch { "other" } else { "main" };
                let checkout = ["checkout", "-q", "-f", branch];
                if operation == O::Checkout {
                    self.project.git(&checkout);
                } else {
                    let held = self.ask(&[&["hold", "--", "git"], checkout.as_slice()].concat());
                    assert_eq!(held.code, Some(0), "{held:?}");
                }
            }
            _ => {
                let folder = self.chance.one(&folders).clone();
                self.edit(&folder);
            }
        }
    }

    fn look(&mut self, operation: Operation) {
        match operation {
            O::Attach if self.dashboards.len() < LOOKERS => {
                let mut dashboard = Dash::start(self.project, (120, 50), &["attach"]);
                dashboard.wait_for_text("sv00");
                self.dashboards.push(dashboard);
            }
            O::Type => {
                let keys = *self.chance.one(&["j", "k", "u", "e", "\x1b[5~", "3", "9jjj"]);
                self.dashboards.iter_mut().for_each(|dashboard| dashboard.keys(keys));
            }
            O::Detach => self.detach_one(),
            O::Follow if self.readers.len() < LOOKERS => {
                let all: [&[&str]; 4] = [
                    &["logs", "-f"],
                    &["logs", "-f", "flood"],
                    &["events", "-f", "--json"],
                    &["status", "-f", "--json"],
                ];
                let arguments = *self.chance.one(&all);
                self.readers.push(Stream::start(self.project, arguments));
            }
            O::StopFollowing => self.end_one_reader(),
            O::OpenTab if self.tabs.len() < LOOKERS => {
                let mut tab = self.page.follow("/api/v1/stream?status=1&events=1&logs=sv00,flood");
                tab.find("the state", |line| line.get("status").is_some());
                self.tabs.push(tab);
            }
            // It is closed without a word, as a browser does.
            O::CloseTab => drop(self.tabs.pop()),
            _ => {}
        }
    }

    fn detach_one(&mut self) {
        let Some(mut dashboard) = self.dashboards.pop() else { return };
        match self.chance.below(3) {
            0 => {
                dashboard.keys("D");
                dashboard.wait_end();
            }
            1 => {
                dashboard.hang_up();
                dashboard.wait_end();
            }
            // It is killed.
            _ => drop(dashboard),
        }
    }

    fn end_one_reader(&mut self) {
        let Some(mut reader) = self.readers.pop() else { return };
        match self.chance.below(3) {
            0 => {
                reader.signal(Signal::TERM);
                reader.wait_client();
            }
            1 => {
                // It ends with the next line, or is killed when it is to go.
                reader.close_stdout();
                self.readers.insert(0, reader);
            }
            _ => drop(reader),
        }
    }

    fn drop_tasks(&mut self, operation: Operation) {
        let worker = *self.chance.one(&WORKERS);
        if operation == O::DropNonsense {
            let path = format!("shared/tasks/{worker}/nonsense{}.json", self.number);
            self.project.write(&path, "{\"description\":");
            return;
        }
        let count = if operation == O::DropBatch { 10 } else { 1 };
        for place in 0..count {
            let id = format!("task{}-{place}", self.number);
            let description = if self.chance.below(4) == 0 { "this will fail" } else { "do it" };
            let task = serde_json::json!({ "task_id": id, "worker": worker, "description": description });
            // By a rename, so that it is whole from its first moment.
            let begun = self.project.path(&format!("shared/tasks/{worker}/.{id}"));
            self.project.write(&format!("shared/tasks/{worker}/.{id}"), task.to_string());
            fs::rename(begun, self.project.path(&format!("shared/tasks/{worker}/{id}.json"))).unwrap();
            self.tasks.push((worker, id));
        }
    }

    fn write_file(&mut self, breaks: bool) {
        if breaks {
            // What was written before is in force.
            self.settle();
            self.project.write("procgroup.toml", format!("{}[services.broken\n", self.plan.text()));
        } else {
            let what = self.plan.change(&mut self.chance, self.number);
            eprintln!("  {what}");
            self.project.write("procgroup.toml", self.plan.text());
        }
        self.is_broken = breaks;
    }

    /// The file of the beginning.
    pub(super) fn write_first_file(&mut self) {
        self.plan = Plan::default();
        self.is_broken = false;
        self.project.write("procgroup.toml", self.plan.text());
        self.settle();
    }

    fn kill_one(&mut self) {
        // One number is drawn, however many there are.
        let drawn = self.chance.below(1 << 16);
        let leaders: Vec<_> = of_runs(self.project).into_iter().filter(|one| one.is_leader).collect();
        let Some(victim) = leaders.get(drawn % leaders.len().max(1)) else { return };
        eprintln!("  {} {}", victim.service, victim.pid);
        if let Some(pid) = Pid::from_raw(victim.pid) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// The program stands for a time, with its guard, as on a computer that sleeps. Its services go on.
    fn nap(&mut self) {
        let guard = super::status(self.project)["pid"].as_u64().unwrap();
        let program = program_below(u32::try_from(guard).unwrap()).unwrap();
        let both = [i32::try_from(guard).unwrap(), i32::try_from(program).unwrap()];
        both.iter().for_each(|pid| stop(*pid));
        for _ in 0..self.chance.below(6) {
            match self.chance.below(3) {
                0 => self.kill_one(),
                1 => self.drop_tasks(O::DropTask),
                _ => self.write(O::Edit),
            }
        }
        both.iter().rev().for_each(|pid| kill(*pid, Signal::CONT));
    }

    fn scrape(&self) {
        let figures = self.page.get("/metrics");
        assert_eq!(figures.status, 200);
        assert!(figures.body.contains("devgroup_service_state{service=\"sv00\""), "{}", figures.body);
        assert_eq!(self.page.json("/health")["status"], "ok");
    }

    fn order(&mut self, operation: Operation) {
        let all = ["flood", "checked", "hup0", "job0", "tick", "marie", "bob", "crashing", "rep.2"];
        let number = self.chance.below(14 + all.len());
        let name = all.get(number).map_or_else(|| server(number - all.len()), |name| (*name).to_owned());
        eprintln!("  {name}");
        match operation {
            O::Restart => drop(self.ask(&["restart", &name])),
            O::RestartAndWait => drop(self.ask(&["restart", &name, "--wait"])),
            O::Stop => drop(self.ask(&["stop", &name])),
            O::Scale => {
                let count = format!("rep={}", self.chance.below(5));
                drop(self.ask(&["scale", &count]));
            }
            _ => drop(self.ask(&["start", &name])),
        }
    }

    /// Nobody looks any more.
    pub(super) fn end(&mut self) {
        while !self.dashboards.is_empty() {
            self.detach_one();
        }
        self.readers.clear();
        self.tabs.clear();
    }
}
