//! `devgroup export`: what it writes, what it says, and what it never writes.

mod groups;
mod judges;
mod round_trip;
mod runs;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use devgroup::domain::GroupSpec;
use devgroup::export::{Exported, Options, Target, export};

use crate::harness::{Project, Stream};

const TARGETS: [(Target, &str); 4] = [
    (Target::Compose, "compose"),
    (Target::Kubernetes, "kubernetes"),
    (Target::Systemd, "systemd"),
    (Target::Procfile, "procfile"),
];

fn options(folder: &Path) -> Options {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let files =
        [(folder.join(".env"), names(&["FROM_FILE"])), (folder.join("conf/more.env"), names(&["FROM_FILE", "V1"]))];
    Options { image: Some("shop:latest".into()), folder: folder.to_owned(), names: files.into(), ..Options::default() }
}

fn exported(group: &GroupSpec, target: Target, options: &Options) -> Exported {
    export(group, target, options).unwrap_or_else(|error| panic!("{error}"))
}

/// All that is written and said, for a snapshot.
fn shown(group: &GroupSpec, target: Target, options: &Options) -> String {
    let exported = exported(group, target, options);
    let files = exported.files.iter().map(|file| format!("===== {}\n{}", file.name, file.text));
    let warnings = exported.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    files.chain(["===== said\n".to_owned()]).chain(warnings).collect()
}

/// A group in which each cell of the table of the guide has something to say.
const EVERYTHING: &str = r#"
name = "shop"

[export]
images = { db = "postgres:16", cache = "redis:7" }

[start]
parallel = 2

[tasks]
dir = "shared"

[services.db]
run   = "postgres -D data"
ready = { cmd = "pg_isready -q", timeout = "60s" }
stop  = { signal = "INT", grace = "20s" }

[services.cache]
run   = "docker compose up redis"
ready = { cmd = "docker compose exec redis redis-cli ping" }

[services.migrate]
run        = "npm run migrate && echo done"
kind       = "job"
retries    = 2
depends_on = ["db"]

[services.api]
run        = ["node", "api.js", "--name", "${API_NAME:-it's me}"]
dir        = "api"
env        = { LEVEL = "${LEVEL:-debug}", DB_PASSWORD = "hunter2hunter2", URL = "http://127.0.0.1:${PORT}/x", WEB = "http://localhost:4100" }
env_file   = [".env", "api/.env"]
port       = 4000
depends_on = { db = "ready", migrate = "done", cache = "ready" }
ready      = { http = "http://localhost:4000/health" }
alive      = { http = "http://localhost:4000/health", every = "10s" }
watch      = ["api/**"]
validate   = { run = "npx tsc --noEmit" }
restart    = "always"
limits     = { memory = "512MiB" }

[services.web]
run        = "serve --port $PORT"
ports      = { http = 4100, debug = 4200 }
replicas   = 3
depends_on = { api = "started" }
ready      = { log = "listening" }
alive      = { file = "tmp/beat", max_age = "2m" }
breaker    = { failures = 3, within = "30s" }

[services.nightly]
run      = "clean --all"
kind     = "job"
schedule = "30 2 * * 7"
timezone = "Europe/Berlin"

[services.often]
run          = "poll"
kind         = "job"
schedule     = "every 15m"
run_on_start = true

[services.tests]
run       = "npm test"
kind      = "job"
autostart = false
inputs    = ["src/**"]

[services.mail]
run      = "mail"
profiles = ["full"]
stop     = { command = "mail stop", to = "leader" }
ready    = { sd_notify = true }
alive    = { sd_notify = true }

[services.marie]
kind       = "worker"
run        = ["agent", "${TASK_DESCRIPTION}"]
depends_on = ["api"]

[services.remy]
kind   = "worker"
remote = true
"#;

