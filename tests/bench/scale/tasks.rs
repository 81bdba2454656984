//! Tasks that wait for a worker: until the first is claimed, and what is held for each.

use std::fs;
use std::time::Instant;

use super::figures::print_table;
use super::harness::{Project, Stream, detach, down, wait_for_within};
use super::{Held, LONG, ms};
use crate::row;

pub(crate) fn measure(counts: &[usize]) {
    let mut rows = vec![row!["tasks that wait", "from the order to start to the first claim ms", "bytes for each"]];
    for &count in counts {
        let project = Project::new(
            "[tasks]\ndir = \"shared\"\n[services.marie]\nkind = \"worker\"\nrun = \"exec sleep 1000\"\nconcurrency = 1\n\
             autostart = false\n",
        );
        let folder = project.path("shared/tasks/marie");
        detach(&project);
        fs::create_dir_all(&folder).unwrap();
        let before = Held::by(&project).anonymous_kb;
        for number in 0..count {
            let text = format!(r#"{{"task_id":"t-{number}","description":"do it","priority":"normal"}}"#);
            fs::write(folder.join(format!("t-{number}.json")), text).unwrap();
        }
        let began = Instant::now();
        assert_eq!(Stream::ask(&project, &["start", "marie"]).code, Some(0));
        let triggers = project.path("shared/triggers/marie");
        wait_for_within(LONG, "the first is claimed", || {
            fs::read_dir(&triggers).is_ok_and(|found| found.flatten().next().is_some())
        });
        let took = began.elapsed();
        let each = Held::by(&project).anonymous_kb.saturating_sub(before) as f64 * 1024.0 / count as f64;
        rows.push(row![count, ms(took), format!("{each:.0}")]);
        down(&project);
    }
    print_table("tasks that wait while one runs", &rows);
}
