//! Everything about one service.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::glyphs::Glyphs;
use super::super::layout::OuterScreen;
use super::super::panel::Details;
use super::super::text::{cut_right, pad, width, wrap_words};
use super::super::words::state_look;
use super::Scene;
use super::paint::{self, Titles};
use super::restart_bar::bar;
use super::worker_details;
use crate::clock::Clock;
use crate::domain::{
    ExitStatus, GroupSnapshot, Kind, Moment, Outcome, Phase, RunDetails, RunRecord, STARTS_BY_HAND, ServiceName,
    ServiceSnapshot, WAITS_FOR_CHANGE, bytes, count, human, visible, without_secrets,
};
use crate::logs::HOURS;

/// Cells of the names on the left.
const NAMES: usize = 13;

/// Where the system does not show the processes of others.
const NO_USAGE: &str = "not available on this system";

/// A name and what there is to say; a heading has nothing.
type Row = (String, String);

/// What the words depend on, besides the service.
struct Teller<'a> {
    now: Moment,
    glyphs: &'static Glyphs,
    /// Restarts in each of the last hours, once they were read.
    by_hour: Option<&'a [u32; HOURS]>,
    /// The services that depend on it.
    needed_by: Vec<ServiceName>,
    time_of_day: &'a dyn Fn(Moment) -> String,
}

/// Draws the box, from the line that it is scrolled to. The answer is where it begins.
pub(super) fn draw(scene: &Scene<'_>, details: &Details, buffer: &mut Buffer) -> Option<Position> {
    let (glyphs, theme) = (scene.glyphs(), scene.theme());
    let Some(service) = scene.snapshot.service(&details.service) else {
        let area = area(scene.screen, 1);
        paint::clear(buffer, area);
        let titles =
            Titles { left: vec![Span::styled(details.service.to_string(), theme.strong())], ..Titles::default() };
        let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
        paint::put_text(buffer, inner, inner.x + 1, inner.y, "no longer in the group", theme.structure());
        return Some(Position { x: inner.x, y: inner.y }).filter(|place| inner.contains(*place));
    };
    let by_hour = details.by_hour.as_deref();
    let needed_by = scene.snapshot.dependents(&service.name).map(|dependent| dependent.name.clone()).collect();
    let teller = Teller { now: scene.now, glyphs, by_hour, needed_by, time_of_day: scene.time_of_day };
    let lines = lines(&teller, service, columns(scene.screen));
    let area = area(scene.screen, lines.len());
    let last_start = lines.len().saturating_sub(height(area));
    let start = details.scroll.min(last_start);
    paint::clear(buffer, area);
    let look = state_look(service, glyphs, theme);
    let left = vec![
        Span::styled(look.glyph, look.style),
        Span::styled(format!(" {}", service.name), theme.strong()),
        Span::raw(format!(" {} ", glyphs.dot)),
        Span::styled(look.text(glyphs), look.word_style),
    ];
    let below = match (start, last_start - start) {
        (_, 1..) => vec![Span::raw(format!("{} {} more", glyphs.more, last_start - start))],
        (1.., 0) => vec![Span::raw("end")],
        (0, 0) => Vec::new(),
    };
    let titles = Titles { left, below, ..Titles::default() };
    let inner = paint::frame(buffer, area, glyphs, false, theme.structure(), &titles);
    for ((name, text), y) in lines.iter().skip(start).zip(inner.top()..inner.bottom()) {
        let room = usize::from(inner.width).saturating_sub(1);
        if text.is_empty() && !name.is_empty() {
            paint::put_text(buffer, inner, inner.x + 1, y, &cut_right(name, room, glyphs.ellipsis), theme.strong());
            continue;
        }
        let name = cut_right(name, NAMES - 1, glyphs.ellipsis);
        let x = paint::put_text(buffer, inner, inner.x + 1, y, &pad(name, NAMES), theme.structure());
        let left = usize::from(inner.right().saturating_sub(x));
        paint::put_text(buffer, inner, x, y, &cut_right(text, left, glyphs.ellipsis), Style::new());
    }
    (width(service.name.as_str()) > 0 && inner.height > 0).then_some(Position { x: inner.x, y: inner.y })
}

