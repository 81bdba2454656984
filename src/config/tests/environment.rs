//! What a process gets: precedence, variables, and what is refused.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::*;

pub(super) fn inherited() -> Vec<(OsString, OsString)> {
    [("PATH", "/bin"), ("HOST", "outer"), ("A", "outer")].map(|(name, value)| (name.into(), value.into())).to_vec()
}

pub(super) fn value(environment: &Environment, name: &str) -> Option<String> {
    let mut found = environment.variables.iter().filter(|(known, _)| known == name);
    let value = found.next().map(|(_, value)| value.to_string_lossy().into_owned());
    assert!(found.next().is_none(), "{name} stands there twice");
    value
}

pub(super) fn start(text: &str, folder: &Path) -> Result<Environment, EnvironmentError> {
    let loaded = parse(text, &folder.join(FILE_NAME)).unwrap_or_else(|p| panic!("{}", p.render(plain())));
    let api = service(&with_group_values(loaded.spec), "api");
    environment(&api, &api.run, &inherited(), &Pipes::default())
}

#[test]
fn later_ones_win_and_see_the_earlier_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "A=first\nB='${A}'\nC=\"${A} ${HOST}\"\n").unwrap();
    fs::write(folder.path().join(".env.local"), "A=second\nD=${C}!\n").unwrap();
    let environment = start(
        "[defaults]\nenv_file = ['.env', '.env.local', 'missing']\nenv = { HOST = 'default', E = 'e' }\n\
         [services.api]\nrun = 'serve ${HOST} ${A} ${E:-x} ${f} $HOST $$f'\n\
         env = { Z = '1', HOST = 'own-${HOST}', G = '${Z}${HOST}', PATH = '/x:${PATH}', F = '${NONE:-none} $$' }",
        folder.path(),
    )
    .unwrap();
    let expected = [
        ("A", "second"),
        ("B", "${A}"),
        ("C", "first outer"),
        ("D", "first outer!"),
        ("E", "e"),
        ("F", "none $"),
        ("G", "1own-outer"),
        ("HOST", "own-outer"),
        ("PATH", "/x:/bin"),
    ];
    for (name, expected) in expected {
        assert_eq!(value(&environment, name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(
        environment.command,
        RunCommand::Shell("serve ${HOST} ${A} ${E:-x} ${f} $HOST $$f".into()),
        "the shell's"
    );
    assert_eq!(environment.variables[0].0, "PATH", "inherited variables keep their places");
}

#[test]
fn files_are_read_at_each_start() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[services.api]\nrun = ['echo', '${A}']\nenv_file = '.env'";
    assert_eq!(start(text, folder.path()).unwrap().command, RunCommand::Argv(vec!["echo".into(), "outer".into()]));
    fs::write(folder.path().join(".env"), "A=1").unwrap();
    let loaded = parse(text, &folder.path().join(FILE_NAME)).unwrap();
    fs::write(folder.path().join(".env"), "A=2").unwrap();
    let api = service(&loaded.spec, "api");
    let again = environment(&api, &api.run, &inherited(), &Pipes::default()).unwrap();
    assert_eq!(again.command, RunCommand::Argv(vec!["echo".into(), "2".into()]));
    fs::write(folder.path().join(".env"), "A=2\nnonsense").unwrap();
    let error = environment(&api, &api.run, &inherited(), &Pipes::default()).unwrap_err().to_string();
    assert!(error.ends_with("/.env: line 2: `=` is missing: write NAME=value"), "{error}");
}

#[test]
fn a_missing_variable_is_named() {
    let folder = Path::new("/nowhere");
    let cases = [
        ("run = 'api'\nenv = { A = '${NONE}' }", "env.A of api: the variable `NONE` is not set"),
        ("run = ['api', '${NONE}']", "the command of api: the variable `NONE` is not set"),
    ];
    for (text, expected) in cases {
        let error = start(&format!("[services.api]\n{text}"), folder).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(start("[services.api]\nrun = 'api ${NONE}'", folder).is_ok(), "the shell may know it");
}

#[test]
fn inherited_values_that_are_no_text_pass_through() {
    let loaded = parse("[services.api]\nrun = 'x ${ODD}'\nenv = { B = '<${ODD}>' }", Path::new(FILE)).unwrap();
    let api = service(&loaded.spec, "api");
    let odd = OsString::from_vec(vec![0xff, b'a']);
    let environment = environment(&api, &api.run, &[("ODD".into(), odd.clone())], &Pipes::default()).unwrap();
    assert_eq!(environment.variables[0], ("ODD".into(), odd));
    let b = &environment.variables.iter().find(|(name, _)| name == "B").unwrap().1;
    assert_eq!(b, &OsString::from_vec(vec![b'<', 0xff, b'a', b'>']));
    assert_eq!(environment.command, RunCommand::Shell("x ${ODD}".into()));
    assert_ne!(b, OsStr::new("<a>"));
}

#[test]
fn a_text_is_the_shells_in_every_command_and_a_list_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "ODD='a; touch x \"$y'\n").unwrap();
    let loaded = parse(
        "[services.api]\nrun = 'a ${ODD} $$'\nready = { cmd = ['b', '${ODD}', '$$x'] }\nenv_file = '.env'\n\
         alive = { cmd = 'c ${ODD:-$$}' }\nstop = { command = ['d', '<${ODD}>'] }\nvalidate = { run = 'e ${ODD}' }",
        &folder.path().join(FILE_NAME),
    )
    .unwrap();
    let api = service(&loaded.spec, "api");
    let odd = "a; touch x \"$y";
    let got = environment(&api, &api.run, &inherited(), &Pipes::default()).unwrap();
    assert_eq!(got.command, RunCommand::Shell("a ${ODD} $$".into()));
    let (_, checks) = expanded(&api, &got.variables).unwrap();
    assert_eq!(checks.ready.unwrap().probe, Probe::Cmd(RunCommand::Argv(vec!["b".into(), odd.into(), "$x".into()])));
    assert_eq!(value(&got, "ODD").as_deref(), Some(odd));
    let of = |command: &RunCommand| environment(&api, command, &inherited(), &Pipes::default()).unwrap().command;
    assert_eq!(of(api.stop.command.as_ref().unwrap()), RunCommand::Argv(vec!["d".into(), format!("<{odd}>")]));
    let validate = &api.validate.as_ref().unwrap().run;
    assert_eq!(&of(validate), validate);
}

