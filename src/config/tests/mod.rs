//! Tests of the configuration as a whole: what a file means, how it is found and read, how its problems are drawn.

mod environment;
mod files;
mod instances;
mod ports;
mod selection;
mod workers;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::domain::{
    AliveCheck, AliveProbe, Backoff, Breaker, Condition, Expandable, GroupSpec, HttpCheck, Kind, Limits, LogSpec,
    OnChange, PaneView, Probe, ReadyCheck, RestartPolicy, RunCommand, ServiceSpec, Signal, StopSpec, TextPattern,
    WatchFiles, WatchSpec,
};

/// A file that need not exist.
const FILE: &str = "/nowhere/shop/procgroup.toml";

fn good(text: &str) -> GroupSpec {
    parse(text, Path::new(FILE)).unwrap_or_else(|problems| panic!("{}", problems.render(plain()))).spec
}

fn codes(text: &str) -> Vec<&'static str> {
    match parse(text, Path::new(FILE)) {
        Ok(loaded) => loaded.warnings.items.iter().map(|item| item.code).collect(),
        Err(problems) => problems.items.iter().map(|item| item.code).collect(),
    }
}

fn plain() -> RenderStyle {
    RenderStyle { color: false, unicode: true, width: 80 }
}

#[test]
fn a_control_character_is_not_called_a_line_end() {
    for (text, said) in [("a\\u001b", "must not contain a control character"), ("a\\nb", "must be one line")] {
        let problems =
            parse(&format!("[services.api]\nrun = 'api'\nwatch = [\"{text}\"]\n"), Path::new(FILE)).unwrap_err();
        assert!(problems.render(plain()).contains(said), "{}", problems.render(plain()));
    }
}

fn service(spec: &GroupSpec, name: &str) -> ServiceSpec {
    spec.service(&name.into()).unwrap().as_ref().clone()
}

#[test]
fn the_budget_of_the_group_holds_at_least_that_of_one_service() {
    let logs = |text: &str| good(&format!("[logs]\n{text}\n[services]\nweb = \"x\"")).logs;
    let default = LogSpec::default();
    let expected = LogSpec { memory: 1 << 30, total: 1 << 30, files: true, ..default };
    assert_eq!(logs("memory = \"1GiB\"\nfiles = true"), expected);
    let expected = LogSpec { memory: 64 << 20, total: 32 << 20, files: false, ..default };
    assert_eq!(logs("total = \"32MiB\""), expected);
    let expected = LogSpec { max_size: 1 << 20, max_files: 9, ..default };
    assert_eq!(logs("max_size = \"1MiB\"\nmax_files = 9"), expected);
}

#[test]
fn a_text_is_a_service_with_the_defaults_of_the_contract() {
    let spec = good("[services]\nweb = \"npm run dev\"\napi = { run = [\"api\", \"--all\"] }");
    assert_eq!(&*spec.name, "shop");
    assert_eq!(spec.root, Path::new("/nowhere/shop"));
    assert_eq!(spec.file, Path::new(FILE));
    assert_eq!(spec.watch, WatchSpec::default());
    assert_eq!(spec.logs, LogSpec::default());
    let names: Vec<&str> = spec.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["web", "api"]);
    // Written out: this is what holds `ServiceSpec::new` to the documented defaults.
    let expected = ServiceSpec {
        name: "web".into(),
        kind: Kind::Service,
        run: RunCommand::Shell("npm run dev".into()),
        file: "procgroup.toml".into(),
        root: "/nowhere/shop".into(),
        dir: "/nowhere/shop".into(),
        env: vec![],
        env_files: vec![],
        ports: vec![],
        values: Default::default(),
        values_in_files: vec![],
        depends_on: vec![],
        ready: None,
        alive: None,
        limits: Limits::default(),
        validate: None,
        cascade: false,
        restart: RestartPolicy::OnFailure,
        retries: 0,
        schedule: None,
        inputs: vec![],
        backoff: Backoff::default(),
        breaker: Breaker::default(),
        stop: StopSpec::default(),
        worker: None,
        replicas: None,
        instance: None,
        autostart: true,
        left_out: false,
        profiles: vec![],
        group: None,
        url: None,
        watch: WatchFiles::Off,
        ignore: vec![],
        file_ignore: vec![],
        file_also: vec![],
        debounce: Duration::from_millis(5),
        on_change: OnChange::Restart,
        view: PaneView::Auto,
    };
    assert_eq!(service(&spec, "web"), expected);
    assert_eq!(service(&spec, "api").run, RunCommand::Argv(vec!["api".into(), "--all".into()]));
}

