//! How fast the dashboard takes what a service prints: a child that prints 200 MB inside a screen of 160×50, beside a
//! bare reader of the pty (the limit) and the peers that are found in `PATH`, all in one run.
//!
//! `cargo bench --bench drain [-- tool…]`: all tools, or only those that are named, of `bare`, `devgroup`, `mprocs`,
//! `turbo` and `tmux`. The rounds of the tools are interleaved; figures are medians of three. `child` is from the
//! child's first byte to its last write, `screen` to the moment at which its last line can be read on the screen; the
//! ratio is that of `screen` to the bare reader's.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::{Samples, on_path, print_table};
use harness::{Dash, Project};

const SIZE: (u16, u16) = (160, 50);
const ROUNDS: usize = 3;
const BYTES: usize = 200_000_000;
/// The numbers that `seq` prints, one a line.
const SHORT_LINES: u32 = 20_000_000;
/// What the child prints last. No frame shares a cell with it by chance, so that it is drawn as a whole.
const LAST_WORDS: &str = "zQzQ-all-is-said-QzQz";
/// Linux counts CPU time for programs in hundredths of a second, on every machine (`USER_HZ`).
const TICKS: f64 = 100.0;
const TOOLS: [&str; 5] = ["bare", "devgroup", "turbo", "tmux", "mprocs"];

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |tool: &&str| named.is_empty() || named.iter().any(|name| name == tool);
    let here = |tool: &&str| matches!(*tool, "bare" | "devgroup") || on_path(tool);
    let tools: Vec<&str> = TOOLS.into_iter().filter(wanted).filter(here).collect();
    // A tool that does not get to the end is a row of the table.
    std::panic::set_hook(Box::new(|_| {}));
    for load in ["plain", "coloured", "short lines", "unicode"] {
        let project = Project::empty();
        write_load(&project, load);
        let mut taken: BTreeMap<&str, Taken> = BTreeMap::new();
        for _ in 0..ROUNDS {
            for tool in &tools {
                let taken = taken.entry(tool).or_default();
                if taken.gave_up.is_none() {
                    taken.add(measure(tool, &project));
                }
            }
        }
        let limit = taken.get("bare").map(|bare| bare.screen.median());
        let mut rows = vec![row!["tool", "child s", "screen s", "ratio", "CPU s", "RSS MB"]];
        for tool in &tools {
            let taken = &taken[tool];
            if let Some(reason) = &taken.gave_up {
                rows.push(row![tool, reason, "", "", "", ""]);
                continue;
            }
            let ratio = limit.map_or_else(|| "-".into(), |limit| format!("{:.2}", taken.screen.median() / limit));
            let show = |samples: &Samples| format!("{:.2}", samples.median());
            rows.push(row![tool, show(&taken.child), taken.screen.show(), ratio, show(&taken.cpu), show(&taken.rss)]);
        }
        print_table(&format!("200 MB, {load}; medians of {ROUNDS}"), &rows);
    }
}

/// What a tool took, in seconds and MB.
#[derive(Default)]
struct Taken {
    child: Samples,
    screen: Samples,
    cpu: Samples,
    rss: Samples,
    /// Why it did not get to the end.
    gave_up: Option<String>,
}

impl Taken {
    fn add(&mut self, round: Result<[f64; 4], String>) {
        let [child, screen, cpu, rss] = match round {
            Ok(round) => round,
            Err(reason) => {
                self.gave_up = Some(reason);
                return;
            }
        };
        self.child.add(child);
        self.screen.add(screen);
        self.cpu.add(cpu);
        self.rss.add(rss);
    }
}

