//! Which services one call of devgroup runs.

use super::*;

const GROUP: &str = "[services]\n\
    db = 'db'\n\
    api = { run = 'api', depends_on = ['db'] }\n\
    web = { run = 'web', depends_on = ['api'] }\n\
    mail = { run = 'mail', autostart = false }\n\
    trace = { run = 'trace', profiles = ['full', 'slow'] }\n\
    probe = { run = 'probe', profiles = ['probe'], depends_on = ['tool'] }\n\
    tool = { run = 'tool', profiles = ['tool'], autostart = false }\n";

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// The services, those that start by themselves with a `+`.
fn selected(selection: &Selection) -> String {
    let spec = select(good(GROUP), selection).unwrap();
    let shown = |service: &ServiceSpec| format!("{}{}", if service.autostart { "+" } else { "" }, service.name);
    spec.services.iter().map(|service| shown(service)).collect::<Vec<_>>().join(" ")
}

#[test]
fn selections_and_what_they_start() {
    let none = Selection::default;
    let cases = [
        (none(), "+db +api +web mail"),
        (Selection { services: names(&["api"]), ..none() }, "+db +api web mail"),
        (Selection { services: names(&["api"]), no_deps: true, ..none() }, "db +api web mail"),
        (Selection { only: names(&["db", "mail"]), ..none() }, "+db api web +mail"),
        (Selection { exclude: names(&["db"]), ..none() }, "db +api +web mail"),
        (Selection { exclude: names(&["web"]), ..none() }, "+db +api web mail"),
        (Selection { profiles: names(&["slow"]), ..none() }, "+db +api +web mail +trace"),
        (Selection { profiles: names(&["probe"]), ..none() }, "+db +api +web mail +probe +tool"),
        (Selection { services: names(&["trace"]), ..none() }, "db api web mail +trace"),
        (Selection { services: names(&["probe"]), no_deps: true, ..none() }, "db api web mail +probe"),
        (Selection { services: names(&["web"]), exclude: names(&["api"]), ..none() }, "db api +web mail"),
    ];
    for (selection, expected) in cases {
        assert_eq!(selected(&selection), expected, "{selection:?}");
    }
}

#[test]
fn who_is_freed_waits_for_nobody() {
    let waits = |selection: &Selection, name: &str| {
        let spec = select(good(GROUP), selection).unwrap();
        service(&spec, name).depends_on.len()
    };
    assert_eq!(waits(&Selection::default(), "api"), 1);
    assert_eq!(waits(&Selection { no_deps: true, ..Selection::default() }, "api"), 0);
    let freed = Selection { services: names(&["api"]), no_deps: true, ..Selection::default() };
    assert_eq!((waits(&freed, "api"), waits(&freed, "web")), (0, 1), "web was not selected");
    assert_eq!(waits(&Selection { exclude: names(&["db"]), ..Selection::default() }, "api"), 0);
}

#[test]
fn a_service_that_is_needed_starts_although_it_does_not_by_itself() {
    let text = "[services]\na = { run = 'a', depends_on = ['b'] }\nb = { run = 'b', autostart = false }";
    let spec = select(good(text), &Selection::default()).unwrap();
    assert!(service(&spec, "b").autostart);
}

#[test]
fn unknown_names_are_answered_with_near_ones() {
    let told = |error: SelectionError| format!("{error}: {}", error.help().unwrap_or_default());
    let error = |selection: &Selection| told(select(good(GROUP), selection).unwrap_err());
    let services = |name: &str| Selection { services: names(&[name]), ..Selection::default() };
    assert_eq!(
        error(&services("apo")),
        "unknown service `apo`: did you mean `api`? services here: db, api, web, mail, trace, probe, tool"
    );
    assert_eq!(
        error(&services("frontend")),
        "unknown service `frontend`: services here: db, api, web, mail, trace, probe, tool"
    );
    let profile = |name: &str| Selection { profiles: names(&[name]), ..Selection::default() };
    assert_eq!(
        error(&profile("ful")),
        "unknown profile `ful`: did you mean `full`? profiles here: full, slow, probe, tool"
    );
    let none = select(good("[services]\na = 'a'"), &profile("full")).unwrap_err();
    assert_eq!(told(none), "unknown profile `full`: profiles here: none");
    let except = Selection { exclude: names(&["nobody"]), ..Selection::default() };
    assert!(
        matches!(select(good(GROUP), &except), Err(SelectionError::UnknownService(unknown)) if unknown.written == "nobody")
    );
}
