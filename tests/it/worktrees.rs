//! One file in several git worktrees at once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Project, Stream, has, wait_for};

/// A repository with this file, and linked worktrees beside its root.
fn repository(project: &Project, worktrees: &[&str]) {
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "first"]);
    for name in worktrees {
        project.git(&["worktree", "add", "-q", "-b", &format!("tree/{name}"), &format!("../{name}")]);
    }
}

/// devgroup in the worktree of this name; `app` is the main one.
fn devgroup(project: &Project, worktree: &str, arguments: &[&str]) -> String {
    let folder = format!("../{worktree}");
    let asked = Stream::ask(project, &[&["-C", &folder], arguments].concat());
    assert_eq!(asked.code, Some(0), "{worktree} {arguments:?}: {}{}", asked.stdout, asked.stderr);
    asked.stdout
}

/// The ports of all services, by the names of both.
fn ports(project: &Project, worktree: &str) -> BTreeMap<String, u64> {
    let status: Value = serde_json::from_str(&devgroup(project, worktree, &["status", "--json"])).unwrap();
    let services = status["services"].as_array().unwrap().clone();
    let ports = services.iter().flat_map(|service| {
        let name = service["name"].as_str().unwrap().to_owned();
        let ports = service["ports"].as_object().unwrap().clone();
        ports.into_iter().map(move |(port, number)| (format!("{name}.{port}"), number.as_u64().unwrap()))
    });
    ports.collect()
}

/// Numbers of ports that no two worktrees, and no two services of one, have in common.
fn assert_apart(all: &[BTreeMap<String, u64>]) {
    let mut seen = BTreeMap::new();
    for (tree, ports) in all.iter().enumerate() {
        for (name, number) in ports {
            // `port` is one of the others.
            let service = name.split('.').next().unwrap().to_owned();
            let before = seen.insert(*number, (tree, service.clone()));
            assert!(before.is_none_or(|before| before == (tree, service)), "{all:?}");
        }
    }
}

#[test]
fn each_worktree_has_ports_of_its_own_and_the_same_again() {
    let project = Project::new(
        "[defaults]\nenv_file = { path = '.env', or = 'main-worktree' }\n\
         [services.api]\nrun = 'echo $DEVGROUP_WORKTREE $DB $KEY > said; exec sleep 1000'\nport = 'auto'\n\
         env = { DB = 'shop_${worktree}' }\nready = { delay = '1ms' }\n\
         [services.web]\nrun = 'exec sleep 1000'\nports = { http = 'auto', debug = 'auto' }\n",
    );
    project.write(".gitignore", ".env\nsaid\n");
    repository(&project, &["Fix-Login", "main"]);
    project.write(".env", "KEY=of-main\n");
    project.write("../Fix-Login/.env", "KEY=own\n");
    let trees = ["app", "Fix-Login", "main"];
    // With what the logs say: a group of another test may have one of the ports, and then the next free one is taken.
    let up = |tree: &&str| {
        devgroup(&project, tree, &["-d"]);
        (ports(&project, tree), devgroup(&project, tree, &["logs"]))
    };
    let first: Vec<_> = trees.iter().map(up).collect();
    assert_apart(&first.iter().map(|(ports, _)| ports.clone()).collect::<Vec<_>>());
    let said = |tree: &str| project.read(&format!("../{tree}/said")).trim().to_owned();
    assert_eq!(
        (said("app").as_str(), said("Fix-Login").as_str()),
        ("main shop_main of-main", "fix_login shop_fix_login own")
    );
    let other = said("main");
    assert!(other.starts_with("main_") && other.ends_with(" of-main"), "{other}");
    for tree in trees {
        devgroup(&project, tree, &["down"]);
    }
    for ((before, told), (after, told_again)) in first.iter().zip(trees.iter().map(up)) {
        let was_taken = [told, &told_again].iter().any(|log| log.contains(" is in use by "));
        assert!(*before == after || was_taken, "{before:?} {after:?}\n{told}{told_again}");
    }
    for tree in trees {
        devgroup(&project, tree, &["down"]);
    }
    project.assert_nothing_left();
}

#[test]
fn check_says_that_the_main_checkout_has_the_missing_file() {
    let project = Project::new("[services.api]\nrun = 'api'\nenv_file = '.env'\n");
    repository(&project, &["login"]);
    project.write(".env", "KEY=1\n");
    let said = |folder: &str| Stream::ask(&project, &["-C", folder, "check"]).stderr;
    let there = said("../login");
    assert!(there.contains("`.env` is missing here; the main worktree has one"), "{there}");
    assert!(there.contains("env_file = { path = \".env\", or = \"main-worktree\" }"), "{there}");
    assert_eq!(said("."), "");
}

/// The folder of PostgreSQL's programs.
fn postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|version| version.path().join("bin"));
    versions.chain([PathBuf::from("/usr/bin"), "/usr/local/bin".into()]).find(|bin| bin.join("initdb").exists())
}

const SHOP: &str = r#"
[defaults]
env_file = { path = ".env", or = "main-worktree" }