#[test]
fn the_file_of_the_contract_means_what_it_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/valid/contract.toml");
    let spec = load(&file).unwrap().spec;
    assert_eq!(&*spec.name, "shop");
    assert_eq!(spec.watch.ignore.len(), 3);
    assert_eq!((spec.watch.ignore[2].text.as_str(), spec.watch.ignore[2].line), ("!target/debug/api", 12));
    let db = service(&spec, "db");
    assert_eq!(db.stop.signal, Signal::Int);
    assert_eq!(db.stop.grace, Duration::from_secs(20));
    let asks = Probe::Cmd(RunCommand::Shell("pg_isready -q -h 127.0.0.1 -p 5432".into()));
    assert_eq!(db.ready, Some(ReadyCheck { probe: asks, timeout: Duration::from_secs(30) }));
    assert_eq!(db.env, [("RUST_BACKTRACE".to_owned(), "1".to_owned())]);
    let files: Vec<&PathBuf> = db.env_files.iter().map(|file| &file.path).collect();
    assert_eq!(files, [&spec.root.join(".env"), &spec.root.join(".env.local")]);
    let migrate = service(&spec, "migrate");
    assert_eq!(migrate.kind, Kind::Job);
    assert_eq!(migrate.depends_on[0].until, Condition::Ready);
    let api = service(&spec, "api");
    let until: Vec<(&str, Condition)> = api.depends_on.iter().map(|d| (d.on.as_str(), d.until)).collect();
    assert_eq!(until, [("migrate", Condition::Done), ("db", Condition::Ready)]);
    assert_eq!(api.env, [("RUST_BACKTRACE".to_owned(), "1".to_owned()), ("PORT".to_owned(), "4000".to_owned())]);
    assert_eq!(api.dir, Expandable::Known(spec.root.clone()));
    let WatchFiles::Globs(globs) = &api.watch else { panic!("{:?}", api.watch) };
    assert_eq!((globs.len(), globs[2].text.as_str(), globs[2].line), (4, "!**/tests/**", 38));
    let validate = api.validate.clone().unwrap();
    assert_eq!((validate.run.display().as_str(), validate.timeout), ("cargo build -p api", Duration::from_secs(300)));
    let alive = api.alive.clone().unwrap();
    assert_eq!(alive.probe, AliveProbe::Http(HttpCheck::new("http://localhost:4000/health")));
    assert_eq!((alive.every, alive.timeout, alive.failures), (Duration::from_secs(10), Duration::from_secs(2), 3));
    assert!(alive.grace.is_zero(), "it is ready before it is looked after");
    assert!(api.cascade && !db.cascade);
    let worker = service(&spec, "worker");
    let beat = worker.alive.clone().unwrap();
    assert_eq!((beat.failures, beat.grace), (1, Duration::ZERO));
    let AliveProbe::File { path, name, max_age } = beat.probe else { panic!("{:?}", beat.probe) };
    assert_eq!(
        (path, &*name, max_age),
        (spec.root.join("tmp/status.json"), "tmp/status.json", Duration::from_secs(120))
    );
    assert!(matches!(worker.watch, WatchFiles::All { line: 48, .. }), "{:?}", worker.watch);
    assert_eq!(worker.debounce, Duration::from_millis(500));
    let web = service(&spec, "web");
    assert_eq!(web.dir, Expandable::Known(spec.root.join("web")));
    assert!(
        matches!(&web.ready, Some(ReadyCheck { probe: Probe::Log(TextPattern::Literal(text)), .. }) if text == "ready in")
    );
    let mail = service(&spec, "mail");
    assert!(!mail.autostart);
    assert_eq!(mail.profiles, ["full"]);
    assert_eq!((mail.view, service(&spec, "console").view), (PaneView::Auto, PaneView::Screen));
}

