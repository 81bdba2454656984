//! `[export]`: the images for engines that run containers.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostic;
use super::group::Named;
use super::keys::EXPORT;
use super::near::{any_of, near};
use super::problems::{Fields, Problems, Slot, entries, shown};
use crate::domain::{ExportSpec, ServiceName};

const EXAMPLE: &str = "[export]\nimage = \"shop:latest\"\nimages = { db = \"postgres:16\" }";

/// The section, and where its services are named.
#[derive(Default)]
pub(super) struct Exports {
    /// What it says.
    pub(super) spec: ExportSpec,
    /// The keys of `images`.
    names: Vec<Range<usize>>,
}

/// Services with an image of their own, each with the place of its name.
type Images = Vec<(Range<usize>, (ServiceName, String))>;

/// Reads the section.
pub(super) fn read(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Exports> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help(EXAMPLE));
        return None;
    };
    let fields = Fields::open(&EXPORT, table, "`[export]`", problems);
    let image = fields.read_value("image", problems, |slot| image(slot, slot.key.name));
    let images = fields.read("images", problems, images).map(Spanned::into_inner).unwrap_or_default();
    let (names, images) = images.into_iter().unzip();
    Some(Exports { spec: ExportSpec { image: image.map(Spanned::into_inner), images }, names })
}

fn images(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<Images> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help("images = { db = \"postgres:16\" }"));
        return None;
    };
    let read = entries(table).into_iter().filter_map(|(key, value)| {
        let name: &str = key.get_ref();
        let image = problems.keep(image(slot.with(value), name))?;
        Some((key.span(), (ServiceName::new(name), image)))
    });
    Some(read.collect())
}

/// The name of an image: one word.
fn image(slot: Slot<'_, '_>, key: &str) -> Result<String, Diagnostic> {
    let text = slot.line()?.trim();
    if text.contains(char::is_whitespace) {
        return Err(Diagnostic::error("image", format!("`{}` is not the name of an image", shown(text)))
            .at(slot.span(), "it contains a space")
            .help(format!("{} = \"postgres:16\"", shown(key))));
    }
    Ok(text.to_owned())
}

impl Exports {
    /// Reports images of services that are not there. A local file may have taken one out, so that is no error.
    pub(super) fn check(&self, services: &[Named], problems: &mut Problems) {
        for ((name, _), span) in self.spec.images.iter().zip(&self.names) {
            if services.iter().any(|service| service.name == *name) {
                continue;
            }
            let near = near(name.as_str(), services.iter().map(|service| service.name.as_str()));
            let label =
                if near.is_empty() { "no such service".into() } else { format!("did you mean {}?", any_of(&near)) };
            problems.add(
                Diagnostic::warning("image", format!("no service `{}` for this image", shown(name.as_str())))
                    .at(span.clone(), label)
                    .help("`images` has the names of services: images = { db = \"postgres:16\" }"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{RenderStyle, parse};

    const SERVICES: &str = "[services]\napi = 'a'\ndb = 'b'\n";
    const PLAIN: RenderStyle = RenderStyle { color: false, unicode: true, width: 80 };

    #[test]
    fn images_are_read_in_the_order_of_the_file() {
        let text = format!("[export]\nimage = 'shop:1'\nimages = {{ db = 'postgres:16', api = 'api' }}\n{SERVICES}");
        let loaded = parse(&text, Path::new("/w/procgroup.toml")).unwrap();
        let images = vec![("db".into(), "postgres:16".to_owned()), ("api".into(), "api".into())];
        assert_eq!(loaded.spec.export, ExportSpec { image: Some("shop:1".into()), images });
        assert!(loaded.warnings.is_empty());
        assert_eq!(loaded.spec.export.own_image(&"db".into()), Some("postgres:16"));
    }

    #[test]
    fn each_mistake_points_at_its_text() {
        let of = |export: &str| {
            let found = match parse(&format!("{export}\n{SERVICES}"), Path::new("/w/procgroup.toml")) {
                Ok(loaded) => loaded.warnings,
                Err(found) => found,
            };
            found.render(PLAIN)
        };
        let text = "[export]\nimage = 'a b'\nimages = { api = 1, db = '' }\nimags = 1";
        insta::assert_snapshot!(of(text));
        insta::assert_snapshot!(of("[export]\nimages = { dbb = 'x', nobody = 'y' }"));
        assert!(of("export = 1").contains("must be a table") && of("[export]\nimages = 'x'").contains("a table"));
    }
}