#[test]
fn what_a_start_would_miss_is_known_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let loaded = parse(&format!("[services.api]\n{text}"), &folder.path().join(FILE_NAME)).unwrap();
        let api = service(&loaded.spec, "api");
        check_environment(&api, &inherited(), &Pipes::default()).map_err(|error| error.to_string())
    };
    let own = "run = ['api', '${A}']\nenv_file = '.env'\n";
    assert_eq!(check(own), Ok(()));
    for (line, place) in [
        ("env = { B = '${NONE}' }", "env.B of api: the variable `NONE` is not set"),
        ("ready = { cmd = ['x', '${NONE}'] }", "ready.cmd of api: the variable `NONE`"),
        ("alive = { cmd = ['x', '${NONE}'] }", "alive.cmd of api: the variable `NONE`"),
        ("validate = { run = ['x', '${NONE}'] }", "validate.run of api: the variable `NONE`"),
        ("stop = { command = ['x', '${NONE}'] }", "stop.command of api: the variable `NONE`"),
    ] {
        let said = check(&format!("{own}{line}")).unwrap_err();
        assert!(said.starts_with(place), "{said}");
    }
    let loaded = parse(&format!("[services.api]\n{own}"), &folder.path().join(FILE_NAME)).unwrap();
    fs::write(folder.path().join(".env"), "A=1\nTOKEN=\"half").unwrap();
    let said =
        check_environment(&service(&loaded.spec, "api"), &inherited(), &Pipes::default()).unwrap_err().to_string();
    assert!(said.ends_with(".env: line 2: the quote is not closed: close it at the end of the value"), "{said}");
}

#[test]
fn folder_address_and_checks_get_the_values_of_each_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("web")).unwrap();
    fs::write(folder.path().join(".env"), "PORT=4000\nAPP=web\nDOT=1.2\nABSOLUTE=/\n").unwrap();
    let of = |text: &str| {
        let text = format!("[services.api]\nrun = 'api'\nenv_file = '.env'\n{text}");
        let loaded = parse(&text, &folder.path().join(FILE_NAME)).unwrap_or_else(|p| panic!("{}", p.render(plain())));
        let api = service(&loaded.spec, "api");
        let variables = environment(&api, &api.run, &inherited(), &Pipes::default()).unwrap().variables;
        expanded(&api, &variables).map_err(|error| error.to_string())
    };
    let ready = |text: &str| of(&format!("ready = {{ {text} }}")).map(|(_, checks)| checks.ready.unwrap().probe);
    let dir = |text: &str| of(&format!("dir = '{text}'")).map(|(dir, _)| dir);
    assert_eq!(dir("${APP}/../${APP}"), Ok(folder.path().join("web")));
    assert_eq!((dir("${ABSOLUTE}tmp"), dir("${NONE:-web}")), (Ok("/tmp".into()), Ok(folder.path().join("web"))));
    let (_, checks) = of("url = 'http://${HOST}:${PORT}'\nalive = { file = '${APP}/x', max_age = '9s' }").unwrap();
    assert_eq!(checks.url.as_deref(), Some("http://outer:4000"));
    let (path, name) = (folder.path().join("web/x"), "${APP}/x".into());
    assert_eq!(checks.alive.unwrap().probe, AliveProbe::File { path, name, max_age: Duration::from_secs(9) });
    assert_eq!(ready("port = '${PORT}'"), Ok(Probe::Port(4000)));
    let http = HttpCheck { url: "http://localhost:4000/$x".into(), status: (204, 204) };
    assert_eq!(ready("http = 'http://localhost:${PORT}/$$x', status = 204"), Ok(Probe::Http(http)));
    assert_eq!(ready("file = '${APP}/up'"), Ok(Probe::File(folder.path().join("web/up"))));
    let literal = |text: &str| Ok(Probe::Log(TextPattern::Literal(text.into())));
    let regex = |text: &str| Ok(Probe::Log(TextPattern::Regex(text.into())));
    assert_eq!((ready("log = 'done$'"), ready("log = '$$ on ${PORT}'")), (literal("done$"), literal("$$ on 4000")));
    assert_eq!((ready("log = '/done$/'"), ready("log = '$${PORT}'")), (regex("done$"), literal("${PORT}")));
    assert_eq!(ready("log = '/v${DOT} on ${NONE:-\\d+}$/'"), regex("v1\\.2 on \\d+$"));
    let said = |text: &str| ready(text).unwrap_err();
    assert_eq!(
        said("port = '${APP}'"),
        "ready.port of api: `${APP}`, expanded, is not a port (a number from 1 to 65535)"
    );
    assert!(said("http = 'http://localhost:${APP}'").contains("the port must be a number"));
    assert!(said("http = 'http://localhost:${NONE}'").starts_with("ready.http of api: the variable `NONE` is not set"));
    assert_eq!(said("log = '${NONE:-}'"), "ready.log of api: `${NONE:-}` expands to nothing");
}