#[test]
fn every_key_is_written_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("api")).unwrap();
    let group = groups::parsed(EVERYTHING, root);
    for (target, name) in TARGETS {
        let text = shown(&group, target, &options(root)).replace(root.to_str().unwrap(), "/w/shop");
        assert!(!text.contains("hunter2"), "{text}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_same_bytes_twice_and_nothing_of_secrets_in_every_group() {
    let root = Path::new("/w/shop");
    let own = groups::own_files().into_iter().map(|(_, file)| fs::read_to_string(file).unwrap());
    for text in own.chain((0..groups::GENERATED).map(groups::generated)) {
        for (target, _) in TARGETS {
            let of = || exported(&groups::parsed(&text, root), target, &options(root));
            let (one, other) = (of(), of());
            assert_eq!(one, other);
            assert!(!format!("{one:?}").contains("hunter2"), "{one:#?}");
            let files: String = one.files.iter().map(|file| file.text.as_str()).collect();
            for key in ["watch", "cascade"].iter().filter(|key| text.contains(&format!("\n{key} "))) {
                assert!(one.warnings.iter().any(|said| said.starts_with(&format!("{key} of "))), "{:?}", one.warnings);
                assert!(files.contains(&format!("# {key}: no counterpart")), "{files}");
            }
        }
    }
}

const SHOP: &str = "[services.api]\nrun = 'serve'\nenv_file = ['.env']\nwatch = ['src/**']\nenv = { API_TOKEN = 'hunter2hunter2' }\n\
                    [services.db]\nrun = 'postgres'\n";

fn shop() -> Project {
    let project = Project::new(SHOP);
    project.write(".env", "DB_HOST=valueoffile\nexport PASSPHRASE='valueoffile'\n");
    project.write("src/main.rs", "");
    project
}

#[test]
fn no_value_of_an_environment_file_is_written_and_strict_counts_warnings() {
    let project = shop();
    for (_, name) in TARGETS {
        let arguments = ["export", name, "--image", "shop:1"];
        let said = Stream::ask(&project, &arguments);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(!format!("{}{}", said.stdout, said.stderr).contains("hunter2"), "{}", said.stdout);
        assert!(!said.stdout.contains("valueoffile"), "{}", said.stdout);
        assert!(said.stderr.contains("warning: watch of api has no counterpart in"), "{}", said.stderr);
        assert_eq!(Stream::ask(&project, &[&arguments[..], &["--strict"]].concat()).code, Some(3));
        assert_eq!(said.stdout, Stream::ask(&project, &[&arguments[..], &["-o", "-"]].concat()).stdout);
        let db = Stream::ask(&project, &["export", name, "--image", "x", "--service", "db", "--strict"]);
        let is_strict = name == "kubernetes";
        assert_eq!((db.code, db.stderr.is_empty()), (Some(if is_strict { 3 } else { 0 }), !is_strict), "{}", db.stderr);
        assert!(db.stdout.contains("postgres") && !db.stdout.contains("serve"), "{}", db.stdout);
    }
    let secrets = Stream::ask(&project, &["export", "kubernetes", "--image", "x"]).stdout;
    assert!(secrets.contains("#   DB_HOST: \"\"\n#   PASSPHRASE: \"\"\n"), "{secrets}");
}

#[test]
fn files_are_overwritten_only_by_force() {
    let project = shop();
    let arguments = ["export", "kubernetes", "--image", "shop:1", "-o", "deploy/dev"];
    let said = Stream::ask(&project, &arguments);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let wrote = "wrote deploy/dev/api.yaml\nwrote deploy/dev/db.yaml\nwrote deploy/dev/secrets.yaml.template\n";
    assert_eq!(said.stdout, wrote);
    let before = project.read("deploy/dev/api.yaml");
    project.write("deploy/dev/api.yaml", "mine");
    fs::remove_file(project.path("deploy/dev/db.yaml")).unwrap();
    let again = Stream::ask(&project, &arguments);
    assert_eq!((again.code, project.read("deploy/dev/api.yaml").as_str()), (Some(2), "mine"));
    assert!(
        again.stderr.contains("deploy/dev/api.yaml already exists, and 1 more; nothing was written"),
        "{}",
        again.stderr
    );
    assert!(!project.path("deploy/dev/db.yaml").exists(), "all or none");
    project.write("elsewhere", "of somebody");
    fs::remove_file(project.path("deploy/dev/api.yaml")).unwrap();
    symlink(project.path("elsewhere"), project.path("deploy/dev/api.yaml")).unwrap();
    let forced = Stream::ask(&project, &[&arguments[..], &["--force"]].concat());
    assert_eq!((forced.code, project.read("deploy/dev/api.yaml")), (Some(0), before), "{}", forced.stderr);
    assert_eq!(project.read("elsewhere"), "of somebody", "a link is replaced, not followed");
}

#[test]
fn what_cannot_be_exported_is_an_error_that_names_it() {
    let project = shop();
    let said = |arguments: &[&str]| {
        let said = Stream::ask(&project, &[&["export"], arguments].concat());
        assert_eq!(said.stdout, "", "{arguments:?}");
        (said.code, said.stderr)
    };
    let (code, text) = said(&["compose"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("error: no image for api, db") && text.contains("--image"), "{text}");
    let (code, text) = said(&["procfile", "--service", "apj"]);
    assert!(code == Some(6) && text.contains("unknown service `apj`") && text.contains("did you mean `api`"), "{text}");
    assert_eq!(said(&["nomad"]).0, Some(2));
    project.write("procgroup.toml", "[services]\n'a.b' = 'x'\n'a-b' = 'y'\n");
    let (code, text) = said(&["kubernetes", "--image", "x"]);
    assert!(code == Some(2) && text.contains("`a.b` and `a-b` are both called `a-b` in Kubernetes"), "{text}");
    project.write("procgroup.toml", "[services.a]\nrun = 'x'\nenv_file = ['.env']\n");
    project.write(".env", "this is no variable\n");
    let (code, text) = said(&["systemd"]);
    assert!(code == Some(3) && text.contains("`.env`, line 1"), "{text}");
}