/// One round, or why the tool did not get to the end.
fn measure(tool: &str, project: &Project) -> Result<[f64; 4], String> {
    for file in ["begin", "end"] {
        // Of the round before.
        let _ = fs::remove_file(project.path(file));
    }
    if tool == "bare" {
        return Ok(read_bare(project));
    }
    let round = catch_unwind(AssertUnwindSafe(|| through(tool, project)));
    // Whatever became of it: nobody runs beside the next.
    harness::wait_for("all of the round is gone", || {
        let left = project.processes();
        for pid in left.iter().filter_map(|(pid, _)| rustix::process::Pid::from_raw(*pid)) {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        left.is_empty()
    });
    round.map_err(|panic| {
        let words = panic.downcast_ref::<String>().map_or("it ended", String::as_str);
        words.lines().next().unwrap_or_default().chars().take(60).collect()
    })
}

fn through(tool: &str, project: &Project) -> [f64; 4] {
    let arguments: &[&str] = match tool {
        "turbo" => &["run", "dev", "--ui=tui"],
        "tmux" => &["-L", "devgroup-drain", "-f", "/dev/null", "new-session", "sh flood.sh"],
        _ => &[],
    };
    let program = if tool == "devgroup" { env!("CARGO_BIN_EXE_devgroup") } else { tool };
    let mut dash = Dash::start_program(project, program, SIZE, arguments);
    dash.wait_while_reading("the child has printed all", |project| project.path("end").exists());
    dash.wait_for_text(LAST_WORDS);
    let screen = now() - stamp(project, "begin");
    let (cpu, rss) = cost(project);
    drop(dash);
    [stamp(project, "end") - stamp(project, "begin"), screen, cpu, rss]
}

/// CPU seconds and resident MB of all processes of the project but those of the flood.
fn cost(project: &Project) -> (f64, f64) {
    let (mut ticks, mut kilobytes) = (0.0, 0.0);
    for (pid, _) in project.processes() {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        if matches!(read("comm").trim(), "sh" | "cat" | "sleep" | "date" | "npm run dev") {
            continue;
        }
        // After the name, which may hold anything, the fields of proc(5) from the third on.
        let stat = read("stat");
        let fields: Vec<f64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        ticks += fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0);
        let status = read("status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        kilobytes += resident.split_whitespace().next().and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    }
    (ticks / TICKS, kilobytes * 1024.0 / 1e6)
}

/// The limit: a loop that reads and looks at nothing but the end.
fn read_bare(project: &Project) -> [f64; 4] {
    let (cols, rows) = SIZE;
    let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new("sh");
    command.arg("flood.sh");
    command.cwd(project.root());
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut buffer = vec![0; 64 << 10];
    let mut tail: Vec<u8> = Vec::new();
    let before = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    loop {
        let count = reader.read(&mut buffer).unwrap();
        tail.extend(&buffer[..count]);
        if tail.windows(LAST_WORDS.len()).rev().take(256).any(|part| part == LAST_WORDS.as_bytes()) {
            break;
        }
        tail.drain(..tail.len().saturating_sub(LAST_WORDS.len()));
    }
    let screen = now() - stamp(project, "begin");
    let after = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = |time: rustix::time::Timespec| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    harness::wait_for("the child has said so", || !project.read("end").is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    [stamp(project, "end") - stamp(project, "begin"), screen, seconds(after) - seconds(before), 0.0]
}

/// A moment that the child has written down.
fn stamp(project: &Project, file: &str) -> f64 {
    project.read(file).trim().parse::<f64>().unwrap() / 1e9
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The data, the child that prints it, and what each tool needs to run it.
fn write_load(project: &Project, load: &str) {
    let data = project.path("load");
    project.write("load", "");
    let mut out = BufWriter::new(fs::File::create(&data).unwrap());
    let mut written = 0;
    let mut n = 1_u32;
    let mut line = String::new();
    for number in 1.. {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let id = n >> 8;
        line.clear();
        use std::fmt::Write as _;
        match load {
            "plain" => writeln!(
                line,
                "2026-11-22T14:02:11.{id:09} INFO request handled method=GET path=/api/users/{id} status=200 duration={id}us id={id:08x}"
            ),
            "coloured" => writeln!(
                line,
                "\x1b[2m2026-11-22T14:02:11.{id:09}\x1b[0m \x1b[32m INFO\x1b[0m request \x1b[1mhandled\x1b[0m \x1b[3mmethod\x1b[0m=GET \x1b[3mpath\x1b[0m=/api/users/{id} \x1b[38;5;208mstatus\x1b[0m=200"
            ),
            "short lines" => writeln!(line, "{number}"),
            _ => writeln!(line, "✓ größe {id} 漢字 über 👍 — fertig → {id}"),
        }
        .unwrap();
        out.write_all(line.as_bytes()).unwrap();
        written += line.len();
        if if load == "short lines" { number >= SHORT_LINES } else { written >= BYTES } {
            break;
        }
    }
    out.flush().unwrap();
    let root = project.root().display().to_string();
    project.write(
        "flood.sh",
        format!(
            "cd {root}; date +%s%N > begin; cat load; date +%s%N > ended; echo {LAST_WORDS}; mv ended end; exec sleep 1000\n"
        ),
    );
    project.write("procgroup.toml", "[services]\nflood = \"sh flood.sh\"\n");
    project.write("mprocs.yaml", "procs:\n  flood:\n    shell: sh flood.sh\n");
    project.write("turbo.json", r#"{ "tasks": { "dev": { "cache": false, "persistent": true } } }"#);
    project.write("package.json", r#"{ "name": "x", "packageManager": "npm@10.0.0", "workspaces": ["web"] }"#);
    project.write("web/package.json", r#"{ "name": "web", "scripts": { "dev": "sh ../flood.sh" } }"#);
}
