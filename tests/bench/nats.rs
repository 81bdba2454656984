//! Tasks through a NATS server: tasks a second beside a bare loop that publishes, fetches and acknowledges on the same server,
//! and beside the same loop with a process of `true` for each task, three at a time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, consumer::pull, stream};
use futures_util::StreamExt as _;

#[expect(dead_code, reason = "a benchmark uses a part of the figures")]
mod figures;
#[path = "../it/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a benchmark uses a part of the house")]
mod harness;

use figures::print_table;
use harness::{Project, detach, down, wait_for, wait_for_within};

const TASKS: usize = 2_000;
const CONCURRENCY: usize = 3;
const LONG: Duration = Duration::from_secs(600);

/// A server in a temporary folder, ended with this.
struct Server(Child, u16, #[expect(dead_code, reason = "it is removed with this")] tempfile::TempDir);

impl Server {
    fn start() -> Self {
        let store = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(store.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(child, port, store)
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let server = Server::start();
    let bare = bare(&server.url(), false);
    let with_processes = bare_with_processes(&server.url());
    let ours = ours(&server.url());
    let head = row!["", "tasks/s", "devgroup has of it"];
    let row = |name: &str, rate: f64| row![name, format!("{rate:.0}"), format!("{:.2}", ours / rate)];
    let rows = [
        head,
        row("bare loop: publish, fetch, acknowledge", bare),
        row("the same, and a process of `true` for each", with_processes),
        row("devgroup", ours),
    ];
    print_table("2,000 tasks of `true` through a server, three at once", &rows);
}

fn bare_with_processes(url: &str) -> f64 {
    bare(url, true)
}

/// Publishes one after the other, while three others fetch one by one.
fn bare(url: &str, with_processes: bool) -> f64 {
    let name = if with_processes { "PROCESSES" } else { "BARE" };
    run(prepare(url, name));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| run(publish(url, name)));
        for _ in 0..CONCURRENCY {
            scope.spawn(|| run(fetch(url, name, with_processes)));
        }
    });
    TASKS as f64 / begun.elapsed().as_secs_f64()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn connect(url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(url).await.unwrap())
}

async fn prepare(url: &str, name: &str) {
    let config = stream::Config {
        name: name.into(),
        subjects: vec![format!("bench.{name}")],
        retention: stream::RetentionPolicy::WorkQueue,
        ..stream::Config::default()
    };
    let stream = connect(url).await.create_stream(config).await.unwrap();
    let config = pull::Config { durable_name: Some("all".into()), ..pull::Config::default() };
    stream.create_consumer(config).await.unwrap();
}

async fn publish(url: &str, name: &str) {
    let jetstream = connect(url).await;
    for number in 0..TASKS {
        let task = format!(r#"{{"task_id":"t-{number}","worker":"marie","description":"do it","priority":"normal"}}"#);
        jetstream.publish(format!("bench.{name}"), task.into()).await.unwrap().await.unwrap();
    }
}

async fn fetch(url: &str, name: &str, with_processes: bool) {
    let mut stream = connect(url).await.get_stream(name).await.unwrap();
    let consumer: jetstream::consumer::PullConsumer = stream.get_consumer("all").await.unwrap();
    loop {
        let mut batch = consumer.fetch().max_messages(1).messages().await.unwrap();
        match batch.next().await {
            Some(message) => {
                if with_processes {
                    let piped = Stdio::piped;
                    let child = Command::new("true").stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
                    child.wait_with_output().unwrap();
                }
                message.unwrap().double_ack().await.unwrap();
            }
            None => {
                let state = &stream.info().await.unwrap().state;
                if state.last_sequence == TASKS as u64 && state.messages == 0 {
                    return;
                }
            }
        }
    }
}

/// Files that are there before the group begins.
fn ours(url: &str) -> f64 {
    let project = Project::new(&format!(
        "[tasks]\ndir = 'shared'\nbackend = '{url}'\n[services.marie]\nkind = 'worker'\nrun = ['true']\nheartbeat = '1h'\n"
    ));
    let folder = project.path("shared");
    fs::create_dir_all(folder.join("tasks/marie")).unwrap();
    fs::create_dir_all(folder.join("results/marie")).unwrap();
    for number in 0..TASKS {
        let text = format!(r#"{{"task_id":"t-{number}","worker":"marie","description":"do it","priority":"normal"}}"#);
        fs::write(folder.join(format!("tasks/marie/t-{number}.json")), text).unwrap();
    }
    detach(&project);
    let results = folder.join("results/marie");
    wait_for("the first has a result", || count(&results) > 0);
    let (begun, before) = (Instant::now(), count(&results));
    wait_for_within(LONG, "all have results", || count(&results) == TASKS);
    let rate = (TASKS - before) as f64 / begun.elapsed().as_secs_f64();
    down(&project);
    rate
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}
