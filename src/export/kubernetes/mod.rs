//! Manifests for Kubernetes: a file for each service, with a Deployment, a Job or a CronJob, and a Service where it has ports.

mod cron;
mod pod;
mod secrets;

use super::names::{Distinct, dns_label, port_label};
use super::remarks::Remarks;
use super::yaml::{Node, Table, comment, document};
use super::{Export, ExportError, ExportedFile};
use crate::domain::{Kind, ServiceSpec};
use secrets::Secrets;

/// What an init container runs that waits: it asks the cluster itself, which knows of jobs what no port tells.
const KUBECTL: &str = "registry.k8s.io/kubectl:v1.33.6";

/// The files, that with the rights of what waits first, the template of the secrets last.
///
/// # Errors
/// A service has no image, or two objects have one name.
pub(super) fn files(
    export: &Export<'_>,
    head: &[String],
    remarks: &mut Remarks,
) -> Result<Vec<ExportedFile>, ExportError> {
    let images = export.images()?;
    let text = |lines: &[String]| lines.iter().map(|line| comment(line) + "\n").collect::<String>();
    let short = text(head.get(..1).unwrap_or_default());
    let secrets = Secrets::of(export)?;
    let mut files = Vec::new();
    let mut names = Distinct::new(export.target);
    let waits = export.services.iter().any(|service| !export.dependencies(service).is_empty());
    if waits {
        let account = waiting_account(export);
        names.add("the account that waits", &account)?;
        files.push(file(&account, &short, &rights(export, &account)));
    }
    for service in &export.services {
        let name = export.name(service);
        names.add(service.name.as_str(), name)?;
        let image = images.get(&service.name).copied().unwrap_or_default();
        let mut objects = vec![workload(export, service, image, &secrets, remarks)?];
        objects.extend(network_service(export, service)?);
        files.push(file(name, &short, &objects));
    }
    files.extend(secrets.template(&short));
    // What is said of the group stands in the first file alone.
    if let Some(first) = files.first_mut() {
        first.text = first.text.replacen(&short, &text(head), 1);
    }
    Ok(files)
}

fn file(name: &str, head: &str, objects: &[Table]) -> ExportedFile {
    let text = head.to_owned() + &objects.iter().map(document).collect::<Vec<_>>().join("---\n");
    ExportedFile { name: format!("{name}.yaml"), text, is_template: false }
}

/// The labels of all that belongs to a service.
fn labels(export: &Export<'_>, service: &ServiceSpec) -> Table {
    Table::of([
        ("app.kubernetes.io/name", export.name(service).into()),
        ("app.kubernetes.io/part-of", dns_label(&export.group.name).into()),
    ])
}

fn object(version: &str, kind: &str, name: &str, labels: Table) -> Table {
    let metadata = Table::of([("name", name.into()), ("labels", labels.into())]);
    Table::of([("apiVersion", version.into()), ("kind", kind.into()), ("metadata", metadata.into())])
}