#[test]
fn every_form_of_a_value_is_understood() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/valid/every-value.toml");
    let spec = load(&file).unwrap().spec;
    let probe = |name: &str| service(&spec, name).ready.unwrap().probe;
    assert_eq!(probe("cmd"), Probe::Cmd(RunCommand::Argv(vec!["true".into()])));
    assert_eq!(probe("cmd-text"), Probe::Cmd(RunCommand::Shell("test -e x".into())));
    let http = |status| Probe::Http(HttpCheck { url: "http://localhost:4000".into(), status });
    assert_eq!((probe("status"), probe("code")), (http((200, 204)), http((401, 401))));
    let grace = |name: &str| service(&spec, name).alive.unwrap().grace;
    assert_eq!(
        (grace("alive1"), grace("alive2"), grace("alive3")),
        (AliveCheck::GRACE, Duration::ZERO, Duration::ZERO)
    );
    assert_eq!(probe("file"), Probe::File(spec.root.join("tmp/ready")));
    assert_eq!(probe("delay"), Probe::Delay(Duration::from_millis(150)));
    assert_eq!(probe("regex"), Probe::Log(TextPattern::Regex("listening on \\d+".into())));
    assert_eq!(service(&spec, "cmd-text").ready.unwrap().timeout, Duration::from_millis(1500));
    assert_eq!(service(&spec, "signal").on_change, OnChange::Signal(Signal::Hup));
    assert_eq!(service(&spec, "command").on_change, OnChange::Run("make css".into()));
    assert_eq!(
        service(&spec, "leader").stop,
        StopSpec { signal: Signal::Int, leader_only: true, ..StopSpec::default() }
    );
    let by_hand = service(&spec, "by-hand").stop;
    assert_eq!(by_hand.command, Some(RunCommand::Shell("a --stop".into())));
    assert_eq!(by_hand.grace, Duration::from_secs(60));
    assert_eq!(service(&spec, "dotted").stop.grace, Duration::from_secs(7200));
    assert_eq!(service(&spec, "started").depends_on[0].until, Condition::Started);
    assert_eq!(spec.services.last().unwrap().name.as_str(), "dotted");
}

#[test]
fn defaults_are_joined_key_by_key_where_the_contract_says_so() {
    let spec = good(
        "[defaults]\nstop = { signal = 'INT', grace = '1s' }\nbackoff = { max = '9s' }\nenv = { A = 'a', B = 'b' }\n\
         watch = ['src/**']\nrestart = 'always'\ndepends_on = ['db']\ndebounce = '1s'\n\
         [services]\ndb = 'db'\n[services.api]\nrun = 'api'\nstop = { grace = '2s' }\nbackoff = { initial = '3s' }\n\
         env = { B = 'c', C = '${B}' }\nwatch = false\nrestart = 'never'\ndepends_on = []",
    );
    let api = service(&spec, "api");
    assert_eq!(api.stop, StopSpec { signal: Signal::Int, grace: Duration::from_secs(2), ..StopSpec::default() });
    assert_eq!((api.backoff.initial, api.backoff.max), (Duration::from_secs(3), Duration::from_secs(9)));
    let env: Vec<(&str, &str)> = api.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(env, [("A", "a"), ("B", "c"), ("C", "${B}")]);
    assert_eq!((api.watch, api.restart, api.depends_on.len()), (WatchFiles::Off, RestartPolicy::Never, 0));
    let db = service(&spec, "db");
    assert_eq!((db.restart, db.debounce), (RestartPolicy::Always, Duration::from_secs(1)));
    assert!(matches!(db.watch, WatchFiles::Globs(globs) if globs.len() == 1));
    assert!(db.depends_on.is_empty(), "db does not wait for itself");
}

