//! What clients ask about tasks, and what the command line asks the owner of a folder for.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use super::desk::Desk;
use super::files;
use crate::clock::Clock;
use crate::domain::{Answer, ServiceName, ServiceSpec, TaskAnswer, TaskFolders, TaskId, TaskQuestion, plain_error};
use crate::engine::tasks::TaskEvent;
use crate::task_folder::{self, Access, Answers, Listed, Order, Retried};

/// The workers of a group, and their folders.
pub(super) struct Workers {
    listed: Vec<Listed>,
    folders: Option<TaskFolders>,
}

impl Workers {
    pub(super) fn of(group: &[Arc<ServiceSpec>]) -> Self {
        let folders = group.iter().find_map(|spec| spec.worker.as_ref()).map(|worker| worker.folders.clone());
        let listed = |spec: &Arc<ServiceSpec>| Listed {
            worker: spec.name.clone(),
            names_description: files::names_description(spec),
            is_nobodys: false,
        };
        Self { listed: group.iter().map(listed).chain([Listed::unrouted()]).collect(), folders }
    }
}

/// Reads the answer from the folders, on a thread of its own.
pub(super) fn read(workers: Workers, question: TaskQuestion, answer: oneshot::Sender<Answer>, clock: Clock) {
    let reply = move |result| {
        // A client that does not wait any more needs no answer.
        let _ = answer.send(Answer::Task(result));
    };
    let Some(folders) = workers.folders else {
        return reply(TaskAnswer::Failed("no service of this group is a worker".into()));
    };
    let listed = workers.listed;
    let thread = thread::Builder::new().name("ask tasks".into());
    let asked = thread.spawn(move || reply(look(&folders, listed, question, clock)));
    if let Err(error) = asked {
        log::warn!("cannot start a thread to look at tasks: {}", plain_error(&error));
    }
}

fn look(folders: &TaskFolders, mut listed: Vec<Listed>, question: TaskQuestion, clock: Clock) -> TaskAnswer {
    let now = clock.both().1;
    let nobodys = task_folder::queues_of_nobody(folders, listed.iter().map(|one| &one.worker));
    listed.extend(nobodys.into_iter().map(Listed::nobodys));
    match question {
        TaskQuestion::List { worker, limit } => {
            listed.retain(|one| worker.as_ref().is_none_or(|worker| one.worker == *worker));
            TaskAnswer::Table(task_folder::list(folders, &listed, None, limit, now))
        }
        TaskQuestion::Show(worker, id) => {
            let its = listed.iter().find(|one| one.worker == worker);
            match its.and_then(|listed| task_folder::details(folders, listed, &id, now)) {
                Some(details) => TaskAnswer::Details(Box::new(details)),
                None => TaskAnswer::Failed(format!("{worker} has no task {id}")),
            }
        }
        TaskQuestion::Retry(worker, id) => match task_folder::take_for_a_moment(folders, &worker) {
            Ok(Access::Free(mut folder)) => match folder.retry(&id) {
                Ok(Retried::Waits(_)) => TaskAnswer::Done,
                Ok(Retried::Nothing) => TaskAnswer::Failed(format!("{worker} has no dead or cancelled task {id}")),
                Err(trouble) => TaskAnswer::Failed(trouble.to_string()),
            },
            Ok(Access::Owned(_) | Access::Running(_)) => TaskAnswer::Failed(not_ours(&worker)),
            Err(trouble) => TaskAnswer::Failed(trouble.to_string()),
        },
        TaskQuestion::Cancel(worker, _) => TaskAnswer::Failed(not_ours(&worker)),
    }
}

fn not_ours(worker: &ServiceName) -> String {
    format!("this group does not work through the tasks of {worker} now")
}

/// Who is told what came of an order.
enum Asker {
    /// A client of the group.
    Client(oneshot::Sender<Answer>),
    /// A file in the folder of this worker, of this name, which asks for this task.
    Request(ServiceName, String, TaskId),
}