#[test]
fn what_is_wrong_whatever_the_values_are_is_said_at_once() {
    let service = |text: &str| codes(&format!("[services.api]\nrun = 'api'\n{text}"));
    for text in [
        "dir = '${A-b}'",
        "url = 'http://x:${A%b}'",
        "ready = { port = '${A' }",
        "ready = { http = 'http://x:${A:-${b?}}' }",
        "ready = { log = '/a{2} ${3}/' }",
        "alive = { file = '${}', max_age = '1s' }",
    ] {
        assert_eq!(service(text), ["variable"], "{text}");
    }
    assert_eq!(service("ready = { port = 'four' }"), ["type"]);
    assert_eq!(service("ready = { http = 'https://x' }"), ["url"]);
    assert_eq!(service("dir = '${A}'\nwatch = true"), ["watch"]);
    assert_eq!(service("dir = '${A}'\nwatch = ['src/**']"), [""; 0]);
}

#[test]
fn what_is_not_set_is_warned_of_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[defaults]\nenv = { B = '${NONE_B:-b}' }\n[services.api]\nrun = ['api', '${NONE_A}', '${B}']\n\
                url = \"http://localhost:${NONE_C}/\"\nready = { port = '${B}' }\n[services.web]\nrun = 'web ${NONE_D}'\n\
                dir = '${B}/c'\n[services.job]\nrun = 'job'\nenv = { E = '${NONE_E}' }\n";
    let mut loaded = parse(text, &folder.path().join(FILE_NAME)).unwrap();
    loaded.warn_values(&|_| inherited());
    let found: Vec<_> =
        loaded.warnings.items.iter().map(|item| (item.code, &text[item.labels[0].span.clone()])).collect();
    assert_eq!(
        found,
        [
            ("unset-variable", "${NONE_A}"),
            ("unset-variable", "${NONE_C}"),
            ("value", "{ port = '${B}' }"),
            ("value", "'${B}/c'"),
            ("unset-variable", "${NONE_E}"),
        ]
    );
    let said = loaded.warnings.render(plain());
    assert!(said.contains("the variable `NONE_A` is not set") && said.contains("${NONE_A:-value}"), "{said}");
    // Only what a command gets may be for a shell that it starts.
    assert!(said.contains("plain dollar: $${NONE_A}") && !said.contains("$${NONE_C}"), "{said}");
}

#[test]
fn each_variable_of_a_value_that_is_not_set_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[services.api]\nrun = ['api', '${NONE_A}:${NONE_B}', '${NONE_C}']\nurl = 'http://${NONE_A}/${NONE_D}'\n\
                [services.web]\nrun = 'web'\nenv = { E = '${NONE_E}${NONE_F}', G = '${NONE_G}' }\n";
    let mut loaded = parse(text, &folder.path().join(FILE_NAME)).unwrap();
    loaded.warn_values(&|_| inherited());
    let found: Vec<_> = loaded.warnings.items.iter().map(|item| &text[item.labels[0].span.clone()]).collect();
    for name in ["A", "B", "C", "D", "E", "F", "G"] {
        assert!(found.contains(&format!("${{NONE_{name}}}").as_str()), "{name}: {found:?}");
    }
    assert_eq!(found.len(), 8, "A twice, in two places: {found:?}");
    assert!(loaded.warnings.items.iter().all(|item| item.code == "unset-variable"));
}

#[test]
fn a_broken_environment_file_is_told_once_with_all_that_read_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "A=\"half").unwrap();
    let reads = |name: &str| format!("[services.{name}]\nrun = '{name}'\nenv_file = '.env'\n");
    let text: String = ["api", "web", "job"].map(reads).concat();
    let problems = parse(&text, &folder.path().join(FILE_NAME)).unwrap_err();
    let [one] = problems.items.as_slice() else { panic!("{}", problems.render(plain())) };
    assert!(one.message.starts_with("`.env`, line 1"), "{}", one.message);
    let labels: Vec<&str> = one.labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(labels, ["read at each start of the service", "and here", "and here"]);
}