/// The Deployment, the Job or the CronJob.
fn workload(
    export: &Export<'_>,
    service: &ServiceSpec,
    image: &str,
    secrets: &Secrets,
    remarks: &mut Remarks,
) -> Result<Table, ExportError> {
    let (name, labels) = (export.name(service), labels(export, service));
    let comments = remarks.of_service(export, service);
    let template = pod::template(export, service, image, secrets, remarks)?;
    let starts = export.starts(service);
    let job = |template: Table| {
        Table::of([("backoffLimit", u64::from(service.retries).into()), ("template", template.into())])
    };
    let (mut table, spec) = match (service.kind, &service.schedule) {
        (Kind::Job, Some(schedule)) => match cron::times(schedule, service, remarks) {
            (Some((times, zone)), comments) => {
                let mut spec = Table::default();
                spec.comments(comments);
                spec.add("schedule", times);
                if let Some(zone) = zone {
                    spec.add("timeZone", zone);
                }
                spec.add("concurrencyPolicy", "Forbid");
                // What runs at its times needs not start with the group.
                spec.add("suspend", !(service.autostart && service.profiles.is_empty()));
                spec.add("jobTemplate", Table::of([("spec", job(template).into())]));
                (object("batch/v1", "CronJob", name, labels), spec)
            }
            (None, comments) => {
                let mut spec = Table::default();
                spec.comments(comments);
                spec.add("suspend", true);
                spec.add("backoffLimit", u64::from(service.retries));
                spec.add("template", template);
                (object("batch/v1", "Job", name, labels), spec)
            }
        },
        (Kind::Job, None) => {
            let mut spec = job(template);
            spec.add("suspend", !starts);
            (object("batch/v1", "Job", name, labels), spec)
        }
        (Kind::Service | Kind::Worker, _) => {
            let mut spec = Table::default();
            if !starts {
                spec.comment("it does not start by itself: scale it up");
            }
            spec.add("replicas", if starts { u64::from(service.replicas.unwrap_or(1)) } else { 0 });
            spec.add("selector", Table::of([("matchLabels", labels.clone().into())]));
            spec.add("template", template);
            (object("apps/v1", "Deployment", name, labels), spec)
        }
    };
    table.comments(comments);
    table.add("spec", spec);
    Ok(table)
}

/// The Service of a service that has ports.
fn network_service(export: &Export<'_>, service: &ServiceSpec) -> Result<Option<Table>, ExportError> {
    if service.ports.is_empty() {
        return Ok(None);
    }
    let ports = port_names(export, service)?.into_iter().map(|(name, number)| {
        Table::of([("name", name.into()), ("port", number.into()), ("targetPort", number.into())])
    });
    let ports: Vec<Table> = ports.collect();
    let mut table = object("v1", "Service", export.name(service), labels(export, service));
    table.add("spec", Table::of([("selector", labels(export, service).into()), ("ports", ports.into())]));
    Ok(Some(table))
}

/// The ports of a service by the names that they have there.
///
/// # Errors
/// Two of them have one name.
fn port_names(export: &Export<'_>, service: &ServiceSpec) -> Result<Vec<(String, u64)>, ExportError> {
    let mut names = Distinct::new(export.target);
    let mut ports = Vec::new();
    for port in &service.ports {
        let name = port_label(port.label());
        names.add(&format!("port {} of {}", port.label(), service.name), &name)?;
        ports.push((name, u64::from(port.number)));
    }
    Ok(ports)
}

/// The account by which init containers ask the cluster.
fn waiting_account(export: &Export<'_>) -> String {
    dns_label(&format!("{}-waiting", export.group.name))
}

/// What that account may do: look at what is waited for.
fn rights(export: &Export<'_>, account: &str) -> [Table; 3] {
    let part_of = || Table::of([("app.kubernetes.io/part-of", dns_label(&export.group.name).into())]);
    let rule = |group: &str, resource: &str| {
        Table::of([
            ("apiGroups", vec![group].into()),
            ("resources", vec![resource].into()),
            ("verbs", vec!["get", "list", "watch"].into()),
        ])
    };
    let mut role = object("rbac.authorization.k8s.io/v1", "Role", account, part_of());
    role.add("rules", vec![rule("apps", "deployments"), rule("batch", "jobs"), rule("", "pods")]);
    let mut binding = object("rbac.authorization.k8s.io/v1", "RoleBinding", account, part_of());
    let reference =
        [("apiGroup", "rbac.authorization.k8s.io".into()), ("kind", "Role".into()), ("name", account.into())];
    binding.add("roleRef", Table::of(reference));
    binding.add("subjects", vec![Table::of([("kind", "ServiceAccount".into()), ("name", account.into())])]);
    [object("v1", "ServiceAccount", account, part_of()), role, binding]
}

/// A text in which Kubernetes puts nothing in: it replaces `$(NAME)` in commands and variables.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn literals(words: impl IntoIterator<Item = String>) -> Node {
    words.into_iter().map(|word| literal(&word)).collect::<Vec<_>>().into()
}
