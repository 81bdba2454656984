//! The client command `devgroup settle`.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::exit_code::Failure;
use super::arguments::SettleArguments;
use super::orders::millis;
use super::output;
use crate::clock;
use crate::control::{Ask, Client, Reply, SettleAsk, SettleResult, Settled, SettledService};
use crate::domain::{count, short, visible};

/// Files that are named; of more, only the number.
const NAMED: usize = 3;

/// Characters of a line that people read here; `logs` has all of it.
const LONGEST: usize = 2_000;

pub(super) fn run(mut group: Client, arguments: SettleArguments) -> Result<u8, Failure> {
    let SettleArguments { services, since, timeout, lines, json } = arguments;
    let ask = SettleAsk { services, since, timeout_ms: Some(millis(timeout)), lines: Some(lines) };
    let Reply::Settled(settled) = group.ask(Ask::Settle(ask))? else {
        return Err(Failure::Unexpected("the group has not told what came of changes".into()));
    };
    if json {
        output::write(&output::json(&settled)?)?;
    } else {
        output::write(&text(&settled))?;
        for note in &settled.notes {
            super::super::print_message(&format!("note: {}", visible(note)));
        }
    }
    Ok(code(&settled))
}

/// A failure counts more than a time that was up.
pub(in crate::cli) fn code(settled: &Settled) -> u8 {
    if settled.file_problem.is_some() || settled.services.iter().any(|service| service.failed) {
        5
    } else if settled.timed_out {
        124
    } else {
        0
    }
}

/// What came of it, for people: a line for each service, with what it has printed below.
pub(in crate::cli) fn text(settled: &Settled) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for service in &settled.services {
        let _ = writeln!(text, "{}", visible(&line(service)));
        for line in &service.lines {
            if line.gap {
                text.push_str("  │ …\n");
            }
            let _ = writeln!(text, "  │ {}", visible(&cut(&line.text)));
        }
        if service.skipped > 0 {
            let more = count(service.skipped, "line");
            let _ = writeln!(text, "  │ … {more} left out: devgroup logs {}", visible(&service.name));
        }
    }
    if let Some(problem) = &settled.file_problem {
        let _ = writeln!(text, "not loaded (previous version in use): {}", visible(problem));
    }
    let _ = writeln!(text, "{}", visible(&summary(settled)));
    text
}

/// The beginning of a long line, and how much more there is.
fn cut(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => {
            let (begin, rest) = line.split_at(at);
            format!("{begin}… {}", count(rest.chars().count(), "more character")).into()
        }
        None => line.into(),
    }
}

/// `api: restarted, ready after 1.2s · src/main.rs`.
pub(in crate::cli) fn line(service: &SettledService) -> String {
    let result = match service.result {
        SettleResult::Restarted => "restarted",
        SettleResult::Unchanged => "unchanged",
        SettleResult::Stale => "stale",
        SettleResult::Held => "held",
        SettleResult::NotStarted => "not started",
    };
    let after = service.took_ms.map(|took| format!(" after {}", short(std::time::Duration::from_millis(took))));
    let after = after.unwrap_or_default();
    let state = match &service.going_on {
        Some(what) => format!(", still {what}"),
        // What runs is older than what it is about.
        None if service.result == SettleResult::Stale => after,
        None => format!(", {}{after}", service.state),
    };
    let files = files(&service.files, service.more_files);
    let parts = [Some(format!("{result}{state}")), service.reason.clone(), files];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{}: {}", service.name, parts.join(" · "))
}

/// `src/main.rs, src/lib.rs and 4 more`.
fn files(files: &[String], more: u64) -> Option<String> {
    let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = more + files.len().saturating_sub(NAMED) as u64;
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!files.is_empty()).then(|| named + &more)
}

pub(in crate::cli) fn summary(settled: &Settled) -> String {
    let since = clock::local_time_of_day(&settled.since);
    let number = settled.files.len() as u64 + settled.more_files;
    let nobody = settled.services.is_empty();
    // A hold has kept them.
    let are_earlier = settled.services.iter().any(|service| !service.files.is_empty());
    let changed = match number {
        0 if are_earlier => format!("no new changes since {since}; earlier ones have now been applied"),
        0 => format!("no watched file has changed since {since}"),
        _ => format!("{} changed since {since}", count(number, "file")),
    };
    match (settled.timed_out, number, nobody) {
        (true, ..) => format!("timed out · {changed}"),
        (false, 1.., true) => format!("{changed} · no service acts on that"),
        _ => changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, result: SettleResult) -> SettledService {
        SettledService {
            name: name.into(),
            state: "ready".into(),
            failed: false,
            stale: false,
            reason: None,
            result,
            going_on: None,
            files: Vec::new(),
            more_files: 0,
            took_ms: None,
            next_at: None,
            run: 2,
            lines: Vec::new(),
            skipped: 0,
        }
    }

    fn settled(services: Vec<SettledService>) -> Settled {
        Settled {
            version: 1,
            cursor: String::new(),
            since: "14:02:11".into(),
            files: vec!["src/a.rs".into()],
            more_files: 0,
            services,
            file_problem: None,
            timed_out: false,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_service_is_one_line_and_its_output_is_below() {
        let files: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let all = vec![
            SettledService { took_ms: Some(1_250), files, more_files: 9, ..service("api", SettleResult::Restarted) },
            SettledService {
                stale: true,
                reason: Some("validate failed · exit 1".into()),
                skipped: 2,
                ..service("web", SettleResult::Stale)
            },
            SettledService { going_on: Some("starting".into()), ..service("db", SettleResult::Restarted) },
        ];
        let told = text(&Settled { timed_out: true, ..settled(all) });
        let expected = "\
api: restarted, ready after 1.3s · a, b, c and 10 more
web: stale · validate failed · exit 1
  │ … 2 lines left out: devgroup logs web
db: restarted, still starting
timed out · 1 file changed since 14:02:11
";
        assert_eq!(told, expected);
        assert_eq!(summary(&settled(Vec::new())), "1 file changed since 14:02:11 · no service acts on that");
        let nothing = Settled { files: Vec::new(), ..settled(Vec::new()) };
        assert_eq!(text(&nothing), "no watched file has changed since 14:02:11\n");
        let released = SettledService { files: vec!["a".into()], ..service("api", SettleResult::Restarted) };
        let earlier = summary(&Settled { services: vec![released], ..nothing });
        assert_eq!(earlier, "no new changes since 14:02:11; earlier ones have now been applied");
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(1_000_000);
        let told = cut(&long);
        assert_eq!((told.chars().count(), told.ends_with("ä… 998000 more characters")), (2_000 + 24, true));
    }

    #[test]
    fn a_failure_counts_more_than_a_time_that_is_up() {
        let failed = SettledService { failed: true, ..service("api", SettleResult::Restarted) };
        let well = || service("web", SettleResult::Restarted);
        assert_eq!(code(&settled(vec![well()])), 0);
        assert_eq!(code(&Settled { timed_out: true, ..settled(vec![well()]) }), 124);
        assert_eq!(code(&Settled { timed_out: true, ..settled(vec![well(), failed]) }), 5);
        assert_eq!(code(&Settled { file_problem: Some("broken".into()), ..settled(Vec::new()) }), 5);
    }
}
