//! `schedule`, `timezone` and `run_on_start`: when a job runs by itself.

use std::collections::HashMap;
use std::ops::Range;

use jiff::tz::{self, TimeZone};
use toml::Spanned;

use super::diagnostic::Diagnostic;
use super::group::Named;
use super::near::{any_of, near};
use super::place::Place;
use super::problems::{Problems, Slot, shown};
use super::units;
use crate::domain::{CronFault, CronTimes, Kind, Schedule, ServiceName, When, WrongField};

const EXAMPLES: &str = "schedule = \"*/15 * * * *\"   or   \"@daily\"   or   \"every 30m\"";

/// The shortest time between two runs: a job that is started more often is a service.
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(1);

/// The times, in the local time zone.
pub(super) fn schedule(slot: Slot<'_, '_>, place: &Place<'_>) -> Result<When, Diagnostic> {
    let text = slot.line().map_err(|problem| problem.help(EXAMPLES))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["every", pause @ ..] => every(slot, &pause.join(" ")),
        // The word before it is easily forgotten.
        [pause] if units::duration(pause).is_ok() => {
            Err(wrong(slot, slot.span(), "a duration alone").help(format!("schedule = \"every {pause}\"")))
        }
        _ => CronTimes::parse(text, None).map(When::At).map_err(|fault| faulty(slot, place, text, &fault)),
    }
}

fn every(slot: Slot<'_, '_>, pause: &str) -> Result<When, Diagnostic> {
    let pause = match units::duration(pause) {
        Ok(pause) => pause,
        Err(unclear) => {
            return Err(
                wrong(slot, slot.span(), unclear.label).help(format!("the time after `every`: {}", unclear.help))
            );
        }
    };
    if pause < SHORTEST {
        return Err(wrong(slot, slot.span(), "this is less than a second")
            .help("schedule = \"every 1s\" or longer; what always runs is a service"));
    }
    Ok(When::Every(pause))
}

fn wrong(slot: Slot<'_, '_>, span: Range<usize>, label: impl Into<String>) -> Diagnostic {
    let text = slot.text().unwrap_or_default();
    Diagnostic::error("schedule", format!("`{}` is not a schedule", shown(text))).at(span, label)
}

fn faulty(slot: Slot<'_, '_>, place: &Place<'_>, text: &str, fault: &CronFault) -> Diagnostic {
    const ORDER: &str = "five fields: minute hour day month weekday";
    match fault {
        CronFault::Wrong(fields) => {
            let problem = Diagnostic::error("schedule", format!("`{}` is not a schedule", shown(text)));
            let label = |problem: Diagnostic, field: &WrongField| {
                problem.at(part(slot, place, text, &field.place), format!("the {}: {}", field.name, field.allowed))
            };
            let told = fields.iter().map(|field| {
                format!("`{}` is not a valid {}", shown(text.get(field.place.clone()).unwrap_or_default()), field.name)
            });
            let told = told.collect::<Vec<_>>().join(", ");
            fields
                .iter()
                .fold(problem, label)
                .help(format!("{told}; a field is *, a number, a range 1-5, a list 1,15, or a step */15"))
        }
        CronFault::Fields(6..) => {
            let problem = wrong(slot, slot.span(), "more than five fields");
            let last = text.split_whitespace().next_back().unwrap_or_default();
            match last.contains(char::is_alphabetic) && TimeZone::get(last).is_ok() {
                true => problem.help(format!("the time zone has a key of its own: timezone = \"{last}\"")),
                false => problem.help(format!("{ORDER}; there are no seconds: schedule = \"every 10s\"")),
            }
        }
        CronFault::Fields(count) => {
            wrong(slot, slot.span(), format!("{count} of five fields")).help(format!("{ORDER}\n{EXAMPLES}"))
        }
        CronFault::Word => {
            let problem = wrong(
                slot,
                slot.span(),
                match near(text.trim(), CronTimes::words()).first() {
                    Some(word) => format!("did you mean \"{word}\"?"),
                    None => "this word does not exist".into(),
                },
            );
            match text.trim() {
                "@reboot" => problem.help("to also run it when the group starts: run_on_start = true; without `schedule`, a job runs only then"),
                _ => problem.help(CronTimes::words().collect::<Vec<_>>().join(", ")),
            }
        }
        CronFault::Never => wrong(slot, slot.span(), "this never comes")
            .help("no month has such a day; the third field is the day, the fourth the month"),
    }
}

