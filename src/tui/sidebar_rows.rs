//! The rows of the sidebar and of the tab strip: one answer for drawing and for clicks. And the order of the services there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::folding::{self, Folds};
use super::glyphs::Glyphs;
use super::no_instances;
use super::service_filter::ServiceFilter;
use super::text;
use super::theme::Theme;
use super::unseen::Unseen;
use super::words::{STALE, is_stale, state_look};
use crate::domain::{GroupSnapshot, ServiceName, ServiceSnapshot};

/// The services in the order in which the dashboard shows and numbers them: those without a group first, then each group
/// once, with all that belong to it. Within a group it is the order of the file.
pub(super) fn arranged(snapshot: Arc<GroupSnapshot>) -> Arc<GroupSnapshot> {
    let snapshot = no_instances::with_rows(snapshot);
    let mut ranks = HashMap::new();
    let mut rank = |service: &ServiceSnapshot| {
        let next = ranks.len() + 1;
        service.group.as_ref().map_or(0, |group| *ranks.entry(Arc::clone(group)).or_insert(next))
    };
    // Instances stand side by side, also those that are being stopped because they are too many.
    let mut places: HashMap<ServiceName, usize> = HashMap::new();
    let keys: Vec<(usize, usize, u32)> = snapshot
        .services
        .iter()
        .enumerate()
        .map(|(place, service)| {
            let (first, number) = match &service.instance {
                Some(instance) => (*places.entry(instance.of.clone()).or_insert(place), instance.number),
                None => (place, 0),
            };
            (rank(service), first, number)
        })
        .collect();
    if keys.is_sorted() {
        return snapshot;
    }
    let mut snapshot = Arc::unwrap_or_clone(snapshot);
    let mut keyed: Vec<_> = keys.into_iter().zip(snapshot.services).collect();
    keyed.sort_by_key(|(key, _)| *key);
    snapshot.services = keyed.into_iter().map(|(_, service)| service).collect();
    Arc::new(snapshot)
}

/// One row of the sidebar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SidebarRow {
    /// The text of the filter, while it is typed.
    Filter,
    /// The heading of the services below.
    Heading(Arc<str>),
    /// A service, by its place in the snapshot.
    Service(usize),
    /// The instances of a service that are folded, and which of them is shown.
    Fold(Range<usize>, usize),
    /// Below a service: the last file that changed for it.
    LastChange(usize),
    /// The filter leaves no service.
    NoMatch,
}

impl SidebarRow {
    /// The service that a click on this row selects.
    pub(super) fn service(&self) -> Option<usize> {
        match self {
            Self::Service(index) | Self::Fold(_, index) | Self::LastChange(index) => Some(*index),
            Self::Filter | Self::Heading(_) | Self::NoMatch => None,
        }
    }
}

/// The rows that are in sight. The marked service is among them; while a filter is typed, its text and what it leaves.
pub(super) fn rows(
    snapshot: &GroupSnapshot,
    folds: &Folds,
    filter: Option<&ServiceFilter>,
    height: usize,
    marked: Option<usize>,
) -> Vec<SidebarRow> {
    let mut rows: Vec<SidebarRow> = filter.iter().map(|_| SidebarRow::Filter).collect();
    let height = height.saturating_sub(rows.len());
    let found: Vec<Range<usize>> = match filter {
        Some(filter) => filter.found(snapshot),
        None => folds.rows(snapshot),
    };
    if found.is_empty() && filter.is_some() {
        rows.push(SidebarRow::NoMatch);
    }
    // A file has a row for each service if there is room for all of them, or for the marked one alone.
    let choices: [&dyn Fn(usize) -> bool; 2] = [&|_| true, &|index| Some(index) == marked];
    let services = |shows_file: &dyn Fn(usize) -> bool| services(snapshot, &found, marked, shows_file);
    let mut with_files = choices.into_iter().map(services);
    let listed = with_files.find(|rows| rows.len() <= height);
    let listed = listed.unwrap_or_else(|| services(&|_| false));
    let place = listed.iter().position(|row| match row {
        SidebarRow::Service(index) | SidebarRow::Fold(_, index) => Some(*index) == marked,
        _ => false,
    });
    let start = window(listed.len(), height, place.unwrap_or(0));
    rows.extend(listed.into_iter().skip(start).take(height));
    rows
}

fn services(
    snapshot: &GroupSnapshot,
    found: &[Range<usize>],
    marked: Option<usize>,
    shows_file: &dyn Fn(usize) -> bool,
) -> Vec<SidebarRow> {
    let mut rows = Vec::with_capacity(found.len() * 2);
    let mut group = None;
    for row in found {
        let index = folding::shown(snapshot, row, marked);
        let Some(service) = snapshot.services.get(index) else { continue };
        if service.group != group {
            group.clone_from(&service.group);
            rows.extend(group.clone().map(SidebarRow::Heading));
        }
        rows.push(if row.len() > 1 { SidebarRow::Fold(row.clone(), index) } else { SidebarRow::Service(index) });
        if service.last_change.is_some() && shows_file(index) {
            rows.push(SidebarRow::LastChange(index));
        }
    }
    rows
}