#[test]
fn the_retries_of_the_defaults_are_for_tasks() {
    let spec = good(
        "[defaults]\nretries = 2\n[services]\na = 'a'\nb = { run = 'b', kind = 'job' }\nc = { run = 'c', kind = 'job', retries = 0 }",
    );
    assert_eq!(spec.services.iter().map(|service| service.retries).collect::<Vec<_>>(), [0, 2, 0]);
    assert_eq!(codes("[services]\na = { run = 'a', retries = 0 }"), ["retries"]);
    assert_eq!(codes("[services]\na = { run = 'a', kind = 'job', retries = -1 }"), ["range"]);
    // In their place, `restart` and `breaker` do nothing; those of `[defaults]` are for services.
    let warnings = |text: &str| {
        let loaded = parse(text, Path::new(FILE)).unwrap();
        loaded.warnings.items.iter().map(|item| item.message.clone()).collect::<Vec<_>>()
    };
    let does_nothing = |key: &str| format!("`{key}` has no effect on the job `a`");
    let job = |keys: &str| format!("[services]\na = {{ run = 'a', kind = 'job', {keys} }}");
    let both = "retries = 2, restart = 'never', breaker = { failures = 1, within = '1s' }";
    assert_eq!(warnings(&job(both)), [does_nothing("restart"), does_nothing("breaker")]);
    assert_eq!(warnings(&job("breaker = { cooldown = '1s' }")), [does_nothing("breaker")]);
    let defaults = "[defaults]\nrestart = 'always'\nbreaker = { failures = 1 }\n";
    assert_eq!(warnings(&format!("{defaults}{}", job("retries = 2"))), [""; 0]);
}

#[test]
fn the_debounce_of_the_group_is_that_of_its_services() {
    let spec = good("[watch]\ndebounce = '1s'\n[services]\na = 'a'\nb = { run = 'b', debounce = '2s' }");
    assert_eq!(service(&spec, "a").debounce, Duration::from_secs(1));
    assert_eq!(service(&spec, "b").debounce, Duration::from_secs(2));
}

#[test]
fn ports_only_clash_between_services_that_run_together() {
    let two = |more: &str| {
        format!(
            "[services]\na = {{ run = 'a', ready = {{ port = 1 }} }}\nb = {{ run = 'b', ready = {{ port = 1 }}{more} }}"
        )
    };
    assert_eq!(codes(&two("")), ["port"]);
    assert!(parse(&two(""), Path::new(FILE)).is_ok(), "a warning: the group can run");
    assert_eq!(codes(&two(", autostart = false")), [""; 0]);
    let profiles = two(", profiles = ['x']").replacen("} }", "}, profiles = ['y'] }", 1);
    assert_eq!(codes(&profiles), [""; 0]);
    // The first that may run beside each: of a profile of its own, without any, of any.
    let services = [("a", "'x'"), ("b", "'y'"), ("c", ""), ("d", "'z'"), ("e", "'z', 'y'"), ("f", "")];
    let services = services
        .map(|(name, profiles)| format!("{name} = {{ run = 'a', ready = {{ port = 1 }}, profiles = [{profiles}] }}\n"));
    let loaded = parse(&format!("[services]\n{}", services.concat()), Path::new(FILE)).unwrap();
    let told = loaded.warnings.items.iter().map(|item| item.message.trim_end_matches(" have the same port: 1"));
    assert_eq!(told.collect::<Vec<_>>(), ["`a` and `c`", "`c` and `d`", "`b` and `e`", "`a` and `f`"]);
}

#[test]
fn many_warnings_hide_no_error() {
    let warned: String = (0..150).map(|at| format!("s{at} = {{ run = 'a', ready = {{ port = 1 }} }}\n")).collect();
    let circle = "a = { run = 'a', depends_on = ['b'] }\nb = { run = 'b', depends_on = ['a'] }\n";
    assert!(parse(&format!("[services]\n{warned}"), Path::new(FILE)).is_ok());
    let problems = parse(&format!("[services]\n{warned}{circle}"), Path::new(FILE)).unwrap_err();
    assert_eq!(problems.items.iter().filter(|item| item.code == "cycle").count(), 1);
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let spec = good("\u{feff}[services]\r\na = 'a'\r\nb = { run = 'b', watch = true }\r\n");
    assert!(matches!(service(&spec, "b").watch, WatchFiles::All { line: 3, .. }));
    let text =
        "[services.a]\r\nrun = '''\r\ncd /tmp\r\nls\r\n'''\r\nenv = { A = \"\"\"x\r\ny\"\"\", B = \"x\\r\\n\" }\r\n";
    let a = service(&good(text), "a");
    assert_eq!(a.run, RunCommand::Shell("cd /tmp\nls\n".into()));
    assert_eq!(a.env, [("A".to_owned(), "x\ny".to_owned()), ("B".to_owned(), "x\r\n".to_owned())]);
    let problems = parse(&format!("{text}wacth = 1"), Path::new(FILE)).unwrap_err();
    assert_eq!(problems.position(&problems.items[0]), Some((8, 1)));
}

