//! The groups that are exported: the examples, that of this repository, and generated ones.

use std::fs;
use std::path::{Path, PathBuf};

use devgroup::config::{self, RenderStyle};
use devgroup::domain::GroupSpec;
use toml::{Table, Value};

/// The group of a text in a folder that need not be there.
pub(super) fn parsed(text: &str, root: &Path) -> GroupSpec {
    let loaded = config::parse(text, &root.join("procgroup.toml"));
    let loaded = loaded.unwrap_or_else(|found| {
        panic!("{}\n{text}", found.render(RenderStyle { color: false, unicode: true, width: 100 }))
    });
    config::with_group_values(loaded.spec)
}

/// The files of the examples and of this repository, each with its name.
pub(super) fn own_files() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = fs::read_dir(root.join("assets/examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folders
        .map(|folder| (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.join("procgroup.toml")))
        .collect();
    files.sort();
    files.push(("devgroup".into(), root.join("procgroup.toml")));
    files.push(("shop".into(), root.join("assets/demo/shop/procgroup.toml")));
    assert!(files.len() >= 8, "{files:?}");
    files
}

/// How many groups are generated.
pub(super) const GENERATED: u64 = 20;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    /// A number below this one.
    fn below(&mut self, sides: u64) -> u64 {
        // The constants of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// True in one of so many cases.
    fn hits(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// What engines, shells and YAML read as something else, if they are let.
pub(super) const HOSTILE: [&str; 16] = [
    "plain",
    "",
    "  leading and trailing  ",
    "it's \"quoted\" \\ twice",
    "$HOME $(id) `id` $$ ${NOT_OURS",
    "100% %i %% %n",
    "# no comment",
    "key: value",
    "two\nlines\n",
    "tab\there",
    "yes",
    "0x1F",
    "- item",
    "{a: [b, c]}",
    "größe データ 🦀",
    "a\u{85}b\u{2028}c\u{feff}d",
];

/// A text as the file writes it, so that nothing is put in.
pub(super) fn written(text: &str) -> String {
    text.replace('$', "$$")
}

/// The text of a group of two to seven services.
pub(super) fn generated(seed: u64) -> String {
    let dice = &mut Dice(seed.wrapping_mul(7919).wrapping_add(1));
    const NAMES: [&str; 8] = ["api", "on", "web.v2", "größe", "1st", "null", "a_b+c", "Worker"];
    let count = 2 + dice.below(6);
    let first = dice.below(8);
    let mut services = Table::new();
    let mut before: Vec<(String, bool)> = Vec::new();
    for place in 0..count {
        let name = NAMES[usize::try_from((first + place) % 8).unwrap()].to_owned();
        let (service, can_be_awaited, is_job) = service(dice, &before, 4000 + u32::try_from(place).unwrap() * 10);
        services.insert(name.clone(), service.into());
        if can_be_awaited {
            before.push((name, is_job));
        }
    }
    let mut group = Table::new();
    group.insert("name".into(), format!("group{seed}").into());
    if dice.hits(3) {
        group.insert("start".into(), table([("parallel", 2.into())]));
    }
    group.insert("services".into(), services.into());
    group.to_string()
}

fn table<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn texts(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|text| Value::from(*text)).collect())
}

/// A service, whether others may wait for it, and whether it is a job.
fn service(dice: &mut Dice, before: &[(String, bool)], port: u32) -> (Table, bool, bool) {
    let mut service = Table::new();
    let mut set = |key: &str, value: Value| drop(service.insert(key.to_owned(), value));
    let hostile = written(dice.one_of(&HOSTILE));
    set(
        "run",
        match dice.below(4) {
            0 => texts(&["serve", &hostile, "${FROM_OUTSIDE:-x y}"]),
            1 => texts(&["serve", "--value", &hostile]),
            2 => "cd sub && serve | tee 'a $b'\necho \"$X\"".into(),
            _ => "npm run dev -- --host 0.0.0.0".into(),
        },
    );
    let env = HOSTILE.iter().enumerate().filter(|_| dice.hits(3)).collect::<Vec<_>>();
    let mut env: Table =
        env.into_iter().map(|(place, text)| (format!("V{place}"), Value::from(written(text)))).collect();
    if dice.hits(2) {
        env.insert("LATE".into(), "${OUTSIDE:-none}/${V0:-x}".into());
        env.insert("DB_PASSWORD".into(), "hunter2hunter2".into());
    }
    set("env", env.into());
    let is_job = dice.hits(3);
    let is_scheduled = is_job && dice.hits(2);
    if is_job {
        set("kind", "job".into());
        set("retries", i64::try_from(dice.below(3)).unwrap().into());
    } else {
        set("restart", dice.one_of(&["never", "on-failure", "always"]).into());
        of_service(dice, &mut set, port);
    }
    if is_scheduled {
        let times = ["*/15 2 * * 5-7", "@daily", "0 9 1,15 * mon", "0 0 L * *", "every 30m", "every 90s"];
        set("schedule", dice.one_of(&times).into());
        set("run_on_start", dice.hits(2).into());
    }
    if is_scheduled && dice.hits(2) {
        set("timezone", "Europe/Berlin".into());
    }
    let needs = before
        .iter()
        .filter(|_| dice.hits(2))
        .map(|(name, is_job)| (name.clone(), Value::from(if *is_job { "done" } else { dice_word(name) })));
    set("depends_on", Value::Table(needs.collect()));
    for (key, value) in [
        ("autostart", false.into()),
        ("profiles", texts(&["full"])),
        ("env_file", texts(&[".env", "conf/more.env"])),
        ("validate", table([("run", "make build".into())])),
        ("cascade", true.into()),
        ("limits", table([("memory", "512MiB".into())])),
        ("stop", table([("signal", "INT".into()), ("grace", "1500ms".into()), ("command", "quit '$x'".into())])),
    ] {
        if dice.hits(4) {
            set(key, value);
        }
    }
    (service, !is_scheduled, is_job)
}

fn dice_word(name: &str) -> &'static str {
    if name.len().is_multiple_of(2) { "ready" } else { "started" }
}

/// The keys that only a service may have.
fn of_service(dice: &mut Dice, set: &mut dyn FnMut(&str, Value), port: u32) {
    if dice.hits(2) {
        set("ports", table([("http", port.into()), ("debug_of_it", (port + 5).into())]));
    }
    if dice.hits(3) {
        set("replicas", 3.into());
    }
    let ready = match dice.below(7) {
        0 => table([("port", port.into())]),
        1 => table([("http", format!("http://localhost:{port}/up?a=b").into()), ("timeout", "90s".into())]),
        2 => table([("http", format!("http://127.0.0.1:{port}").into()), ("status", 204.into())]),
        3 => table([("cmd", "test \"$A\" = '100%'".into())]),
        4 => table([("log", "listening".into())]),
        5 => table([("file", "tmp/it's ready".into())]),
        _ => table([("sd_notify", true.into())]),
    };
    if dice.hits(2) {
        set("ready", ready);
    }
    let alive = match dice.below(3) {
        0 => table([("port", port.into()), ("every", "1500ms".into())]),
        1 => table([("file", "tmp/beat $1.json".into()), ("max_age", "2m".into())]),
        _ => table([("sd_notify", true.into())]),
    };
    if dice.hits(3) {
        set("alive", alive);
    }
}
