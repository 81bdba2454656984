//! What holds for every group: the same bytes, no secret, and texts that the engine reads as they were.

use std::sync::Arc;

use proptest::prelude::*;
use saphyr::{LoadableYamlNode, Yaml};

use super::*;
use crate::domain::{AskedPort, Dependency, Port, Probe, ReadyCheck, RunCommand};

const ALL: [Target; 4] = [Target::Compose, Target::Kubernetes, Target::Systemd, Target::Procfile];

fn options() -> Options {
    Options { image: Some("shop:latest".into()), folder: "/w/shop".into(), ..Options::default() }
}

fn group(services: Vec<ServiceSpec>) -> GroupSpec {
    GroupSpec::new("shop", "/w/shop".into(), services.into_iter().map(Arc::new).collect())
}

fn service(name: &str, run: &str) -> ServiceSpec {
    ServiceSpec::new(name.into(), RunCommand::Shell(run.into()), "/w/shop".into())
}

fn text(group: &GroupSpec, target: Target, options: &Options) -> String {
    let exported = export(group, target, options).unwrap();
    exported.files.iter().map(|file| format!("== {}\n{}", file.name, file.text)).collect()
}

#[test]
fn a_service_without_an_image_is_named_where_containers_run() {
    let mut group = group(vec![service("api", "a"), service("db", "b"), service("web", "c")]);
    group.export.images = vec![("db".into(), "postgres:16".into())];
    let options = Options { image: None, ..options() };
    let error = |target| export(&group, target, &options).unwrap_err().to_string();
    assert_eq!(error(Target::Compose), "no image for api, web");
    assert_eq!(error(Target::Kubernetes), "no image for api, web");
    assert!(export(&group, Target::Systemd, &options).is_ok() && export(&group, Target::Procfile, &options).is_ok());
    let one = Options { services: vec!["db".into()], ..options };
    assert!(text(&group, Target::Compose, &one).contains("image: \"postgres:16\""));
}

#[test]
fn what_others_need_starts_and_what_is_not_exported_is_told() {
    let needs = |on: &str| vec![Dependency { on: on.into(), until: Condition::Ready }];
    let by_hand = ServiceSpec { autostart: false, ..service("db", "db") };
    let group = group(vec![
        by_hand.clone(),
        ServiceSpec { depends_on: needs("db"), ..service("api", "a") },
        ServiceSpec { name: "tests".into(), ..by_hand.clone() },
        ServiceSpec { profiles: vec!["full".into()], depends_on: needs("tests"), ..service("extra", "x") },
    ]);
    let compose = text(&group, Target::Compose, &options());
    let profiles: Vec<&str> = compose.lines().filter(|line| line.contains("profiles")).map(str::trim).collect();
    assert_eq!(profiles, ["profiles: [\"full\", \"manual\"]", "profiles: [\"full\"]"]);
    let kubernetes = text(&group, Target::Kubernetes, &options());
    assert_eq!(kubernetes.matches("replicas: 0").count(), 2, "{kubernetes}");
    let alone = Options { services: vec!["api".into()], ..options() };
    let exported = export(&group, Target::Compose, &alone).unwrap();
    assert_eq!(exported.warnings, ["depends_on db of api: it is not exported, and nothing waits for it"]);
    assert!(!exported.files[0].text.contains("depends_on:"), "{}", exported.files[0].text);
}

#[test]
fn paths_are_relative_to_the_folder_of_the_files() {
    let group = group(vec![ServiceSpec { env_files: vec!["/w/shop/api/.env".into()], ..service("api", "a") }]);
    let of = |folder: &str| {
        let options = Options { folder: folder.into(), ..options() };
        let text = text(&group, Target::Compose, &options);
        text.lines().find(|line| line.contains("env_file")).unwrap().trim().to_owned()
    };
    assert_eq!(of("/w/shop"), "env_file: [\"./api/.env\"]");
    assert_eq!(of("/w/shop/deploy/dev"), "env_file: [\"../../api/.env\"]");
    assert_eq!(of("/elsewhere"), "env_file: [\"/w/shop/api/.env\"]");
}