/// The last line that the box can be scrolled to.
pub(in super::super) fn last_start(
    (snapshot, service): (&GroupSnapshot, &ServiceSnapshot),
    by_hour: Option<&[u32; HOURS]>,
    screen: &OuterScreen,
    glyphs: &'static Glyphs,
    now: Moment,
) -> usize {
    let needed_by = snapshot.dependents(&service.name).map(|dependent| dependent.name.clone()).collect();
    // Any time of day is as long.
    let teller = Teller { now, glyphs, by_hour, needed_by, time_of_day: &|_| "00:00:00".to_owned() };
    let count = lines(&teller, service, columns(screen)).len();
    count.saturating_sub(height(area(screen, count)))
}

fn columns(screen: &OuterScreen) -> u16 {
    if screen.compact { screen.area.width } else { screen.area.width.saturating_sub(4).min(100) }
}

/// Where the box is, with so many lines.
fn area(screen: &OuterScreen, lines: usize) -> Rect {
    let all = screen.area;
    let free = Rect { height: all.height.saturating_sub(u16::from(screen.footer.is_some())), ..all };
    paint::centered(free, columns(screen), u16::try_from(lines.saturating_add(2)).unwrap_or(u16::MAX))
}

/// Lines that the box shows at once.
fn height(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2)).max(1)
}

/// What there is to say, wrapped.
fn lines(teller: &Teller<'_>, service: &ServiceSnapshot, columns: u16) -> Vec<Row> {
    let room = usize::from(columns).saturating_sub(NAMES + 5).max(1);
    let mut facts = facts(teller, service);
    runs(teller, service, &mut facts);
    if let Some(its) = service.details.as_deref().filter(|its| its.run == service.run) {
        environment(its, &mut facts);
    }
    let mut lines = Vec::new();
    for (name, text) in facts {
        let text = teller.glyphs.own_text(&text);
        if text.is_empty() {
            lines.push((name, text));
            continue;
        }
        for (place, range) in wrap_words(&text, room).into_iter().enumerate() {
            let name = if place == 0 { name.clone() } else { String::new() };
            lines.push((name, text.get(range).unwrap_or_default().trim_end().to_owned()));
        }
    }
    lines
}

/// The present, in the order of interest.
fn facts(teller: &Teller<'_>, service: &ServiceSnapshot) -> Vec<Row> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: String| facts.push((name.to_owned(), visible(&text).into_owned()));
    of_state(teller, service, &mut fact);
    worker_details::tell(service, teller.now, teller.glyphs, &mut fact);
    of_process(teller, service, &mut fact);
    of_restarts(teller, service, &mut fact);
    of_changes(teller, service, &mut fact);
    facts
}

/// What it is, what it does now, and why.
fn of_state(teller: &Teller<'_>, service: &ServiceSnapshot, fact: &mut impl FnMut(&str, String)) {
    let (now, dot) = (teller.now, teller.glyphs.dot);
    let kind = match service.kind {
        Kind::Service => "service",
        Kind::Job => "job",
        Kind::Worker => "worker",
    };
    fact("command", without_secrets(&service.command).into_owned());
    fact("kind", kind.to_owned());
    if !service.ports.is_empty() {
        let ports: Vec<String> = service.ports.iter().map(|(name, number)| format!("{name} {number}")).collect();
        fact("ports", ports.join(", "));
    }
    if let Some(instance) = &service.instance {
        fact("instance", format!("{} of {} ({})", instance.number, instance.count, instance.of));
    }
    if !service.inputs.is_empty() {
        fact("inputs", service.inputs.join(", "));
    }
    let list = |names: &[ServiceName]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    if !service.depends_on.is_empty() {
        fact("depends on", list(&service.depends_on));
    }
    if !teller.needed_by.is_empty() {
        fact("needed by", list(&teller.needed_by));
    }
    if let Some(file) = &service.file {
        fact("file", file.to_string());
    }
    fact("state", format!("{} {dot} for {}", service.state(), human(now.since(service.since))));
    if let Some(text) = &service.status_text {
        fact("status", text.to_string());
    }
    if let Some(reason) = &service.reason {
        // What it waits for is not why it has failed.
        let is_next = reason.starts_with(WAITS_FOR_CHANGE) || reason.starts_with(STARTS_BY_HAND);
        fact(if is_next { "next" } else { "why" }, reason.to_string());
    }
    // Otherwise the reason names them.
    if let Phase::Blocked { on, lost: Some(_) } = &service.phase {
        let names: Vec<&str> = on.iter().map(|name| name.as_str()).collect();
        fact("waits for", names.join(", "));
    }
    if service.stale {
        fact("stale", "the running version is older than its files".to_owned());
    }
    // Where it is as it is to be, there is nothing to tell.
    if service.wanted != (service.phase.live_run().is_some() || service.phase == Phase::Finished(Outcome::Done)) {
        fact("target state", if service.wanted { "up" } else { "down" }.to_owned());
    }
}