#[test]
fn only_what_is_wrong_in_itself_is_said_beside_a_broken_line() {
    assert_eq!(codes("[services.a]\nrun = npm\ndepends_on = ['b']\nwacth = 1"), ["syntax", "unknown-key"]);
    assert_eq!(codes("[services.a]\nrun = 'a'\n[services.a]\nwatch = true"), ["duplicate"]);
    // The keys below a header that is not closed are not keys of the file.
    assert_eq!(
        codes("[services.a\nrun = 'a'\nwatch = true\n[services.b]\nrun = 'b'\nwacth = 1"),
        ["syntax", "unknown-key"]
    );
    assert_eq!(codes("[services.a\nrun = 'a'\n"), ["syntax"]);
}

#[test]
fn a_package_script_that_reloads_itself_is_told_as_the_program_behind_it_would_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("web")).unwrap();
    fs::write(folder.path().join("web/package.json"), r#"{"scripts":{"dev":"vite --host","build":"vite build"}}"#)
        .unwrap();
    let warned = |run: &str, dir: &str| {
        let text = format!("[services.web]\nrun = '{run}'\ndir = '{dir}'\nwatch = true");
        !parse(&text, &folder.path().join(FILE_NAME)).unwrap().warnings.is_empty()
    };
    assert!(warned("npm run dev", "web") && warned("pnpm dev", "web"));
    assert!(!warned("npm run build", "web") && !warned("npm run nothing", "web") && !warned("npm run dev", "."));
}

#[test]
fn the_file_is_found_in_the_folders_above() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, "[services]\na = 'a'").unwrap();
    assert_eq!(find_nearest(&deep), Some(file));
    let nearer = folder.path().join("a").join(FILE_NAME);
    fs::write(&nearer, "").unwrap();
    assert_eq!(find_nearest(&deep), Some(nearer));
}

