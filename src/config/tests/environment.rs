//! What a process gets: precedence, variables, and what is refused.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use super::*;

fn inherited() -> Vec<(OsString, OsString)> {
    [("PATH", "/bin"), ("HOST", "outer"), ("A", "outer")].map(|(name, value)| (name.into(), value.into())).to_vec()
}

fn value(environment: &Environment, name: &str) -> Option<String> {
    let mut found = environment.variables.iter().filter(|(known, _)| known == name);
    let value = found.next().map(|(_, value)| value.to_string_lossy().into_owned());
    assert!(found.next().is_none(), "{name} stands there twice");
    value
}

fn start(text: &str, folder: &Path) -> Result<Environment, EnvironmentError> {
    let loaded = parse(text, &folder.join(FILE_NAME)).unwrap_or_else(|p| panic!("{}", p.render(plain())));
    let api = service(&loaded.spec, "api");
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
    assert!(error.ends_with("/.env: line 2: there is no `=`: write NAME=value"), "{error}");
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
    let b = &environment.variables[1].1;
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
    assert_eq!(got.ready, Some(RunCommand::Argv(vec!["b".into(), odd.into(), "$x".into()])));
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
    assert!(said.ends_with(".env: line 2: the quote is never closed: end the value with it"), "{said}");
}
