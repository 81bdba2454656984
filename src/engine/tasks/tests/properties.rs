//! What holds whatever comes: random files, failures, time limits, stops, crashes in the middle of a turn, and files
//! that cannot be written, with a model of the folder and of the processes.

use std::time::Duration;

use proptest::prelude::*;

use crate::domain::{DeadReason, TaskHead, TaskRefusal};
use crate::engine::tasks::TaskEvent;

use super::fixture::{MARIE, after, head, id};
use super::model::{Content, Model};

/// So many ids there are.
const TASKS: usize = 12;

/// A task, always with the same dependencies: some wait for one, some for two, some in a circle.
fn task(n: usize) -> TaskHead {
    let name = format!("t{n}");
    match n {
        6 => after(&name, &["t7"]),
        7 => after(&name, &["t6"]),
        9 => after(&name, &["t3", "t4"]),
        n if n % 3 == 2 => after(&name, &[format!("t{}", n - 1).as_str()]),
        _ => head(&name),
    }
}

fn refusal(reason: DeadReason, name: &str) -> TaskRefusal {
    TaskRefusal { reason, detail: "it is wrong".into(), id: Some(id(name)), batch: None }
}

impl Model {
    fn random_step(&mut self, (operation, choice, number): (u8, u8, u16)) {
        let name = format!("t{}", usize::from(choice) % TASKS);
        match operation {
            0..=24 => self.random_drop(usize::from(choice) % TASKS, number),
            25..=49 => {
                let code = i32::from(number % 3) % 2;
                self.process_ends(usize::from(choice), code);
            }
            50..=64 => self.next_deadline(),
            65..=74 => {
                self.now = self.now + Duration::from_millis(u64::from(number) / 16);
                self.send(TaskEvent::TimePassed);
            }
            75..=77 => self.broken = (number % 256) as u8 & choice,
            78..=80 => self.broken = 0,
            81..=85 => (self.budget, self.cuts) = (Some(u32::from(number % 12)), choice.is_multiple_of(2)),
            86 => self.crash(),
            87..=88 => self.send(TaskEvent::Stop { worker: MARIE.into(), kill: number.is_multiple_of(2) }),
            89..=92 => self.begin(),
            93..=95 => self.ask(&name, |worker, id, ask| TaskEvent::Cancel { worker, id, ask }, true),
            96..=98 => self.ask(&name, |worker, id, ask| TaskEvent::Retry { worker, id, ask }, false),
            99 => self.send(TaskEvent::ListAgain { worker: Some(MARIE.into()) }),
            _ => self.remove_file(usize::from(choice)),
        }
    }

    fn random_drop(&mut self, n: usize, number: u16) {
        let name = format!("t{n}");
        let (file, content): (String, Content) = match number % 12 {
            0 => (format!("odd {number}.json"), Ok(task(n))),
            1 => (format!("{name}.json"), Err(refusal(DeadReason::InvalidJson, &name))),
            2 => (format!("{name}.json"), Err(refusal(DeadReason::InvalidField, &name))),
            _ => (format!("{name}.json"), Ok(task(n))),
        };
        self.drop_file(&file, content);
    }

    /// Everything works again, and all tries end well. All that others wait for comes.
    fn calm_down(&mut self) {
        self.broken = 0;
        self.budget = None;
        for _ in 0..3_000 {
            self.begin();
            for n in 0..TASKS {
                let (name, folder) = (id(&format!("t{n}")), &self.folder);
                let has_ended = folder.results.contains_key(&name) || folder.letters.contains_key(&name);
                let waits = folder.waiting.values().flatten().any(|head| head.id == name);
                if !has_ended && !waits && !folder.claims.contains_key(&name) {
                    self.drop_file(&format!("{name}.json"), Ok(task(n)));
                }
            }
            if self.folder.waiting.is_empty() && self.folder.claims.is_empty() && !self.runs() {
                return;
            }
            if !self.process_ends(0, 0) {
                self.next_deadline();
            }
        }
        panic!("it never gets quiet: {:#?}\n{:#?}", self.folder, self.engine);
    }

    /// Each task has ended once.
    fn check_ended(&self) {
        assert_eq!(self.drops, self.ends);
        assert_eq!(self.unanswered(), 0);
        for n in 0..TASKS {
            let name = id(&format!("t{n}"));
            let result = self.folder.results.get(&name);
            let letters = self.folder.letter_count.get(&name).copied().unwrap_or_default();
            assert!(result.is_some() || self.folder.letters.contains_key(&name), "{name} has not ended");
            assert!(letters <= 1, "{name} has {letters} dead letters");
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_task_ends_once_and_is_never_tried_twice_at_once(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..150),
    ) {
        let mut model = Model::new();
        for step in steps {
            model.random_step(step);
        }
        model.calm_down();
        model.check_ended();
    }

    #[test]
    fn a_stop_at_any_moment_ends_and_leaves_nothing_running(
        steps in prop::collection::vec((0_u8..102, any::<u8>(), any::<u16>()), 0..80),
        killing in any::<bool>(),
    ) {
        let mut model = Model::new();
        for step in steps {
            model.random_step(step);
        }
        model.budget = None;
        model.begin();
        model.send(TaskEvent::Stop { worker: MARIE.into(), kill: killing });
        for _ in 0..50 {
            if !model.is_over {
                model.next_deadline();
            }
        }
        prop_assert!(model.is_over, "{:#?}", model.engine);
        prop_assert!(!model.runs());
        // Nobody works, so nothing is to be done.
        for _ in 0..3 {
            model.next_deadline();
        }
        prop_assert_eq!(model.engine.next_deadline(), None);
    }
}
