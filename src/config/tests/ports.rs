//! Ports, what refers to them, and what a worktree takes from the main one.

use super::environment::{inherited, start, value};
use super::*;
use crate::domain::{AskedPort, MAIN_PORT, ports_by_name};

/// A file whose services have what is to be said about them.
fn drawn(text: &str) -> String {
    match parse(text, Path::new(FILE)) {
        Ok(loaded) => loaded.warnings.render(plain()),
        Err(problems) => problems.render(plain()),
    }
}

const SHOP: &str = "[services.api]\nrun = 'api'\nport = 4000\n\
                    [services.web]\nrun = ['web', '--api', '${services.api.port}']\nports = { http = 4100, debug = 9229 }\n\
                    env = { API = 'http://localhost:${services.api.port}/${HOST}' }\n\
                    url = 'http://localhost:${services.web.ports.http}'\nready = { port = '${services.web.ports.http}' }\n";

#[test]
fn ports_have_numbers_and_names() {
    let spec = good(&format!("{SHOP}[services.auto]\nrun = 'x'\nport = 'auto'\nports = {{ debug = 'auto' }}\n"));
    let ports = |name: &str| {
        let named = ports_by_name(&service(&spec, name).ports).into_iter();
        named.map(|(name, number)| format!("{name} {number}")).collect::<Vec<_>>().join(", ")
    };
    assert_eq!((ports("api").as_str(), ports("web").as_str()), ("port 4000", "port 4100, http 4100, debug 9229"));
    let auto = service(&spec, "auto").ports;
    assert!(
        auto.iter().all(|port| port.asked == AskedPort::Auto && port.number > 0),
        "they are known at once: {auto:?}"
    );
    let defaults = good("[defaults]\nport = 'auto'\n[services]\na = 'a'\nb = { run = 'b', port = 4000 }\n");
    assert_eq!(service(&defaults, "a").ports[0].label(), MAIN_PORT);
    assert_eq!(service(&defaults, "b").ports[0].number, 4000);
}

#[test]
fn references_become_values_once_the_ports_are_known() {
    let spec = with_group_values(good(SHOP));
    let web = service(&spec, "web");
    assert_eq!(web.run, RunCommand::Argv(vec!["web".into(), "--api".into(), "4000".into()]));
    assert_eq!(web.env[0].1, "http://localhost:4000/${HOST}", "a variable is for the start");
    assert_eq!(web.url, Some(Expandable::Known("http://localhost:4100".into())));
    let checks = checks_now(&web, &inherited()).unwrap();
    assert_eq!(checks.ready.unwrap().probe, Probe::Port(4100));
    let text = "[services.db]\nrun = 'db'\nenv = { DB = 'shop_${worktree}', PRICE = '$${worktree}' }\n";
    assert_eq!(service(&with_group_values(good(text)), "db").env[0].1, "shop_main");
    assert_eq!(service(&with_group_values(good(text)), "db").env[1].1, "$${worktree}");
}

#[test]
fn a_service_gets_its_ports_and_env_is_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join(".env"),
        "PORT=3000\nURL=http://localhost:${PORT}\nDB=${services.db.port}/${worktree}\n",
    )
    .unwrap();
    let text = "[services.db]\nrun = 'db'\nport = 5433\n\
                [services.api]\nrun = ['api', '${PORT}']\nport = 4000\nports = { debug = 9229 }\nenv_file = '.env'\n";
    let got = start(text, folder.path()).unwrap();
    assert_eq!(got.command, RunCommand::Argv(vec!["api".into(), "4000".into()]));
    for (name, expected) in [
        ("PORT", "4000"),
        ("PORT_DEBUG", "9229"),
        ("URL", "http://localhost:4000"),
        ("DB", "5433/main"),
        ("DEVGROUP_WORKTREE", "main"),
    ] {
        assert_eq!(value(&got, name).as_deref(), Some(expected), "{name}");
    }
    let own = format!("{text}env = {{ PORT = '1${{PORT_DEBUG}}' }}\n");
    assert_eq!(value(&start(&own, folder.path()).unwrap(), "PORT").as_deref(), Some("19229"));
}

