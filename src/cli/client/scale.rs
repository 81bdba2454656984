//! The client command `devgroup scale`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::super::exit_code::Failure;
use super::{orders, output};
use crate::control::{Ask, Became, Client, Outcome, Reply, Scaled};
use crate::domain::{Scaling, ServiceName, visible};

/// What became of the services.
#[derive(Serialize)]
struct Report {
    version: u32,
    scaled: Vec<Scaled>,
    services: Vec<Outcome>,
}

/// The numbers by name, each name once.
pub(super) fn counts(written: Vec<(String, u32)>) -> Result<BTreeMap<String, u32>, Failure> {
    let mut counts = BTreeMap::new();
    for (name, count) in written {
        if counts.get(&name).is_some_and(|before| *before != count) {
            return Err(Failure::Usage(format!("{} is given two different numbers of instances", visible(&name))));
        }
        counts.insert(name, count);
    }
    Ok(counts)
}

/// Changes the numbers, and says what came of it. `wait`: how long, if at all.
pub(super) fn run(
    mut group: Client,
    services: BTreeMap<String, u32>,
    wait: Option<Duration>,
    json: bool,
) -> Result<u8, Failure> {
    let ask = Ask::Scale { services, wait: wait.is_some(), timeout_ms: wait.map(orders::millis) };
    let Reply::Scaled { scaled, services } = group.ask(ask)? else {
        return Err(Failure::Unexpected("the group gave no answer to `scale`".into()));
    };
    let scalings: Vec<Scaling> =
        scaled.iter().map(|one| Scaling { name: ServiceName::new(&one.name), from: one.from, to: one.to }).collect();
    let surplus: Vec<ServiceName> = scalings.iter().flat_map(Scaling::surplus).collect();
    let goes = |outcome: &Outcome| surplus.iter().any(|name| name.as_str() == outcome.name);
    let (going, coming): (Vec<Outcome>, Vec<Outcome>) = services.iter().cloned().partition(goes);
    // Who goes is to be down, and who stays to be up.
    let code = orders::code(&coming, false).max(orders::code(&going, true));
    if json {
        output::write(&output::json(&Report { version: crate::control::VERSION, scaled, services })?)?;
        return Ok(code);
    }
    let mut text = String::new();
    for scaling in &scalings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", visible(&scaling.to_string()));
    }
    for outcome in &services {
        let _ = match (outcome.result, goes(outcome)) {
            (Became::Asked, true) => writeln!(text, "{}: stopping", visible(&outcome.name)),
            (Became::Asked, false) => writeln!(text, "{}: starting", visible(&outcome.name)),
            _ => writeln!(text, "{}", orders::line(outcome)),
        };
    }
    output::write(&text)?;
    Ok(code)
}