/// Orders that are not answered yet.
#[derive(Default)]
pub(super) struct Asks {
    last: u64,
    askers: HashMap<u64, Asker>,
    /// What was answered of a request, and how much is not.
    requests: HashMap<(ServiceName, String), (Answers, usize)>,
}

impl Asks {
    fn add(&mut self, asker: Asker) -> u64 {
        self.last += 1;
        self.askers.insert(self.last, asker);
        self.last
    }
}

impl Desk {
    /// A client wants something to be done with a task.
    pub(super) fn ask(&mut self, question: TaskQuestion, answer: oneshot::Sender<Answer>) {
        let (worker, id, order) = match question {
            TaskQuestion::Retry(worker, id) => (worker, id, Order::Retry),
            TaskQuestion::Cancel(worker, id) => (worker, id, Order::Cancel),
            TaskQuestion::List { .. } | TaskQuestion::Show(..) => return,
        };
        if self.working.get(&worker).is_none_or(|working| working.folder.is_none()) {
            let question = match order {
                Order::Retry => TaskQuestion::Retry(worker, id),
                Order::Cancel | Order::Drop | Order::Drain => TaskQuestion::Cancel(worker, id),
            };
            return read(Workers::of(&self.group), question, answer, self.means.clock);
        }
        let ask = self.asks.add(Asker::Client(answer));
        self.decide(event(order, worker, id, ask));
    }

    /// The command line has asked for something.
    pub(super) fn look_for_requests(&mut self, worker: &ServiceName) {
        let Some(folder) = self.working.get_mut(worker).and_then(|working| working.folder.as_mut()) else { return };
        let requests = match folder.requests() {
            Ok(requests) => requests,
            Err(trouble) => return log::warn!("{trouble}"),
        };
        for (name, request) in requests {
            let key = (worker.clone(), name.clone());
            if self.asks.requests.contains_key(&key) {
                continue;
            }
            self.asks.requests.insert(key.clone(), (Answers::new(), request.ids.len()));
            if request.order == Order::Drain {
                self.drain(worker);
            }
            if request.ids.is_empty() || request.order == Order::Drain {
                self.answer_request(&key);
                continue;
            }
            for id in request.ids {
                let ask = self.asks.add(Asker::Request(worker.clone(), name.clone(), id.clone()));
                self.decide(event(request.order, worker.clone(), id, ask));
            }
        }
    }

    /// What came of an order.
    pub(super) fn tell(&mut self, ask: u64, result: Result<(), Arc<str>>) {
        match self.asks.askers.remove(&ask) {
            Some(Asker::Client(client)) => {
                let answer = result.map_or_else(|why| TaskAnswer::Failed(why.to_string()), |()| TaskAnswer::Done);
                // A client that does not wait any more needs no answer.
                let _ = client.send(Answer::Task(answer));
            }
            Some(Asker::Request(worker, name, id)) => {
                let key = (worker, name);
                if let Some((answers, left)) = self.asks.requests.get_mut(&key) {
                    answers.insert(id.as_str().to_owned(), result.err().map(|why| why.to_string()));
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        self.answer_request(&key);
                    }
                }
            }
            None => {}
        }
    }

    fn answer_request(&mut self, key: &(ServiceName, String)) {
        let Some((answers, _)) = self.asks.requests.remove(key) else { return };
        let folder = self.working.get_mut(&key.0).and_then(|working| working.folder.as_mut());
        if let Some(folder) = folder
            && let Err(trouble) = folder.answer(&key.1, &answers)
        {
            log::warn!("{trouble}");
        }
    }
}

fn event(order: Order, worker: ServiceName, id: TaskId, ask: u64) -> TaskEvent {
    match order {
        Order::Retry => TaskEvent::Retry { worker, id, ask },
        Order::Cancel => TaskEvent::Cancel { worker, id, ask },
        Order::Drop => TaskEvent::Drop { worker, id, ask },
        // It is for all tasks, and asked for by a request alone.
        Order::Drain => TaskEvent::Drain { worker },
    }
}
