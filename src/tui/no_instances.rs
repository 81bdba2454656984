//! A service with `replicas` that has no instance now. It has a row and a pane all the same, so that it can be selected, and
//! says how to start one.

use std::sync::Arc;

use super::action::{Action, Context};
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use crate::domain::{GroupSnapshot, Moment, Phase, Replicated, RunId, ServiceName, ServiceSnapshot};

/// The group with something to select for each service that has no instance.
pub(super) fn with_rows(snapshot: Arc<GroupSnapshot>) -> Arc<GroupSnapshot> {
    // Those that are too many may be ending still: then they are what there is.
    let is_gone = |one: &&Replicated| {
        let is_one = |service: &ServiceSnapshot| service.instance.as_ref().is_some_and(|it| it.of == one.name);
        one.count == 0 && !snapshot.services.iter().any(is_one)
    };
    let row = |one: &Replicated| ServiceSnapshot {
        group: one.group.clone(),
        wanted: false,
        ..ServiceSnapshot::blank(one.name.as_str(), RunId::default(), Phase::Down, Moment::START)
    };
    let rows: Vec<ServiceSnapshot> = snapshot.replicated.iter().filter(is_gone).map(row).collect();
    if rows.is_empty() {
        return snapshot;
    }
    let mut snapshot = Arc::unwrap_or_clone(snapshot);
    snapshot.services.extend(rows);
    Arc::new(snapshot)
}

/// It is such a row: no service.
pub(super) fn is_one(snapshot: &GroupSnapshot, service: &ServiceSnapshot) -> bool {
    service.instance.is_none() && snapshot.replicated.iter().any(|one| one.name == service.name)
}

/// What its pane says, a line each.
pub(super) fn told(name: &ServiceName, glyphs: &Glyphs) -> [String; 2] {
    let palette = Keymap::get().key_name(Context::Normal, Action::Palette, glyphs.set);
    let here = if palette.is_empty() { String::new() } else { format!("press {palette} and type scale {name}=1, or ") };
    [format!("{name} has 0 instances."), format!("To start one, {here}run devgroup scale {name}=1")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture::farm;

    #[test]
    fn a_service_without_instances_is_there_until_it_has_some() {
        let group = with_rows(Arc::new(farm()));
        let cron = group.service(&"cron".into()).unwrap();
        assert!(is_one(&group, cron) && !is_one(&group, &group.services[0]) && !is_one(&group, &group.services[1]));
        // Its last instance is being stopped.
        let mut farm = farm();
        farm.replicated = [Replicated { name: "worker".into(), group: None, count: 0 }].into();
        let farm = Arc::new(farm);
        assert!(Arc::ptr_eq(&with_rows(Arc::clone(&farm)), &farm));
    }
}