#[test]
fn what_is_wrong_with_a_port_is_said_with_its_place() {
    let api = |rest: &str| format!("[services.api]\nrun = 'api'\n{rest}\n");
    for (text, said) in [
        (api("port = '4000'"), "port = 4000"),
        (api("port = 'aut'"), "did you mean \"auto\"?"),
        (api("port = '8080:80'"), "port = 80"),
        (api("port = 0"), "out of range"),
        (api("port = true"), "must be a number, or \"auto\""),
        (api("ports = 4000"), "port = 4000   or   ports = {"),
        (api("ports = { Debug = 1 }"), "lowercase letter"),
        (api("ports = { port = 1 }"), "`port` is the key for the main port"),
        (api("listen = 4000"), "did you mean `port`?"),
        (api("env = { A = '${services.apo.port}' }"), "did you mean `api`?"),
        (api("env = { A = '${services.api.port}' }"), "`api` has no port"),
        (api("port = 1\nenv = { A = '${services.api.host}' }"), "does not name a port"),
        (api("ports = { http = 1 }\nurl = 'http://x:${services.api.ports.htpp}'"), "did you mean `http`?"),
        (api("port = 1\nready = { port = '${services.api.ports.http}' }"), "api has one port: ${services.api.port}"),
        (api("port = 65534\nreplicas = 3"), "use 65533 or less"),
        (api("replicas = 3\nports = { http = 4000, debug = 4001 }"), "keep them at least 3 apart"),
        (api("port = 4001\n[services.w]\nrun = 'w'\nport = 4000\nreplicas = 2"), "have the same port: 4001"),
        (api("port = 1\nenv = { PORT = '2' }"), "`env` and `port` both set PORT"),
        (api("ports = { http = 1 }\nenv = { PORT_HTTP = '2' }"), "`env` and `ports.http` both set PORT_HTTP"),
        (
            "[services.api]\nrun = 'curl ${services.db.port}'\n[services.db]\nrun = 'db'\nport = 1\n".into(),
            "env = { DB_PORT = \"${services.db.port}\" }",
        ),
        (api("validate = { run = 'migrate ${worktree}' }"), "write $DEVGROUP_WORKTREE in the command"),
    ] {
        assert!(drawn(&text).contains(said), "{text}\n{}", drawn(&text));
    }
    for fine in [
        "port = 4000\nenv = { PORT = '4000' }",
        "port = 'auto'\nenv = { PORT = '0${PORT}' }",
        "run = ['api', '${worktree}']",
    ] {
        let text = api(fine).replace("run = 'api'\nrun", "run");
        assert_eq!(codes(&text), [""; 0], "{}", drawn(&text));
    }
}

#[test]
fn two_services_with_one_port_are_told_however_they_say_it() {
    let two = |one: &str, other: &str| {
        codes(&format!("[services]\na = {{ run = 'a', {one} }}\nb = {{ run = 'b', {other} }}\n"))
    };
    assert_eq!(two("port = 4000", "port = 4000"), ["port"]);
    assert_eq!(two("ports = { http = 4000 }", "ready = { port = 4000 }"), ["port"]);
    assert_eq!(two("port = 4000, ready = { port = 4000 }", "port = 4001"), [""; 0]);
    assert_eq!(two("port = 'auto'", "port = 'auto'"), [""; 0]);
    assert_eq!(two("port = 4000", "port = 4000, autostart = false"), [""; 0]);
}

/// A main checkout with an environment file, and a linked worktree without one.
fn checkouts(folder: &Path) -> PathBuf {
    let write = |path: &str, text: &str| {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), text).unwrap();
    };
    write("shop/.git/HEAD", "ref: refs/heads/main\n");
    write("shop/.env", "KEY=of-main\n");
    write("shop/.git/worktrees/login/commondir", "../..\n");
    write("login/.git", &format!("gitdir: {}\n", folder.join("shop/.git/worktrees/login").display()));
    folder.join("login")
}

#[test]
fn a_worktree_takes_the_file_of_the_main_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let login = checkouts(folder.path());
    let or = "[services.api]\nrun = 'api'\nenv_file = [{ path = '.env', or = 'main-worktree' }, '.env.local']\n";
    let got = start(or, &login).unwrap();
    assert_eq!(value(&got, "KEY").as_deref(), Some("of-main"));
    assert_eq!(value(&got, "DEVGROUP_WORKTREE").as_deref(), Some("login"));
    let warnings = |text: &str| parse(text, &login.join(FILE_NAME)).unwrap().warnings.render(plain());
    assert_eq!(warnings(or), "");
    let plainly = "[services.api]\nrun = 'api'\nenv_file = '.env'\n";
    let told = warnings(plainly);
    assert!(told.contains("`.env` is missing here; the main worktree has one"), "{told}");
    assert!(told.contains("env_file = { path = \".env\", or = \"main-worktree\" }"), "{told}");
    fs::write(login.join(".env"), "KEY=own\n").unwrap();
    assert_eq!(value(&start(or, &login).unwrap(), "KEY").as_deref(), Some("own"));
    assert_eq!(warnings(plainly), "");
    // What is wrong with the one that is read is said.
    fs::remove_file(login.join(".env")).unwrap();
    fs::write(folder.path().join("shop/.env"), "nonsense\n").unwrap();
    assert_eq!(parse(or, &login.join(FILE_NAME)).unwrap_err().items[0].code, "env-file");
    let bad = "[services.api]\nrun = 'api'\nenv_file = { path = 1, or = 'main' }\n";
    let codes: Vec<_> = parse(bad, &login.join(FILE_NAME)).unwrap_err().items.iter().map(|item| item.code).collect();
    assert_eq!(codes, ["type", "value"]);
}

#[test]
fn a_reference_in_an_environment_file_is_checked_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "A=1\nDB=${services.bd.port}\n").unwrap();
    let text = |port: u16| {
        format!("[services.db]\nrun = 'db'\nport = {port}\n[services.api]\nrun = 'api'\nenv_file = '.env'\n")
    };
    let file = folder.path().join(FILE_NAME);
    let told = parse(&text(5432), &file).unwrap_err().render(plain());
    assert!(told.contains("`.env`, line 2: ") && told.contains("did you mean `db`?"), "{told}");
    fs::write(folder.path().join(".env"), "A=1\nDB=${services.db.port}\n").unwrap();
    let seen = |port| service(&with_group_values(parse(&text(port), &file).unwrap().spec), "api").values_in_files;
    assert_eq!(seen(5432), [("services.db.port".to_owned(), "5432".to_owned())]);
    assert_ne!(seen(5432), seen(5433));
}
