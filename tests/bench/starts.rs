//! `[start] parallel`: 30 real services, one half Node.js and one half Python, with four places and without a limit. The time
//! until all are ready, and how many were starting at once. Medians of 3; rounds alternate, so that both see the same load.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::time::Instant;

mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Project, detach, down};

const ROUNDS: usize = 3;
const SERVICES: usize = 30;
const PLACES: usize = 4;

const PYTHON: &str = "\
import asyncio, email, http.server, json, sqlite3, ssl, unittest, xml.dom.minidom
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
open('../home/starts', 'a').write('-\\n')
print('listens', server.server_port, flush=True)
server.serve_forever()
";

const NODE: &str = "\
for (const name of require('module').builtinModules.filter((n) => !n.startsWith('_') && !n.includes(':'))) {
  try { require(name) } catch {}
}
const server = require('http').createServer((_, answer) => answer.end('hello'));
server.listen(0, '127.0.0.1', () => {
  require('fs').appendFileSync('../home/starts', '-\\n');
  console.log('listens', server.address().port);
});
";

fn main() {
    if !on_path("node") || !on_path("python3") {
        println!("skipped: needs node and python3");
        return;
    }
    let limits = [("no limit", String::new()), ("parallel = 4", format!("[start]\nparallel = {PLACES}\n"))];
    let mut measured = [(); 2].map(|()| (Samples::default(), 0));
    for _ in 0..ROUNDS {
        for ((_, limit), (times, most)) in limits.iter().zip(&mut measured) {
            *most = (*most).max(measure(limit, times));
        }
    }
    let mut rows = vec![row!["places", "all ready ms", "most starting at once"]];
    for ((name, _), (times, most)) in limits.iter().zip(&measured) {
        rows.push(row![name, times.show(), most]);
    }
    print_table("30 services, half Node.js, half Python, medians of 3 [min..max]", &rows);
    assert!(measured[1].1 <= PLACES, "more were starting than may");
}

/// Starts the group, and counts how many were starting at once.
fn measure(limit: &str, times: &mut Samples) -> usize {
    let service = |number: usize| {
        let run = if number.is_multiple_of(2) { "exec python3 serve.py" } else { "exec node serve.js" };
        format!("[services.s{number}]\nrun = \"echo + >> ../home/starts; {run}\"\nready = {{ log = \"listens\" }}\n")
    };
    let project = Project::new(&format!("{limit}{}", (0..SERVICES).map(service).collect::<String>()));
    project.write("serve.py", PYTHON);
    project.write("serve.js", NODE);
    let began = Instant::now();
    detach(&project);
    times.add_time(began.elapsed());
    let (mut starting, mut most) = (0_usize, 0);
    for line in project.read("../home/starts").lines() {
        starting = if line == "+" { starting + 1 } else { starting - 1 };
        most = most.max(starting);
    }
    assert_eq!(project.lines("../home/starts"), 2 * SERVICES);
    down(&project);
    most
}