/// The first of `count` rows that is in sight of a window of that height around the marked one.
pub(super) fn window(count: usize, height: usize, marked: usize) -> usize {
    marked.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// One service in the tab strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tab {
    /// Place of the service in the snapshot.
    pub(super) service: usize,
    /// The places of all that it stands for.
    pub(super) row: Range<usize>,
    /// First column of the tab.
    pub(super) x: u16,
    /// What is drawn there.
    pub(super) text: String,
}

/// The tabs that fit into so many cells; the selected one is among them. The last one may be without its name. At the end
/// of each are the errors that nobody has seen.
pub(super) fn tabs(
    snapshot: &GroupSnapshot,
    (folds, unseen): (&Folds, &Unseen),
    cells: u16,
    selected: Option<usize>,
    (glyphs, theme): (&Glyphs, Theme),
) -> Vec<Tab> {
    let rows = folds.rows(snapshot);
    let text = |row: &Range<usize>, named: bool| -> String {
        let Some(service) = folding::told(snapshot, row) else { return String::new() };
        let pointer = if selected.is_some_and(|selected| row.contains(&selected)) { glyphs.pointer } else { "" };
        let short = || text::cut_right(folding::name(snapshot, row), 12, glyphs.ellipsis);
        let name = if named { short() } else { String::new() };
        let look = state_look(&service, glyphs, theme);
        // The glyph is that of any service that runs.
        let word = if is_stale(&service) { STALE.to_owned() } else { String::new() };
        let count = folding::count(snapshot, row).unwrap_or_default();
        let services = snapshot.services.get(row.clone()).unwrap_or_default();
        let parts = [name, count, word, unseen.text_of_all(services.iter().map(|service| &service.name))];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{pointer}{}{}{}", folding::number(snapshot, row.start), look.glyph, parts.join(" "))
    };
    // One cell stays free at each end.
    let room = usize::from(cells).saturating_sub(1);
    let all = tabs_in(room, snapshot, &rows, selected, &text);
    match hidden_tabs(&all, snapshot.services.len()).1 {
        0 => all,
        // Their number stands at the right end.
        _ => {
            let sign = width_of_number(snapshot.services.len());
            tabs_in(room.saturating_sub(sign), snapshot, &rows, selected, &text)
        }
    }
}

/// Cells of ` +12`, with so many services.
fn width_of_number(services: usize) -> usize {
    2 + services.to_string().len()
}

/// How many services have no tab: before the first one that has, and behind the last.
pub(super) fn hidden_tabs(tabs: &[Tab], services: usize) -> (usize, usize) {
    let (first, last) = (tabs.first().map_or(0, |tab| tab.row.start), tabs.last().map_or(0, |tab| tab.row.end));
    (first, services.saturating_sub(last))
}