/// The processes of the live run.
fn of_process(teller: &Teller<'_>, service: &ServiceSnapshot, fact: &mut impl FnMut(&str, String)) {
    let (now, dot) = (teller.now, teller.glyphs.dot);
    let known = service.details.as_deref().filter(|its| its.run == service.run);
    if let Some(pid) = service.pid {
        let others: Vec<String> =
            known.iter().flat_map(|its| &its.pids).filter(|&&other| other != pid).map(ToString::to_string).collect();
        let others = if others.is_empty() { String::new() } else { format!(" {dot} and {}", others.join(", ")) };
        fact("pid", format!("{pid}{others}"));
    }
    if let Some(its) = known {
        let ports: Vec<String> = its.ports.iter().map(ToString::to_string).collect();
        fact("listens on", if ports.is_empty() { "no port".to_owned() } else { format!("port {}", ports.join(", ")) });
    }
    if let Some(since) = service.up_since {
        let started = (teller.time_of_day)(since);
        fact("up", format!("{} {dot} started {started} {dot} run {}", human(now.since(since)), service.run));
    }
    if service.can_be_measured()
        && let Some(usage) = &service.usage
    {
        let cpu = usage.cpu_text().map(|cpu| format!("{cpu} of a core"));
        let memory = usage.memory.map(|memory| format!("{} of memory", bytes(memory)));
        let all: Vec<String> = cpu.into_iter().chain(memory).collect();
        fact("usage", if all.is_empty() { NO_USAGE.to_owned() } else { all.join(&format!(" {dot} ")) });
    }
    if let Some(url) = &service.url {
        fact("url", without_secrets(url).into_owned());
    }
}

/// How often and why it was started anew, and when it will be.
fn of_restarts(teller: &Teller<'_>, service: &ServiceSnapshot, fact: &mut impl FnMut(&str, String)) {
    let (now, dot) = (teller.now, teller.glyphs.dot);
    let counts = service.restarts;
    let causes = [
        (counts.change, count(counts.change, "change")),
        (counts.crash, count(counts.crash, "crash")),
        (counts.manual, format!("{} manual", counts.manual)),
        (counts.config, format!("{} config", counts.config)),
        (counts.dependency, format!("{} dependency", counts.dependency)),
        (counts.liveness, format!("{} stuck", counts.liveness)),
        (counts.limit, format!("{} over its limit", counts.limit)),
    ];
    let causes: Vec<_> = causes.into_iter().filter(|(number, _)| *number > 0).map(|(_, text)| text).collect();
    let none = if causes.is_empty() { "none" } else { "" };
    fact("restarts", format!("{none}{}", causes.join(&format!(" {dot} "))));
    if let Some(by_hour) = teller.by_hour.filter(|by_hour| by_hour.iter().any(|count| *count > 0)) {
        let all: u64 = by_hour.iter().map(|count| u64::from(*count)).sum();
        fact("last 24h", format!("{} {dot} {}", bar(by_hour, teller.glyphs.set), count(all, "restart")));
    }
    if let Some(exit) = service.last_exit {
        let asked = if exit.asked { "stopped by devgroup" } else { "by itself" };
        let uptime = human(exit.uptime);
        let fault = exit.fault.map(|fault| format!("{fault} {dot} ")).unwrap_or_default();
        fact(
            "last exit",
            format!("{fault}{} {dot} {asked} {dot} {} {dot} up {uptime}", exit.status, ago(now, exit.at)),
        );
    }
    if let Some(next) = service.next_try {
        fact("next try", format!("in {} {dot} s = now", human(next.since(now))));
    }
    if let Some(next) = service.next_run {
        fact("next run", format!("{} {dot} r = now", Clock::date_and_time(next)));
    }
    if let Some(next) = service.next_restart {
        fact("change waits", format!("{} in {} {dot} r = now", service.next_action, human(next.since(now))));
    }
}