[services.db]
run   = ["sh", "as-user.sh", "postgres", "-D", "../pg/${worktree}", "-p", "${PORT}", "-c", "fsync=off",
         "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]
port  = "auto"
ready = { cmd = "pg_isready -q -h 127.0.0.1 -p $PORT", timeout = "120s" }
stop  = { signal = "INT", grace = "20s" }

[services.create]
run        = "createdb -h 127.0.0.1 -p $DB_PORT -U postgres $DB 2>&1 | grep -v 'already exists'; psql $URL -c 'create table if not exists seen (tree text)' -c \"insert into seen values ('$DEVGROUP_WORKTREE')\""
kind       = "job"
depends_on = ["db"]
env        = { DB_PORT = "${services.db.port}", DB = "shop_${worktree}", URL = "postgres://postgres@127.0.0.1:${services.db.port}/shop_${worktree}" }

[services.redis]
run   = ["redis-server", "--port", "${PORT}", "--bind", "127.0.0.1", "--save", ""]
port  = "auto"
ready = { cmd = "redis-cli -p $PORT ping | grep -q PONG", timeout = "120s" }

[services.web]
run        = ["python3", "serve.py", "${PORT}"]
port       = "auto"
depends_on = { create = "done", redis = "ready" }
ready      = { http = "http://127.0.0.1:${PORT}/", timeout = "120s" }

[services.frontend]
run        = ["python3", "serve.py", "${PORT_HTTP}", "${PORT_DEBUG}"]
ports      = { http = "auto", debug = "auto" }
depends_on = ["web"]
ready      = { port = "${PORT_DEBUG}", timeout = "120s" }
url        = "http://127.0.0.1:${services.frontend.ports.http}/"

[services.worker]
run        = "redis-cli -u $REDIS set tree $DEVGROUP_WORKTREE && psql $URL -Atc 'select distinct tree from seen' > said && echo $KEY >> said && redis-cli -u $REDIS get tree >> said && echo up && exec sleep 1000"
depends_on = { create = "done", redis = "ready" }
env        = { URL = "postgres://postgres@127.0.0.1:${services.db.port}/shop_${worktree}", REDIS = "redis://127.0.0.1:${services.redis.port}" }
ready      = { log = "up", timeout = "120s" }
"#;

/// PostgreSQL does not run as root.
const AS_USER: &str = "\
if [ \"$(id -u)\" = 0 ]; then exec setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$@\"; fi
exec \"$@\"
";

/// Answers on each of its ports.
const SERVE: &str = "\
import http.server, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'here')
    def log_message(self, *_):
        pass
servers = [http.server.ThreadingHTTPServer(('127.0.0.1', int(port)), Handler) for port in sys.argv[1:]]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
";

/// A database for each worktree, made once and copied.
fn make_databases(project: &Project, names: &[&str]) {
    fs::set_permissions(project.path(".."), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(project.path("../pg")).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(project.path("../pg"), Some(65_534), Some(65_534)).unwrap();
    }
    let initdb = ["as-user.sh", "initdb", "-D", "../pg/new", "-U", "postgres", "-A", "trust", "-N", "--locale=C"];
    let made = project.command("sh").args(initdb).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in names {
        let copied = project.command("cp").args(["-a", "../pg/new"]).arg(format!("../pg/{name}")).status();
        assert!(copied.unwrap().success());
    }
}

#[test]
fn a_shop_with_database_and_cache_runs_in_five_worktrees_at_once() {
    let Some(bin) = postgres() else {
        has("PostgreSQL", false);
        return;
    };
    let there = |program: &str| std::process::Command::new(program).arg("--version").output().is_ok();
    if !has("redis-server, python3 and setpriv", ["redis-server", "python3", "setpriv"].into_iter().all(there)) {
        return;
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = Project::new(SHOP).with_env("PATH", &path);
    project.write("as-user.sh", AS_USER);
    project.write("serve.py", SERVE);
    project.write(".gitignore", ".env\nsaid\n");
    let linked = ["login", "Fix-42", "search", "no-env"];
    repository(&project, &linked);
    let trees: Vec<&str> = ["app"].into_iter().chain(linked).collect();
    for tree in &trees[..4] {
        project.write(&format!("../{tree}/.env"), format!("KEY=of-{tree}\n"));
    }
    let names = ["main", "login", "fix_42", "search", "no_env"];
    make_databases(&project, &names);

    let up = || {
        let groups: Vec<Stream<'_>> = trees
            .iter()
            .map(|tree| {
                Stream::start_program(&project, env!("CARGO_BIN_EXE_devgroup"), &["-C", &format!("../{tree}"), "-d"])
            })
            .collect();
        for group in groups {
            let started = group.wait_client();
            assert_eq!(started.code, Some(0), "{}{}", started.stdout, started.stderr);
        }
        trees.iter().map(|tree| ports(&project, tree)).collect::<Vec<_>>()
    };
    let first = up();
    assert_eq!(first[0].len(), 6, "{:?}", first[0]);
    assert_apart(&first);
    for (tree, name) in trees.iter().zip(names) {
        let key = if *tree == "no-env" { "app" } else { tree };
        let said = project.read(&format!("../{tree}/said"));
        assert_eq!(said, format!("{name}\nof-{key}\n{name}\n"), "each has its own database, cache and variables");
    }
    let url = devgroup(&project, "login", &["url", "frontend"]);
    assert_eq!(url, format!("http://127.0.0.1:{}/\n", first[1]["frontend.http"]));
    let end = || {
        for tree in &trees {
            devgroup(&project, tree, &["down"]);
        }
        wait_for("all is gone", || project.processes().is_empty());
    };
    end();
    assert_eq!(up(), first, "the same again");
    end();
}
