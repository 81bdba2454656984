//! The examples of the repository are files that `check` has nothing to say about, once what they name is there.

use std::fs;
use std::path::Path;

use crate::harness::{Project, Stream};

/// What each of them names: a path is enough for a pattern.
const NAMED: [(&str, &[&str]); 6] = [
    ("django", &[".env", "manage.py", "shop/migrations/0001_initial.py", "shop/templates/index.html"]),
    ("go", &["cmd/api/main.go", "cmd/worker/main.go", "internal/queue/queue.go", "go.mod", "go.sum"]),
    ("node", &["api/migrations/1.sql", "api/src/main.ts", "packages/core/src/index.ts", "package-lock.json"]),
    ("rails", &["app/models/order.rb", "config/application.rb", "db/migrate/1_orders.rb", "Gemfile.lock"]),
    ("rust", &[".env", "crates/api/src/main.rs", "crates/core/src/lib.rs", "crates/worker/src/main.rs", "Cargo.lock"]),
    ("workers", &["agent.sh"]),
];

#[test]
fn every_example_passes_check_without_a_word() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples");
    let mut found: Vec<_> = fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();
    assert_eq!(found, NAMED.map(|(stack, _)| stack), "each example is known here");
    for (stack, paths) in NAMED {
        let project = Project::new(&fs::read_to_string(examples.join(stack).join("procgroup.toml")).unwrap());
        paths.iter().for_each(|path| project.write(path, ""));
        let check = Stream::ask(&project, &["check"]);
        assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""), "{stack}");
    }
}
