//! `replicas`, and the groups and patterns of `depends_on`.

use super::*;
use crate::domain::Scale;

const GROUP: &str = "[services]\n\
    db = { run = 'db', group = 'infra' }\n\
    mq = { run = 'mq', group = 'infra', kind = 'job' }\n\
    worker = { run = 'w', replicas = 2, depends_on = ['@infra'] }\n\
    web = { run = 'web', depends_on = ['worker', '{mq,db}'] }\n";

/// The needs of a service, as in `db ready`.
fn needs(text: &str, name: &str) -> Vec<String> {
    let spec = good(text).with_instances(&Scale::new());
    service(&spec, name).depends_on.iter().map(|need| format!("{} {:?}", need.on, need.until)).collect()
}

fn problem(depends_on: &str) -> String {
    let text = format!("{GROUP}x = {{ run = 'x', depends_on = {depends_on} }}\n");
    parse(&text, Path::new(FILE)).unwrap_err().render(plain())
}

#[test]
fn groups_and_patterns_become_services_each_with_its_own_condition() {
    assert_eq!(needs(GROUP, "worker.2"), ["db Ready", "mq Done"]);
    assert_eq!(needs(GROUP, "web"), ["worker.1 Ready", "worker.2 Ready", "db Ready", "mq Done"]);
    let one = format!(
        "{GROUP}x = {{ run = 'x', depends_on = {{ '@infra' = 'started', mq = 'done', 'worker.2' = 'ready' }} }}"
    );
    assert_eq!(needs(&one, "x"), ["db Started", "mq Done", "worker.2 Ready"], "a name says more than a group");
}

#[test]
fn nobody_waits_for_itself_because_it_waits_for_its_group() {
    let text = "[defaults]\ndepends_on = ['@infra', 'd*']\n[services]\n\
                db = { run = 'db', group = 'infra' }\napi = 'api'\nother = { run = 'o', depends_on = ['*'] }";
    assert_eq!((needs(text, "db").len(), needs(text, "api")), (0, vec!["db Ready".to_owned()]));
    assert_eq!(needs(text, "other"), ["db Ready", "api Ready"]);
}

#[test]
fn circles_through_instances_and_groups_are_found() {
    let codes_of = |needs: &str| {
        codes(&format!(
            "[services]\na = {{ run = 'a', group = 'g', depends_on = ['w.2'] }}\nw = {{ run = 'w', replicas = 2, depends_on = {needs} }}"
        ))
    };
    assert_eq!(codes_of("['@g']"), ["cycle"]);
    assert_eq!(codes_of("[]"), [""; 0]);
}

#[test]
fn what_means_nobody_is_told_with_what_may_be_meant() {
    for (depends_on, parts) in [
        ("['@infar']", &["`depends_on` names a group that does not exist: `@infar`", "did you mean `@infra`?"][..]),
        ("['worker.3']", &["an instance that does not exist: `worker.3`", "worker has replicas = 2"]),
        ("['z*']", &["a pattern that no service matches: `z*`"]),
        ("['{a']", &["a pattern that cannot be read: `{a`", "unclosed alternate group"]),
        ("['wroker']", &["a service that does not exist: `wroker`", "did you mean `worker`?"]),
    ] {
        let said = problem(depends_on);
        for part in parts {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
    }
}

#[test]
fn a_number_of_instances_has_limits_and_says_so() {
    let said = |text: &str| parse(text, Path::new(FILE)).map_or_else(|it| it, |it| it.warnings).render(plain());
    let many = said("[services]\nw = { run = 'w', replicas = 101 }");
    assert!(many.contains("`replicas` in service `w` must be a whole number from 0 to 100"), "{many}");
    let other = said("[services]\nw = { run = 'w', instances = 3 }");
    assert!(other.contains("did you mean `replicas`?"), "{other}");
    let port = said("[services]\nw = { run = 'w', replicas = 2, ready = { port = 4000 } }");
    assert!(port.contains("the 2 instances of `w` have the same port: 4000"), "{port}");
    let all: String = (0..11).map(|n| format!("s{n} = {{ run = 's', replicas = 100 }}\n")).collect();
    let all = said(&format!("[services]\n{all}"));
    assert!(all.contains("a group can have at most 1000 instances"), "{all}");
}

#[test]
fn instances_groups_and_patterns_are_selected_like_services() {
    let started = |services: &[&str], exclude: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection { services: names(services), exclude: names(exclude), ..Selection::default() };
        let spec = select(good(GROUP).with_instances(&Scale::new()), &selection).map_err(|error| error.to_string())?;
        let wanted = spec.services.iter().filter(|service| service.autostart);
        Ok::<_, String>(wanted.map(|service| service.name.to_string()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(started(&["worker.2"], &[]).as_deref(), Ok("db mq worker.2"));
    assert_eq!(started(&["@infra"], &[]).as_deref(), Ok("db mq"));
    assert_eq!(started(&[], &["w*", "mq"]).as_deref(), Ok("db"));
    assert_eq!(started(&["@infar"], &[]).unwrap_err(), "unknown group `@infar`");
    let many = "unknown service `worker.3`: worker has 2 instances, worker.1 to worker.2";
    assert_eq!(started(&["worker.3"], &[]).unwrap_err(), many);
}

#[test]
fn the_number_of_an_instance_is_a_variable_of_its_own() {
    let spec =
        good("[services]\nw = { run = ['w', '${DEVGROUP_REPLICA}'], replicas = 2, dir = 'shard${DEVGROUP_REPLICA}' }");
    assert!(service(&spec, "w").needs_values());
    let spec = spec.with_instances(&Scale::new());
    assert_eq!(service(&spec, "w.2").instance.map(|it| (it.number, it.count)), Some((2, 2)));
}

#[test]
fn a_reference_to_a_service_without_instances_says_so() {
    let text = "[services]\nw = { run = 'w', port = 4000, replicas = 0 }\n\
                a = { run = ['a', '${services.w.port}'] }\nb = { run = ['b', '${services.w.port:-none}'] }\n";
    let spec = with_group_values(good(text).with_instances(&Scale::new()));
    let start = |name: &str| {
        let spec = service(&spec, name);
        environment(&spec, &spec.run, &[], &Pipes::default())
            .map(|made| made.command)
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        start("a").unwrap_err(),
        "the command of a: `${services.w.port}` has no value, because w has 0 instances: scale it up, or give it a \
         default with `${services.w.port:-value}`"
    );
    assert_eq!(start("b").unwrap(), RunCommand::Argv(vec!["b".into(), "none".into()]));
}

#[test]
fn check_warns_of_a_reference_to_a_service_without_instances() {
    let said = |text: &str| {
        let mut loaded = parse(text, Path::new(FILE)).unwrap();
        loaded.warn_values(&|_| vec![("DEVGROUP_REPLICA".into(), "1".into())]);
        loaded.warnings.render(plain())
    };
    let text = "[services]\nw = { run = 'w', port = 4000, replicas = 0 }\na = { run = ['a', '${services.w.port}'] }\n";
    let warned = said(text);
    assert!(warned.contains("w has 0 instances") && warned.contains("`a` cannot start"), "{warned}");
    assert_eq!(said(&text.replace("replicas = 0", "replicas = 2")), "");
    // Each instance is what the file says of all.
    let text = "[services]\nw = { run = ['w', '${NONE}', '${DEVGROUP_REPLICA}'], replicas = 2 }\n";
    let warned = said(text);
    assert!(
        warned.contains("without it `w` cannot start") && warned.matches("NONE` is not set").count() == 1,
        "{warned}"
    );
}