/// The place of a part of a text, where it stands in the file as it is; otherwise that of all of it.
fn part(slot: Slot<'_, '_>, place: &Place<'_>, text: &str, part: &Range<usize>) -> Range<usize> {
    let span = slot.span();
    let inside = span.start + 1..span.end.saturating_sub(1);
    if place.text.get(inside.clone()) == Some(text) { inside.start + part.start..inside.start + part.end } else { span }
}

/// A time zone by its name.
pub(super) fn timezone(slot: Slot<'_, '_>) -> Result<TimeZone, Diagnostic> {
    let name = slot.line().map_err(|problem| problem.help("timezone = \"Europe/Berlin\""))?;
    if let Ok(zone) = TimeZone::get(name) {
        return Ok(zone);
    }
    let problem = Diagnostic::error("timezone", format!("unknown time zone `{}`", shown(name)));
    let known: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    if known.is_empty() {
        return Err(problem
            .at(slot.span(), "this computer has no time zone database")
            .help("install it (the package tzdata), or remove this for the local time zone"));
    }
    if matches!(name.to_lowercase().as_str(), "local" | "system" | "default") {
        return Err(problem.at(slot.span(), "the local one is the default").help("remove this line"));
    }
    // A city alone, or a slip.
    let city =
        |zone: &&String| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name.replace(' ', "_")));
    let cities: Vec<&str> = known.iter().filter(city).map(String::as_str).take(3).collect();
    let meant = if cities.is_empty() { near(name, known.iter().map(String::as_str)) } else { cities };
    let label = if meant.is_empty() {
        "not in the time zone database".to_owned()
    } else {
        format!("did you mean {}?", any_of(&meant))
    };
    Err(problem
        .at(slot.span(), label)
        .help("a name like \"Europe/Berlin\", \"America/New_York\" or \"UTC\"; without it: the local time zone"))
}

/// The three keys together.
pub(super) fn joined(
    when: Option<Spanned<When>>,
    zone: Option<Spanned<TimeZone>>,
    run_on_start: Option<Spanned<bool>>,
) -> Option<Schedule> {
    let when = match (when?.into_inner(), zone) {
        (When::At(times), Some(zone)) => When::At(times.in_zone(zone.into_inner())),
        (when, _) => when,
    };
    Some(Schedule { when, run_on_start: run_on_start.is_some_and(Spanned::into_inner) })
}

/// What only several values together can get wrong.
pub(super) fn check(service: &Named, by_name: &HashMap<&ServiceName, &Named>, problems: &mut Problems) {
    let (draft, name) = (&service.draft, &service.name);
    let kind = draft.kind();
    match &draft.schedule {
        Some(schedule) if kind == Kind::Service => problems.add(
            Diagnostic::error("schedule", format!("service `{name}` has a `schedule`, which only jobs can have"))
                .at(schedule.span(), "a service runs all the time")
                .help("kind = \"job\""),
        ),
        Some(schedule) => {
            if let (When::Every(_), Some(zone)) = (schedule.get_ref(), &draft.timezone) {
                problems.add(
                    Diagnostic::warning("timezone", format!("`timezone` has no effect on `{name}`"))
                        .at(zone.span(), "`every` is the same in every time zone")
                        .help("remove it"),
                );
            }
        }
        // Of a worker all three are refused.
        None if kind == Kind::Worker => {}
        None => {
            let given = [
                ("timezone", draft.timezone.as_ref().map(Spanned::span)),
                ("run_on_start", draft.run_on_start.as_ref().map(Spanned::span)),
            ];
            for (key, span) in given.into_iter().filter_map(|(key, span)| Some((key, span?))) {
                problems.add(
                    Diagnostic::warning("schedule", format!("`{key}` has no effect on `{name}`"))
                        .at(span, "there is no `schedule` here")
                        .help(EXAMPLES),
                );
            }
        }
    }
    for entry in draft.depends_on.iter().flatten() {
        let on = &entry.get_ref().0;
        if by_name.get(on).is_some_and(|other| other.draft.schedule.is_some()) {
            problems.add(
                Diagnostic::error("schedule", format!("`{name}` waits for `{on}`, which runs on a schedule"))
                    .at(entry.span(), "it could wait for hours")
                    .help(format!("make a job without a schedule that does this once, and let `{name}` wait for that")),
            );
        }
    }
}
