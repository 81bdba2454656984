//! `[metrics]`: the port of a listener that serves figures and health alone.

use toml::Spanned;
use toml::de::DeValue;

use super::keys::METRICS;
use super::ports;
use super::problems::{Fields, Problems, Slot};
use crate::domain::AskedPort;

/// Reads the section. It is on with its header.
pub(super) fn read(slot: Slot<'_, '_>, problems: &mut Problems) -> Option<AskedPort> {
    let DeValue::Table(table) = slot.value.get_ref() else {
        problems.add(slot.wrong_type().help("[metrics]\nport = 9464   # or \"auto\""));
        return None;
    };
    let fields = Fields::open(&METRICS, table, "`[metrics]`", problems);
    Some(fields.read_value("port", problems, ports::port).map_or(AskedPort::Auto, Spanned::into_inner))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{RenderStyle, parse};

    fn read(metrics: &str) -> Result<Option<AskedPort>, String> {
        let text = format!("{metrics}\n[services]\napi = 'a'\n");
        match parse(&text, Path::new("/w/procgroup.toml")) {
            Ok(loaded) => Ok(loaded.spec.metrics),
            Err(found) => Err(found.render(RenderStyle { color: false, unicode: true, width: 80 })),
        }
    }

    #[test]
    fn it_is_on_with_its_section() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("[metrics]"), Ok(Some(AskedPort::Auto)));
        assert_eq!(read("[metrics]\nport = \"auto\""), Ok(Some(AskedPort::Auto)));
        assert_eq!(read("[metrics]\nport = 9464"), Ok(Some(AskedPort::Fixed(9464))));
    }

    #[test]
    fn each_mistake_points_at_its_text() {
        for (text, said) in [
            ("metrics = 9464", "[metrics]"),
            ("[metrics]\nport = 0", "from 1 to 65535"),
            ("[metrics]\nport = \"9464\"", "write it without quotes"),
            ("[metrics]\nlisten = 9464", "did you mean `port`?"),
            ("[prometheus]\nport = 9464", "did you mean `metrics`?"),
            ("[metrics]\nhost = \"0.0.0.0\"", "keys here: port"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(said), "{text}: {told}");
        }
    }
}