#[test]
fn what_cannot_be_read_is_said_without_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let failure = |file: &Path| {
        let problems = load(file).unwrap_err();
        let message = problems.render(plain());
        assert!(message.starts_with("error: "), "{message}");
        (problems.items[0].code, problems.summary())
    };
    let missing = format!("cannot read `{}`: it does not exist", file("missing").display());
    assert_eq!(failure(&file("missing")), ("unreadable", missing), "the whole path");
    std::os::unix::fs::symlink("gone", file("link")).unwrap();
    let dangling = format!("cannot read `{}`: it is a link to gone, which does not exist", file("link").display());
    assert_eq!(failure(&file("link")), ("unreadable", dangling));
    fs::create_dir(file("folder")).unwrap();
    assert_eq!(failure(&file("folder")).1, format!("`{}` is a folder", file("folder").display()));
    fs::write(file("huge"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(failure(&file("huge")).0, "too-large");
    fs::write(file("binary"), b"\x7fELF\xff\xff").unwrap();
    assert_eq!(failure(&file("binary")).0, "not-utf8");
}

#[test]
fn the_summary_is_one_line_with_the_first_error() {
    let problems = parse("[services.a]\nrun = 'a'\nwacth = 1\nrestart = 1", Path::new(FILE)).unwrap_err();
    assert_eq!(problems.summary(), "procgroup.toml:3:1: unknown key `wacth` in service `a` · and 1 more");
    assert_eq!(problems.position(&problems.items[1]), Some((4, 11)));
}

#[test]
fn a_place_is_told_by_line_and_column() {
    let problems = parse("[services.é]\n\nrun = 1", Path::new(FILE)).unwrap_err();
    let places = [0, 10, 11, 12, 13, 14, 15, 21, 99].map(|at| problems.place(&(at..at)));
    assert_eq!(places, [(1, 1), (1, 11), (1, 11), (1, 12), (1, 13), (2, 1), (3, 1), (3, 7), (3, 8)]);
}

#[test]
fn ascii_and_colour_say_the_same() {
    let problems = parse("[services.a]\nrun = 'a'\nwacth = 1", Path::new(FILE)).unwrap_err();
    let ascii = "error: unknown key `wacth` in service `a`                          [unknown-key]
   ,-[procgroup.toml:3:1]
 3 | wacth = 1
   : --+--
   :   `-- did you mean `watch`?
   `-
  help: without it nothing restarts a
";
    let draw = |color, unicode| problems.render(RenderStyle { color, unicode, width: 80 });
    assert_eq!(draw(false, false), ascii);
    let colored = draw(true, false);
    let mut bare = colored.clone();
    for code in ["\x1b[1;31m", "\x1b[36m", "\x1b[1m", "\x1b[2m", "\x1b[0m"] {
        bare = bare.replace(code, "");
    }
    assert!(colored.contains("\x1b[1;31merror\x1b[0m"));
    assert_eq!(bare, ascii);
    assert!(parse("[services]\na = { run = 'a', depends_on = ['a'] }", Path::new(FILE)).is_err());
    let cycle =
        parse("[services]\na = { run='a', depends_on=['b'] }\nb = { run='b', depends_on=['a'] }", Path::new(FILE));
    assert!(cycle.unwrap_err().render(RenderStyle { color: false, unicode: false, width: 80 }).is_ascii());
}

#[test]
fn of_a_long_circle_ten_names_are_shown_and_the_shortest_is_among_several() {
    let service = |name: usize, on: &str| format!("s{name} = {{ run = 'a', depends_on = [{on}] }}\n");
    let ring: String = (0..5000).map(|at| service(at, &format!("'s{}'", (at + 1) % 5000))).collect();
    let problems = parse(&format!("[services]\n{ring}"), Path::new(FILE)).unwrap_err();
    let [item] = problems.items.as_slice() else { panic!("{}", problems.items.len()) };
    let names = (0..10).map(|at| format!("s{at}")).collect::<Vec<_>>().join(" → ");
    assert_eq!(item.message, format!("services wait for each other: {names} → … and 4990 more"));
    assert!(item.labels.len() == 10 && problems.render(plain()).len() < 4000);
    // The circle that is found first has all four.
    let file = ["'s1'", "'s2'", "'s3', 's1'", "'s0'"];
    let file: String = file.iter().enumerate().map(|(at, on)| service(at, on)).collect();
    let problems = parse(&format!("[services]\n{file}"), Path::new(FILE)).unwrap_err();
    let mut messages = problems.items.iter().map(|item| item.message.as_str());
    assert!(messages.any(|message| message.ends_with(": s1 → s2 → s1")), "{}", problems.render(plain()));
}

#[test]
fn fuzz_of_the_file() {
    const SEEDS: [&[u8]; 5] = [
        include_bytes!("../../../tests/configs/valid/contract.toml"),
        include_bytes!("../../../tests/configs/valid/every-value.toml"),
        b"[services]\na = \"x\"\nb = { run = [\"y\"], watch = [\"src/**/*.{rs,toml}\", \"!a\"], depends_on = [\"a\"] }\n",
        b"name = \"\"\n[services.a]\nrun = 1\nready = { port = 70000, log = \"/(/\" }\ndepends_on = { b = \"x\" }\n[services.a]\n",
        b"[defaults]\nenv = { A = \"${B:-${C}}\" }\n[watch]\nignore = [\"[\", \"../x\", \"**/**\"]\n[[services]]\n",
    ];
    let style = RenderStyle { color: false, unicode: true, width: 80 };
    crate::fuzz::run("file", 250, &SEEDS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let read = parse(&text, Path::new("/nowhere/procgroup.toml"));
        let (is_good, said) = match &read {
            Ok(loaded) => (true, &loaded.warnings),
            Err(diagnostics) => (false, diagnostics),
        };
        assert!(is_good != said.has_errors());
        for label in said.items.iter().flat_map(|item| &item.labels) {
            assert!(said.text().get(label.span.clone()).is_some(), "{:?} is no part of the text", label.span);
        }
        said.render(style);
        let mut codes: Vec<&str> = said.items.iter().map(|item| item.code).collect();
        codes.sort_unstable();
        codes.dedup();
        (is_good, codes.into_iter().map(str::to_owned).collect::<Vec<_>>())
    });
}
