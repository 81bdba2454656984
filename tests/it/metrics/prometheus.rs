//! A real Prometheus (Debian's) scrapes a group, and its queries are held against `status`.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{free_port, get, is_closed, project, service, start};
use crate::harness::{Project, Stream, down, has, wait_for};

const SHOP: &str = r#"
[services]
api = { run = "exec sleep 1000", watch = ["src/**"], debounce = "0s" }
flaky = { run = "if [ $(ls ../home/tries | wc -l) -gt 2 ]; then exec sleep 1000; fi; mktemp ../home/tries/XXXXXX; exit 3", restart = "always", backoff = { initial = "10ms" } }
"#;

/// A running Prometheus. It is killed at the end, also at that of a failed test.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// One that scrapes this port each second.
    fn start(project: &Project, target: u16) -> Self {
        let port = free_port();
        let scrape = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: devgroup\n    static_configs:\n      - targets: \
             ['localhost:{target}']\n"
        );
        project.write("../home/prometheus.yml", scrape);
        let log = File::create(project.path("../home/prometheus.log")).unwrap();
        let home = project.path("../home");
        let child = project
            .command("prometheus")
            .current_dir(&home)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// What a query gives: the value of each series, by two of its labels.
    fn query(&self, metric: &str, labels: [&str; 2]) -> BTreeMap<[String; 2], f64> {
        if is_closed(self.port) {
            return BTreeMap::new();
        }
        let (_, text) = get(self.port, &format!("/api/v1/query?query={metric}"));
        // It answers in chunks: the object is what stands between the first and the last brace.
        let (from, to) = (text.find('{').unwrap_or(0), text.rfind('}').map_or(0, |at| at + 1));
        let answer: Value = serde_json::from_str(text.get(from..to).unwrap_or("")).unwrap_or_default();
        let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let value = |one: &Value| {
            let label = |name: &str| one["metric"][name].as_str().unwrap_or_default().to_owned();
            Some((labels.map(label), one["value"][1].as_str()?.parse().ok()?))
        };
        series.iter().filter_map(value).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The restarts of all services by cause, as `status` tells them.
fn told(project: &Project) -> BTreeMap<[String; 2], f64> {
    let mut told = BTreeMap::new();
    for name in ["api", "flaky"] {
        for (cause, count) in service(project, name)["restarts"].as_object().unwrap() {
            told.insert([name.to_owned(), cause.clone()], count.as_f64().unwrap());
        }
    }
    told
}

#[test]
fn its_queries_give_the_restarts_by_cause_that_status_gives() {
    let prometheus = Command::new("prometheus").arg("--version").output().is_ok();
    if !has("prometheus", prometheus) {
        return;
    }
    let (project, port) = project(SHOP);
    project.write("src/a.rs", "0");
    std::fs::create_dir_all(project.path("../home/tries")).unwrap();
    start(&project);
    let prometheus = Prometheus::start(&project, port);
    let restarts = || prometheus.query("devgroup_restarts_total", ["service", "cause"]);
    wait_for("it has scraped", || !restarts().is_empty());
    for _ in 0..2 {
        assert_eq!(Stream::ask(&project, &["restart", "api", "--wait"]).code, Some(0));
    }
    project.write("src/a.rs", "1");
    let count = |name: &str, cause: &str| service(&project, name)["restarts"][cause].as_u64().unwrap();
    wait_for("all has happened", || count("api", "change") == 1 && count("flaky", "crash") == 3);
    assert_eq!(count("api", "manual"), 2);
    wait_for("Prometheus gives what status gives", || restarts() == told(&project));
    let up = prometheus.query("up", ["job", "instance"]);
    assert_eq!(up.values().copied().collect::<Vec<_>>(), [1.0], "{up:?}");
    drop(prometheus);
    down(&project);
}
