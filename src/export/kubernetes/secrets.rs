//! Secrets: their names, and a template of them without a value. It has a name that `kubectl apply -f DIR` passes by, so that
//! it never empties those that are filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::names::{Distinct, dns_label};
use super::super::variables::{Variables, Way};
use super::super::yaml::{Node, Table, document};
use super::super::{Export, ExportError, ExportedFile, is_worker};
use super::object;
use crate::domain::{ServiceName, ServiceSpec};

/// The Secrets of a group.
pub(super) struct Secrets {
    /// Those of environment files, by the paths of the files.
    of_files: BTreeMap<PathBuf, String>,
    /// Those of services whose `env` holds secrets.
    of_services: BTreeMap<ServiceName, String>,
    /// All of them, each with its names of variables; `None`: only a start knows them.
    entries: Vec<(String, String, Option<Vec<String>>)>,
}

impl Secrets {
    /// The Secrets of all services.
    ///
    /// # Errors
    /// Two of them have one name.
    pub(super) fn of(export: &Export<'_>) -> Result<Self, ExportError> {
        let mut secrets = Self { of_files: BTreeMap::new(), of_services: BTreeMap::new(), entries: Vec::new() };
        let mut names = Distinct::new(export.target);
        let group = &export.group.name;
        for service in &export.services {
            for file in &service.env_files {
                if secrets.of_files.contains_key(&file.path) {
                    continue;
                }
                let written = export.text_of(service, below(export, &file.path))?;
                let name = dns_label(&format!("{group}-{}", written.trim_start_matches(['.', '/'])));
                names.add(written, &name)?;
                let given = export.options.names.get(&file.path).map(|names| names.iter().cloned().collect());
                secrets.entries.push((name.clone(), format!("the values of {written}"), given));
                secrets.of_files.insert(file.path.clone(), name);
            }
            let secret = if is_worker(service) { Vec::new() } else { Variables::of(service, Way::ByShell).secret };
            if !secret.is_empty() {
                let name = dns_label(&format!("{group}-{}-secret", export.name(service)));
                names.add(service.name.as_str(), &name)?;
                let about = format!("the secret values in `env` of {}", service.name);
                secrets.entries.push((name.clone(), about, Some(secret)));
                secrets.of_services.insert(service.name.clone(), name);
            }
        }
        Ok(secrets)
    }

    /// Where a container gets the variables of its environment files: later ones win.
    pub(super) fn env_from(&self, service: &ServiceSpec) -> Vec<Table> {
        let names = service.env_files.iter().filter_map(|file| self.of_files.get(&file.path));
        names.map(|name| Table::of([("secretRef", Table::of([("name", name.as_str().into())]).into())])).collect()
    }

    /// The value of a secret variable of a service.
    pub(super) fn value_from(&self, service: &ServiceSpec, variable: &str) -> Node {
        let name = self.of_services.get(&service.name).map_or("", String::as_str);
        let key = Table::of([("name", name.into()), ("key", variable.into())]);
        Table::of([("secretKeyRef", key.into())]).into()
    }

    /// The template, if there are any.
    pub(super) fn template(&self, head: &str) -> Option<ExportedFile> {
        if self.entries.is_empty() {
            return None;
        }
        let documents = self.entries.iter().map(|(name, about, given)| {
            let mut table = object("v1", "Secret", name, Table::default());
            let mut data = Table::default();
            for variable in given.iter().flatten() {
                data.add(variable, "");
            }
            table.comment(format!("fill in {about}"));
            if given.is_none() {
                table.comment("their names are known only at start");
            }
            table.add("stringData", data);
            document(&table)
        });
        let text = head.to_owned() + &documents.collect::<Vec<_>>().join("---\n");
        Some(ExportedFile { name: "secrets.yaml.template".into(), text, is_template: true })
    }
}

/// A path as it is below the folder of the group.
fn below<'p>(export: &Export<'_>, path: &'p Path) -> &'p Path {
    path.strip_prefix(&export.group.root).unwrap_or(path)
}
