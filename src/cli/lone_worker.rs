//! What the variables of the system that workers come from say of devgroup itself. They count where one worker alone is run,
//! as in a container: `devgroup --no-tui marie`.

use std::ffi::OsString;

use super::exit_code::Failure;
use crate::domain::{AskedPort, GroupSpec, visible};

/// Where metrics are served if the variables ask for them and nobody says where: as OpenTelemetry's exporters for Prometheus
/// do it, by the list of ports in Prometheus' wiki.
const CUSTOM: u16 = 9464;

/// Whether of this group one worker alone is run, by the names on the command line.
pub(super) fn is_run(spec: &GroupSpec, names: &[String]) -> bool {
    let [name] = names else { return false };
    let named = spec.services.iter().find(|service| service.name.as_str() == name);
    named.is_some_and(|service| service.worker.is_some())
}

/// The value of a variable. An empty one is as none.
pub(super) fn text(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<String> {
    let value = variable(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// Of a value that means nothing.
pub(super) fn wrong(name: &str, value: &str, must_be: &str) -> Failure {
    let value = visible(value);
    Failure::Usage(format!("the variable {name} is `{value}`; it must be {must_be}\n  help: set it right, or unset it"))
}

/// What `ENABLE_METRICS` and `METRICS_PORT` say instead of `[metrics]`: the port, or that there are none. `None`: they say
/// nothing.
///
/// # Errors
/// A variable has a value that means nothing.
pub(super) fn metrics(
    spec: &GroupSpec,
    names: &[String],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Option<AskedPort>>, Failure> {
    if !is_run(spec, names) {
        return Ok(None);
    }
    let enabled = text(&variable, "ENABLE_METRICS").map(|value| truth(&value)).transpose()?;
    let port = text(&variable, "METRICS_PORT").map(|value| port(&value)).transpose()?;
    Ok(match (enabled, port) {
        (Some(false), _) => Some(None),
        (_, Some(port)) => Some(Some(port)),
        (Some(true), None) => Some(Some(spec.metrics.unwrap_or(AskedPort::Fixed(CUSTOM)))),
        (None, None) => None,
    })
}

fn truth(value: &str) -> Result<bool, Failure> {
    match value.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(wrong("ENABLE_METRICS", value, "true or false")),
    }
}

fn port(value: &str) -> Result<AskedPort, Failure> {
    match value.trim() {
        "auto" => Ok(AskedPort::Auto),
        text => {
            let number = text.parse().ok().filter(|port: &u16| *port > 0);
            number
                .map(AskedPort::Fixed)
                .ok_or_else(|| wrong("METRICS_PORT", value, "a number from 1 to 65535, or auto"))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::domain::{RunCommand, ServiceSpec, TaskFolders, WorkerSpec};

    /// A group with a worker, `marie`, and a service, `web`.
    pub(in super::super) fn group() -> GroupSpec {
        let service = |name: &str, worker: bool| {
            let mut spec = ServiceSpec::new(name.into(), RunCommand::Shell("true".into()), PathBuf::from("/shop"));
            let folders = TaskFolders::below(PathBuf::from("/tasks"));
            spec.worker = worker.then(|| Arc::new(WorkerSpec::new(folders)));
            Arc::new(spec)
        };
        GroupSpec::new("shop", PathBuf::from("/shop"), vec![service("marie", true), service("web", false)])
    }

    #[test]
    fn metrics_are_as_the_variables_say() {
        let of = |names: &[&str], file, enabled: &str, port: &str| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let variable = |name: &str| Some(OsString::from(if name == "METRICS_PORT" { port } else { enabled }));
            metrics(&GroupSpec { metrics: file, ..group() }, &names, variable).map_err(|failure| failure.to_string())
        };
        let fixed = |port| Ok(Some(Some(AskedPort::Fixed(port))));
        let file = Some(AskedPort::Fixed(7000));
        let marie = &["marie"][..];
        assert_eq!(of(marie, file, "", ""), Ok(None), "an empty one is as none");
        assert_eq!(of(marie, file, "", "9100"), fixed(9100));
        assert_eq!(of(marie, None, "True", "9100"), fixed(9100));
        assert_eq!((of(marie, file, "1", ""), of(marie, None, "yes", "")), (fixed(7000), fixed(9464)));
        assert_eq!(of(marie, file, "false", "9100"), Ok(Some(None)));
        assert_eq!(of(marie, None, "", " auto"), Ok(Some(Some(AskedPort::Auto))));
        for names in [&["web"][..], &[], &["marie", "web"], &["jo"]] {
            assert_eq!(of(names, file, "false", "9100"), Ok(None), "{names:?}");
        }
        for (enabled, port, said) in [
            ("maybe", "", "ENABLE_METRICS is `maybe`; it must be true or false"),
            ("", "0", "METRICS_PORT is `0`; it must be a number from 1 to 65535, or auto"),
            ("", "70000", "METRICS_PORT is `70000`"),
        ] {
            assert!(of(marie, None, enabled, port).unwrap_err().contains(said), "{enabled} {port}");
        }
    }
}