/// The value of a path of keys and numbers in a YAML text.
fn value<'y>(yaml: &'y Yaml<'y>, path: &[&str]) -> &'y Yaml<'y> {
    path.iter().fold(yaml, |yaml, key| match key.parse::<usize>() {
        Ok(index) => &yaml[index],
        Err(_) => &yaml[*key],
    })
}

/// What an engine makes of a text in which it takes two dollars for one.
fn read(text: &str) -> String {
    assert!(!text.replace("$$", "").contains('$'), "a lone dollar in {text:?}");
    text.replace("$$", "$")
}

/// A text that `env` may hold as it is.
fn harmless(text: &str) -> bool {
    *crate::domain::without_secrets(text) == *text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_comes_through_as_it_was(value_text in "[ -~\n\t]{0,30}|\\PC{0,10}|[$%{}()#: ]{1,10}") {
        prop_assume!(harmless(&value_text));
        // As the file writes it: what stands between braces would be put in.
        let written = value_text.replace('$', "$$");
        let run = RunCommand::Argv(vec!["serve".into(), written.clone()]);
        let api = ServiceSpec { env: vec![("TEXT".into(), written)], ..ServiceSpec::new("api".into(), run, "/w/shop".into()) };
        prop_assume!(harmless(&format!("serve {value_text}")));
        let group = group(vec![api]);
        let compose = export(&group, Target::Compose, &options()).unwrap().files.remove(0).text;
        let yaml = Yaml::load_from_str(&compose).unwrap();
        let of = |path: &[&str]| read(value(&yaml[0], path).as_str().unwrap_or_default());
        prop_assert_eq!(of(&["services", "api", "environment", "TEXT"]), value_text.clone());
        prop_assert_eq!(of(&["services", "api", "command", "1"]), value_text.clone());
        let kubernetes = export(&group, Target::Kubernetes, &options()).unwrap().files.remove(0).text;
        let yaml = Yaml::load_from_str(&kubernetes).unwrap();
        let container = ["spec", "template", "spec", "containers", "0"];
        let of = |path: &[&str]| read(value(&yaml[0], &[&container[..], path].concat()).as_str().unwrap_or_default());
        prop_assert_eq!(of(&["env", "0", "value"]), value_text.clone());
        prop_assert_eq!(of(&["command", "1"]), value_text);
    }

    #[test]
    fn the_same_group_gives_the_same_bytes_and_no_secret(
        secret in "[a-zA-Z0-9]{12,20}",
        name in "(DB_PASSWORD|API_TOKEN|SECRET_KEY)",
        run in prop_oneof![
            Just("serve --token @ --port 1"), Just("psql postgres://me:@@db/x"), Just("API_TOKEN=@ serve"), Just("serve"),
        ],
        is_list in any::<bool>(),
    ) {
        let secret = format!("hunter2{secret}");
        let run = run.replacen('@', &secret, 1);
        let command = |text: &str| match is_list {
            true => RunCommand::Argv(text.split(' ').map(str::to_owned).collect()),
            false => RunCommand::Shell(text.to_owned()),
        };
        let env = [
            (name.as_str(), secret.clone()),
            ("URL", format!("http://x/?token=${{{name}}}")),
            ("OTHER", format!("postgres://me:{secret}@db/x")),
        ];
        let api = ServiceSpec {
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ready: Some(ReadyCheck { probe: Probe::Cmd(command(&run)), timeout: std::time::Duration::from_secs(30) }),
            ports: vec![Port::new(None, AskedPort::Fixed(4000), 0)],
            ..ServiceSpec::new("api".into(), command(&run), "/w/shop".into())
        };
        let group = group(vec![api]);
        for target in ALL {
            let exported = export(&group, target, &options()).unwrap();
            prop_assert_eq!(&exported, &export(&group.clone(), target, &options()).unwrap());
            prop_assert!(!format!("{exported:?}").contains(&secret), "{target:?}: {exported:#?}");
            let about = format!("env.{name} of api");
            prop_assert!(exported.warnings.iter().any(|warning| warning.starts_with(&about)));
        }
    }
}