fn tabs_in(
    room: usize,
    snapshot: &GroupSnapshot,
    rows: &[Range<usize>],
    selected: Option<usize>,
    text: &dyn Fn(&Range<usize>, bool) -> String,
) -> Vec<Tab> {
    let is_selected = |row: &Range<usize>| selected.is_some_and(|selected| row.contains(&selected));
    let selected_index = rows.iter().position(is_selected).unwrap_or(0);
    let mut first = 0;
    let widths: Vec<usize> = rows.iter().map(|row| 1 + text::width(&text(row, true))).collect();
    let mut needed: usize = widths.iter().take(selected_index + 1).sum();
    while needed > room && first < selected_index {
        needed -= widths.get(first).copied().unwrap_or(0);
        first += 1;
    }
    let mut tabs = Vec::new();
    let mut at = 0;
    for row in rows.iter().skip(first) {
        let mut forms = [true, false].into_iter().map(|named| (named, text(row, named)));
        let Some((named, text)) = forms.find(|(_, text)| at + 1 + text::width(text) <= room) else { break };
        let next = at + 1 + text::width(&text);
        tabs.push(Tab {
            service: folding::shown(snapshot, row, selected),
            row: row.clone(),
            x: u16::try_from(at + 1).unwrap_or(u16::MAX),
            text,
        });
        at = next;
        if !named {
            break;
        }
    }
    tabs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::GlyphSet;
    use crate::tui::fixture::{Bench, farm, running, shop};

    fn grouped(services: &[(&str, &str)]) -> Arc<GroupSnapshot> {
        let mut group = shop();
        group.services = services
            .iter()
            .map(|(name, group)| ServiceSnapshot {
                group: Some(Arc::from(*group)).filter(|group: &Arc<str>| !group.is_empty()),
                ..running(name, true, 60)
            })
            .collect();
        Arc::new(group)
    }

    #[test]
    fn each_group_stands_once_below_those_without_one() {
        let services =
            [("db", "infra"), ("web", "app"), ("shell", ""), ("cache", "infra"), ("api", "app"), ("notes", "")];
        let group = arranged(grouped(&services));
        let rows = rows(&group, &Folds::default(), None, 20, Some(0));
        let shown: Vec<String> = rows
            .iter()
            .map(|row| match row {
                SidebarRow::Heading(text) => format!("[{text}]"),
                row => row.service().map(|index| group.services[index].name.to_string()).unwrap_or_default(),
            })
            .collect();
        assert_eq!(shown, ["shell", "notes", "[infra]", "db", "cache", "[app]", "web", "api"]);
        let again = arranged(Arc::clone(&group));
        assert!(Arc::ptr_eq(&again, &group), "what is in order is not copied");
    }

    #[test]
    fn a_file_has_a_row_where_there_is_one_and_room_for_it() {
        let shop = shop();
        let files = |height, marked| {
            let rows = rows(&shop, &Folds::default(), None, height, Some(marked));
            let services = rows.iter().filter(|row| matches!(row, SidebarRow::Service(_))).count();
            let files = rows.iter().filter_map(|row| match row {
                SidebarRow::LastChange(index) => Some(*index),
                _ => None,
            });
            (services, files.collect::<Vec<_>>())
        };
        assert_eq!(files(9, 0), (6, vec![1, 2, 4]), "three have a file, and there are no blank rows");
        assert_eq!(files(8, 2), (6, vec![2]));
        assert_eq!(files(8, 0), (6, vec![]), "the marked one has none");
        assert_eq!(files(6, 2), (6, vec![]));
    }

    #[test]
    fn the_marked_one_of_many_is_always_in_sight() {
        let names: Vec<String> = (0..24).map(|number| format!("service-{number}")).collect();
        let services: Vec<(&str, &str)> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), ["", "infra", "app", "tools"][at / 6])).collect();
        let group = grouped(&services);
        for height in 1..30 {
            for marked in 0..24 {
                let rows = rows(&group, &Folds::default(), None, height, Some(marked));
                assert!(rows.len() <= height && rows.contains(&SidebarRow::Service(marked)), "{marked} in {height}");
            }
        }
        assert_eq!(rows(&group, &Folds::default(), None, 20, Some(0)).len(), 20);
    }

    #[test]
    fn instances_fold_to_one_row_and_one_without_any_has_one_too() {
        let (farm, mut folds) = (arranged(Arc::new(farm())), Folds::default());
        let none = SidebarRow::Service(5);
        let all = rows(&farm, &folds, None, 20, Some(0));
        // The worst has changed a file.
        let fold = [SidebarRow::Fold(1..4, 2), SidebarRow::LastChange(2), SidebarRow::Service(4)];
        assert_eq!(all, [&[SidebarRow::Service(0)][..], &fold, std::slice::from_ref(&none)].concat());
        let selected = rows(&farm, &folds, None, 20, Some(3));
        assert!(selected.contains(&SidebarRow::Fold(1..4, 3)), "the selected one is shown: {selected:?}");
        folds.open(&farm, 1);
        let opened = rows(&farm, &folds, None, 6, Some(3));
        let each = (0..5).map(SidebarRow::Service).chain([none]).collect::<Vec<_>>();
        assert_eq!(opened, each);
    }

    #[test]
    fn instances_that_are_too_many_stand_beside_the_others_until_they_have_ended() {
        let mut farm = farm();
        let surplus = farm.services.remove(3);
        farm.services.push(surplus);
        let names = |group: &GroupSnapshot| group.services.iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&arranged(Arc::new(farm))), ["db", "worker.1", "worker.2", "worker.3", "web", "cron"]);
    }

    #[test]
    fn tabs_that_have_no_room_are_counted() {
        let services: Vec<(String, &str)> = (1..=12).map(|number| (format!("service{number}"), "")).collect();
        let services: Vec<(&str, &str)> = services.iter().map(|(name, group)| (name.as_str(), *group)).collect();
        let mut bench = Bench::new(Arc::unwrap_or_clone(grouped(&services)), 40, 12, GlyphSet::Unicode);
        let mut row = |keys: &str| {
            bench.press(keys);
            bench.text().lines().nth(1).unwrap_or_default().to_owned()
        };
        assert_eq!(row("1"), " ▸1●service1 2●service2 3●service3    +9");
        let last = row("'service12⏎");
        assert!(last.starts_with('<') && last.ends_with("▸12●service12"), "{last}");
        let middle = row("6");
        assert!(middle.starts_with('<') && middle.contains("▸6●service6") && middle.contains(" +"), "{middle}");
    }

    #[test]
    fn a_filter_stands_above_what_it_leaves() {
        let group = grouped(&[("shell", ""), ("db", "infra"), ("web", "app"), ("worker", "app")]);
        let filter = |text: &str| {
            let mut filter = ServiceFilter::default();
            filter.type_text(text);
            filter
        };
        let heading = SidebarRow::Heading("app".into());
        let two = [SidebarRow::Filter, heading, SidebarRow::Service(2), SidebarRow::Service(3)];
        assert_eq!(rows(&group, &Folds::default(), Some(&filter("w")), 20, Some(2)), two);
        assert_eq!(
            rows(&group, &Folds::default(), Some(&filter("w")), 2, Some(3)),
            [SidebarRow::Filter, SidebarRow::Service(3)]
        );
        assert_eq!(
            rows(&group, &Folds::default(), Some(&filter("zz")), 20, None),
            [SidebarRow::Filter, SidebarRow::NoMatch]
        );
    }
}