/// The changes of its files.
fn of_changes(teller: &Teller<'_>, service: &ServiceSnapshot, fact: &mut impl FnMut(&str, String)) {
    if let Some(change) = &service.last_change {
        fact("last change", format!("{} {} {}", change.path, teller.glyphs.dot, ago(teller.now, change.at)));
    }
    match (service.watches, &service.watched) {
        (true, Some(files)) => fact("watches", files.to_string()),
        (true, None) => fact("watches", "all files but ignored ones".to_owned()),
        (false, _) if service.kind == Kind::Worker => {}
        (false, _) => fact("watches", "nothing".to_owned()),
    }
    if service.held > 0 {
        fact("held", count(service.held, "change"));
    }
    if service.pending > 0 {
        let when = if service.next_restart.is_some() { "at the next restart" } else { "when files are quiet" };
        fact("pending", format!("{}, applied {when}", count(service.pending, "change")));
    }
}

fn ago(now: Moment, moment: Moment) -> String {
    format!("{} ago", human(now.since(moment)))
}

/// The runs that are over, the newest first.
fn runs(teller: &Teller<'_>, service: &ServiceSnapshot, facts: &mut Vec<Row>) {
    if service.history.is_empty() {
        return;
    }
    let dot = teller.glyphs.dot;
    // Each start of the group counts its runs anew. The last run is not among them while its leader lives.
    let newest = service.history.last();
    let is_last_exit = service.last_exit.is_some_and(|exit| {
        newest.is_some_and(|record| record.exit == Some(exit.status) && record.uptime == exit.uptime)
    });
    let lives = service.phase.live_run().is_some() && !is_last_exit;
    let mut next = service.run.0.saturating_add(u32::from(!lives));
    let (mut heading, mut earlier) = (None, false);
    for record in service.history.iter().rev() {
        if let Some(number) = record.number() {
            earlier |= number.0 >= next;
            next = number.0;
        }
        let belongs_to = if earlier { "RUNS BEFORE THIS START" } else { "PREVIOUS RUNS" };
        if heading.replace(belongs_to) != Some(belongs_to) {
            facts.push((belongs_to.to_owned(), String::new()));
        }
        let label = record.number().map_or_else(|| "elsewhere".to_owned(), |number| format!("run {number}"));
        facts.push((label, run(record, dot)));
    }
}

/// `Nov 25 14:02:11 · src/a.rs changed · ready after 2.9s · up 9m 12s · exit 1`.
fn run(record: &RunRecord, dot: &str) -> String {
    let mut parts = vec![Clock::date_and_time(record.began), record.reason.to_string()];
    if let Some(after) = record.ready_after {
        parts.push(format!("ready after {}", human(after)));
    }
    match record.exit {
        None => parts.push("could not start".to_owned()),
        Some(exit) => {
            parts.push(format!("up {}", human(record.uptime)));
            parts.push(match &record.fault {
                Some(fault) => fault.to_string(),
                None if record.asked && exit != ExitStatus::Code(0) => format!("{exit}, stopped by devgroup"),
                None => exit.to_string(),
            });
        }
    }
    parts.join(&format!(" {dot} "))
}

/// The environment: what devgroup does not have itself comes first.
fn environment(its: &RunDetails, facts: &mut Vec<Row>) {
    for (inherited, heading) in [(false, "ENVIRONMENT SET HERE"), (true, "ENVIRONMENT INHERITED")] {
        let mut variables = its.env.iter().filter(|variable| variable.inherited == inherited).peekable();
        if variables.peek().is_some() {
            facts.push((heading.to_owned(), String::new()));
        }
        for variable in variables {
            facts.push((String::new(), visible(&format!("{}={}", variable.name, variable.value)).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::fixture::Bench;

    #[test]
    fn it_says_which_files_are_watched() {
        let mut bench = Bench::shop(100, 30);
        bench.press("2d");
        let said = |bench: &mut Bench, files: &str| bench.text().contains(&format!("watches      {files} "));
        assert!(said(&mut bench, "all files but ignored ones"), "{}", bench.text());
        bench.snapshot.services[1].watched = Some("src/**, Cargo.toml".into());
        assert!(said(&mut bench, "src/**, Cargo.toml"), "{}", bench.text());
        bench.snapshot.services[1].watches = false;
        assert!(said(&mut bench, "nothing"), "{}", bench.text());
    }

    #[test]
    fn it_says_what_it_depends_on_and_who_needs_it() {
        let mut bench = Bench::shop(100, 30);
        bench.snapshot.services[1].depends_on = [bench.snapshot.services[0].name.clone()].into();
        bench.press("1d");
        assert!(bench.text().contains("needed by    api ") && !bench.text().contains("depends on"), "{}", bench.text());
        bench.press("⎋2d");
        assert!(bench.text().contains("depends on   db ") && !bench.text().contains("needed by"), "{}", bench.text());
    }
}
