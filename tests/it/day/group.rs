//! The group of the day: thirty services of every kind, and the changes of its file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::harness::Chance;

/// Services that become `sleep 1000.VERSION`, so that their command line tells which content they run.
const SERVERS: usize = 14;

/// One that some files do not have.
const OPTIONAL: usize = 12;

/// One that some files call otherwise.
const RENAMED: usize = 13;

/// Services that other files have as well.
const GUESTS: usize = 4;

/// Services that are told of a change, and write down what they have seen.
pub(super) const TOLD: [&str; 3] = ["hup0", "hup1", "hook0"];

/// Jobs that write down what they have seen.
pub(super) const JOBS: [&str; 4] = ["job0", "job1", "job2", "job3"];

/// The workers.
pub(super) const WORKERS: [&str; 2] = ["marie", "bob"];

/// It crashes by itself, again and again.
pub(super) const CRASHES: &str = "crashing";

/// Its instances.
pub(super) const REPLICAS: usize = 3;

/// The name of the folder of a server.
pub(super) fn server(number: usize) -> String {
    format!("sv{number:02}")
}

/// The folders below `src` that somebody watches, one for each service.
pub(super) fn watched() -> Vec<String> {
    let others = ["checked"].iter().chain(&TOLD).chain(&JOBS).map(|name| (*name).to_owned());
    (0..SERVERS).map(server).chain(others).collect()
}

/// What is in the file now. The one of the beginning is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Values in the environment of servers, which restart when theirs changes.
    salts: BTreeMap<usize, usize>,
    guests: BTreeSet<usize>,
    is_renamed: bool,
    lacks_one: bool,
}

impl Plan {
    /// Changes it in one way, and says which.
    pub(super) fn change(&mut self, chance: &mut Chance, salt: usize) -> &'static str {
        match chance.below(6) {
            0 => {
                self.is_renamed = !self.is_renamed;
                "a service is renamed"
            }
            1 => {
                self.lacks_one = !self.lacks_one;
                if self.lacks_one { "a service is removed" } else { "a service is added" }
            }
            2 | 3 => {
                let guest = chance.below(GUESTS);
                if self.guests.remove(&guest) {
                    return "a service is removed";
                }
                self.guests.insert(guest);
                "a service is added"
            }
            _ => {
                self.salts.insert(chance.below(SERVERS), salt);
                "an environment is changed"
            }
        }
    }

    /// How a service is called, and the folder that it watches.
    fn servers(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        let has = |number: &usize| !(self.lacks_one && *number == OPTIONAL);
        (0..SERVERS).filter(has).map(|number| {
            let name = if self.is_renamed && number == RENAMED { "newname".to_owned() } else { server(number) };
            (number, name)
        })
    }

    /// The names in `status`, but for instances.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let fixed = ["checked", "flood", CRASHES, "tick"].iter().chain(&TOLD).chain(&JOBS).chain(&WORKERS);
        let guests = self.guests.iter().map(|guest| format!("guest{guest}"));
        let servers = self.servers().map(|(_, name)| name);
        servers.chain(fixed.map(|name| (*name).to_owned())).chain(guests).collect()
    }

    /// The folder below `src` with the content that a service shows on its command line.
    pub(super) fn folder(&self, service: &str) -> Option<String> {
        let servers = self.servers().find(|(_, name)| name == service).map(|(number, _)| server(number));
        servers.or_else(|| (service == "checked").then(|| service.to_owned()))
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(HEAD);
        for (number, name) in self.servers() {
            let folder = server(number);
            let _ = write!(text, "[services.{name}]\nrun = '''{}'''\nwatch = ['src/{folder}/**']\n", shows(&folder));
            if number % 2 == 0 {
                text.push_str("ready = { log = 'version' }\n");
            }
            match number {
                3 | 9 => {
                    let _ = writeln!(text, "depends_on = {{ {} = 'started' }}", server(number - 1));
                }
                4 => text.push_str("alive = { cmd = 'exit 0', every = '1s' }\n"),
                5 => text.push_str("cascade = true\n"),
                6 => text.push_str("depends_on = ['sv05']\n"),
                _ => {}
            }
            if let Some(salt) = self.salts.get(&number) {
                let _ = writeln!(text, "env = {{ SALT = '{salt}' }}");
            }
        }
        for job in JOBS {
            let run = format!("cp src/{job}/v ../got/{job} && echo copied");
            let _ = write!(text, "[services.{job}]\nkind = 'job'\nrun = '''{run}'''\nwatch = ['src/{job}/**']\n");
        }
        for guest in &self.guests {
            let _ = write!(text, "[services.guest{guest}]\nrun = 'echo hello; exec sleep 1000'\n");
        }
        text.push_str(REST);
        let _ = write!(text, "[services.checked]\nrun = '''{}'''\n{CHECKED}", shows("checked"));
        text
    }
}

/// A command that prints the content of a file, and goes on under a name that tells it.
fn shows(folder: &str) -> String {
    format!("v=$(cat src/{folder}/v); echo \"version $v\"; exec sleep \"1000.${{v%% *}}\"")
}

/// Logs are small, so that they are full when the first floods are over.
const HEAD: &str = "name = 'day'
[web]
[tasks]
dir = 'shared'
[logs]
memory = '64KiB'
total = '2MiB'
[defaults]
backoff = { initial = '20ms', max = '100ms' }
breaker = { failures = 10000, within = '1s' }
stop = { grace = '10s' }
";

/// Services of which there is one of a kind. One that is told of changes by a signal goes on waiting for the same child.
const REST: &str = r#"
[services.hup0]
run = '''trap 'cp src/hup0/v ../got/hup0' HUP; cp src/hup0/v ../got/hup0; while :; do kill -0 $s 2>/dev/null || { sleep 1000 & s=$!; }; wait $s; done'''
watch = ['src/hup0/**']
on_change = 'signal:HUP'
[services.hup1]
run = '''trap 'cp src/hup1/v ../got/hup1' HUP; cp src/hup1/v ../got/hup1; while :; do kill -0 $s 2>/dev/null || { sleep 1000 & s=$!; }; wait $s; done'''
watch = ['src/hup1/**']
on_change = 'signal:HUP'
[services.hook0]
run = '''cp src/hook0/v ../got/hook0; exec sleep 1000'''
watch = ['src/hook0/**']
on_change = 'run:cp src/hook0/v ../got/hook0'
[services.flood]
run = '''while read n; do seq 1 "$n"; done'''
[services.crashing]
run = '''sleep 0.3; echo 'error: it broke' >&2; exit 3'''
backoff = { initial = '500ms', max = '3s' }
breaker = { failures = 5, within = '60s', cooldown = '5s' }
[services.tick]
kind = 'job'
run = 'echo tick'
schedule = 'every 2s'
[services.rep]
run = 'echo up; exec sleep 1000'
replicas = 3
[services.marie]
kind = 'worker'
run = ['sh', '-c', '''case "$TASK_DESCRIPTION" in *fail*) exit 1;; esac; echo "$TASK_ID"''']
concurrency = 2
retries = 1
backoff = { initial = '20ms', max = '50ms' }
breaker = { failures = 100000, cooldown = '1s' }
[services.bob]
kind = 'worker'
run = 'cat; sleep 0.1'
retries = 1
backoff = { initial = '20ms', max = '50ms' }
breaker = { failures = 100000, cooldown = '1s' }
"#;

const CHECKED: &str =
    "watch = ['src/checked/**']\nready = { log = 'version' }\nvalidate = { run = '! grep -q broken src/checked/v' }\n";
