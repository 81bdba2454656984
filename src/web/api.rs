//! What the API answers: each endpoint asks what a command asks, and sends what that prints with `--json`.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::assets::OPENAPI;
use super::body::{self, Body};
use super::command_line::{Chore, NewTask, TaskName, Told};
use super::login::CODE_LIFE;
use super::query::{Query, time};
use super::refusal::Refusal;
use super::routes::Endpoint;
use super::security;
use super::site::Site;
use super::stream::{Form, Lines};
use super::watcher::Watcher;
use crate::control::{Ask, LogsAsk, Order, OrderReport, Reply, SettleAsk};

/// What is answered, or why not.
type Answer = Result<Response<Body>, Refusal>;

/// Lines of logs without a word about where to begin, as of `devgroup logs`.
const LINES: u64 = 200;

/// Lines of a service that `settle` tells, as the command does.
const SETTLED_LINES: u64 = 20;

/// Tasks that are listed, as the command does.
const TASKS: usize = 50;

/// How long an order is waited for, as the command does.
const ORDER: Duration = Duration::from_secs(30);

/// The same of `settle`.
const SETTLE: Duration = Duration::from_secs(60);

/// How far back the history goes, as the command does.
const HISTORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Answers a request. What has a token, or asks for one, is let in.
///
/// # Errors
/// Why it is not answered.
pub(super) async fn answer(
    site: &Arc<Site>,
    (endpoint, name): (Endpoint, String),
    head: &Parts,
    posted: Incoming,
) -> Answer {
    if endpoint == Endpoint::Session {
        return log_in(site, posted).await;
    }
    if !security::token(&head.headers).is_some_and(|token| site.login.knows(token)) {
        return Err(Refusal::not_logged_in("you are not logged in, or your session has ended"));
    }
    let query = |known: &[&str]| Query::read(head.uri.query(), known);
    match endpoint {
        Endpoint::OpenApi => Ok(body::whole(StatusCode::OK, "application/json", OPENAPI)),
        Endpoint::Status => status(site, false).await,
        Endpoint::Usage => status(site, true).await,
        Endpoint::Why => why(site, &query(&["path"])?).await,
        Endpoint::History => history(site, &query(&["service", "since"])?).await,
        Endpoint::Watcher => watcher(site, &query(&["after"])?),
        Endpoint::Tasks => tasks(site, &query(&["worker", "state", "limit"])?).await,
        Endpoint::Task => chore(site, Chore::Task(task(name, &query(&["worker"])?)?)).await,
        Endpoint::Logs => logs(site, &query(&LOGS)?),
        Endpoint::Stream => stream(site, &query(&["status", "events", "after", "logs", "cursor", "last"])?),
        Endpoint::Session => Err(Refusal::not_found()),
        Endpoint::SessionCode => code(site, head, posted).await,
        Endpoint::Start => order(site, name, posted, Ask::Start).await,
        Endpoint::Stop => order(site, name, posted, Ask::Stop).await,
        Endpoint::Restart => order(site, name, posted, Ask::Restart).await,
        Endpoint::Send => send(site, name, posted).await,
        Endpoint::Pause => pause(site, posted).await,
        Endpoint::Resume => resume(site, posted).await,
        Endpoint::Settle => settle(site, posted).await,
        Endpoint::Down => down(site, posted).await,
        Endpoint::AddTask => chore(site, Chore::AddTask(body::read::<NewTask>(posted).await?)).await,
        Endpoint::RetryTask => chore(site, Chore::RetryTask(posted_task(name, posted).await?)).await,
        Endpoint::CancelTask => chore(site, Chore::CancelTask(posted_task(name, posted).await?)).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    code: String,
}

async fn log_in(site: &Site, posted: Incoming) -> Answer {
    let LogIn { code } = body::read(posted).await?;
    match site.login.log_in(&code, site.inside.handle().logs().clock().now()) {
        Some(token) => Ok(ok(&json!({ "token": token }))),
        None => Err(Refusal::not_logged_in("this code is invalid, used or expired")),
    }
}

/// A body that says nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A further code, for another tab.
async fn code(site: &Site, head: &Parts, posted: Incoming) -> Answer {
    let Nothing {} = body::read(posted).await?;
    // It was looked at already.
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let url = site.address_to_log_in(host).ok_or_else(|| Refusal::unavailable("the system has no random numbers"))?;
    let code = url.rsplit_once('=').map_or("", |(_, code)| code);
    Ok(ok(&json!({ "code": code, "url": url, "expires_in_seconds": CODE_LIFE.as_secs() })))
}

async fn status(site: &Site, usage: bool) -> Answer {
    match ask(site, Ask::Status { follow: false, usage }).await? {
        Reply::Status(status) => Ok(ok(&status)),
        _ => Err(unexpected()),
    }
}

async fn why(site: &Site, query: &Query) -> Answer {
    let asked = query.all("path");
    if asked.is_empty() {
        return Err(
            Told::usage("`path` is missing", "relative to the folder of procgroup.toml: ?path=src/main.rs").into()
        );
    }
    let mut paths = Vec::with_capacity(asked.len());
    for path in asked {
        match ask(site, Ask::Why { path, bytes: None }).await? {
            Reply::Why(why) => paths.push(why.line),
            _ => return Err(unexpected()),
        }
    }
    Ok(ok(&json!({ "version": 1, "paths": paths, "services": [] })))
}

async fn history(site: &Arc<Site>, query: &Query) -> Answer {
    let since = query.time("since")?.unwrap_or(HISTORY);
    chore(site, Chore::History { services: query.list("service").unwrap_or_default(), since }).await
}

fn watcher(site: &Site, query: &Query) -> Answer {
    let handle = site.inside.handle();
    Ok(ok(&Watcher::of(&handle.snapshot(), query.number("after")?, handle.logs().clock())))
}

async fn tasks(site: &Arc<Site>, query: &Query) -> Answer {
    let text = |name| query.one(name).map(|value| value.map(str::to_owned));
    let (worker, state) = (text("worker")?, text("state")?);
    chore(site, Chore::Tasks { worker, state, limit: query.number("limit")?.unwrap_or(TASKS) }).await
}

fn task(id: String, query: &Query) -> Result<TaskName, Told> {
    Ok(TaskName { id, worker: query.one("worker")?.map(str::to_owned) })
}

/// The parameters of `/logs`.
const LOGS: [&str; 8] = ["service", "last", "since", "cursor", "grep", "level", "where", "limit"];

fn logs(site: &Arc<Site>, query: &Query) -> Answer {
    let (cursors, conditions) = (query.list("cursor").unwrap_or_default(), query.all("where"));
    let text = |name| query.one(name).map(|value| value.filter(|value| !value.is_empty()).map(str::to_owned));
    let (grep, level) = (text("grep")?, text("level")?);
    let since_restart = query.one("since")? == Some("restart");
    let since = if since_restart { None } else { query.time("since")? };
    let begins = since.is_some() || since_restart || !cursors.is_empty();
    let seeks = grep.is_some() || level.is_some() || !conditions.is_empty();
    let ask = Ask::Logs(LogsAsk {
        services: query.list("service").unwrap_or_default(),
        last: query.number("last")?.or((!begins && !seeks).then_some(LINES)),
        since_ms: since.map(millis),
        since_restart,
        cursors,
        grep,
        level,
        conditions,
        levels: true,
        ..LogsAsk::default()
    });
    let limit = query.number("limit")?;
    site.inside.check(&ask).map_err(|problem| site.refused(problem))?;
    Ok(body::lines(Lines::new(site.clone(), site.inside.ask_all([ask]), Form::Logs, limit)))
}

fn stream(site: &Arc<Site>, query: &Query) -> Answer {
    let mut asks = Vec::new();
    if query.flag("status")? {
        asks.push(Ask::Status { follow: true, usage: false });
    }
    if query.flag("events")? {
        asks.push(Ask::Events { follow: true, after: query.number("after")?.unwrap_or(0), epoch: None });
    }
    let cursors = query.list("cursor").unwrap_or_default();
    if let Some(services) = query.list("logs") {
        let last = query.number("last")?.or(cursors.is_empty().then_some(LINES));
        asks.push(Ask::Logs(LogsAsk { services, follow: true, last, cursors, levels: true, ..LogsAsk::default() }));
    }
    if asks.is_empty() {
        let help = "ask for status=1, events=1 or logs=api,worker (logs= alone means all)";
        return Err(Told::usage("nothing is asked for", help).into());
    }
    for ask in &asks {
        site.inside.check(ask).map_err(|problem| site.refused(problem))?;
    }
    Ok(body::lines(Lines::new(site.clone(), site.inside.ask_all(asks), Form::Tagged, None)))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct OrderBody {
    wait: bool,
    timeout: Option<String>,
}

async fn order(site: &Site, name: String, posted: Incoming, order: fn(Order) -> Ask) -> Answer {
    let OrderBody { wait, timeout } = body::read(posted).await?;
    let timeout = timeout.map_or(Ok(ORDER), |text| time("timeout", &text))?;
    let asked = order(Order { services: vec![name], wait, timeout_ms: Some(millis(timeout)), ..Order::default() });
    let with_lines = wait && !matches!(asked, Ask::Stop(_));
    let Reply::Done { services: outcomes } = ask(site, asked).await? else { return Err(unexpected()) };
    if !with_lines {
        return Ok(ok(&OrderReport::new(outcomes, None)));
    }
    let mut lines = Vec::new();
    for outcome in &outcomes {
        let mut replies = site.inside.ask_all([Ask::Logs(outcome.lines())]);
        while let Some(reply) = replies.next().await {
            if let Reply::Line(line) = reply {
                lines.push(line);
            }
        }
    }
    Ok(ok(&OrderReport::new(outcomes, Some(lines))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendBody {
    text: String,
}

/// Types a line: the Enter key follows, as of the command.
async fn send(site: &Site, service: String, posted: Incoming) -> Answer {
    let SendBody { text } = body::read(posted).await?;
    done(site, Ask::Send { service, text: text + "\n" }).await
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct PauseBody {
    services: Vec<String>,
}

async fn pause(site: &Site, posted: Incoming) -> Answer {
    let PauseBody { services } = body::read(posted).await?;
    done(site, Ask::Pause { services }).await
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ResumeBody {
    services: Vec<String>,
    discard: bool,
}

async fn resume(site: &Site, posted: Incoming) -> Answer {
    let ResumeBody { services, discard } = body::read(posted).await?;
    done(site, Ask::Resume { services, discard }).await
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct SettleBody {
    services: Vec<String>,
    since: Option<String>,
    timeout: Option<String>,
    lines: Option<u64>,
}

async fn settle(site: &Site, posted: Incoming) -> Answer {
    let SettleBody { services, since, timeout, lines } = body::read(posted).await?;
    let timeout = timeout.map_or(Ok(SETTLE), |text| time("timeout", &text))?;
    let lines = Some(lines.unwrap_or(SETTLED_LINES));
    match ask(site, Ask::Settle(SettleAsk { services, since, timeout_ms: Some(millis(timeout)), lines })).await? {
        Reply::Settled(settled) => Ok(ok(&settled)),
        _ => Err(unexpected()),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct DownBody {
    now: bool,
}

async fn down(site: &Site, posted: Incoming) -> Answer {
    let DownBody { now } = body::read(posted).await?;
    done(site, Ask::Down { now }).await
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TaskBody {
    worker: Option<String>,
}

async fn posted_task(id: String, posted: Incoming) -> Result<TaskName, Refusal> {
    let TaskBody { worker } = body::read(posted).await?;
    Ok(TaskName { id, worker })
}

/// What the command line does, on a thread that may wait.
async fn chore(site: &Arc<Site>, chore: Chore) -> Answer {
    let command_line = site.command_line.clone();
    match tokio::task::spawn_blocking(move || command_line.carry_out(chore)).await {
        Ok(answered) => Ok(ok(&answered?)),
        Err(_) => Err(unexpected()),
    }
}

/// What is simply done.
async fn done(site: &Site, asked: Ask) -> Answer {
    match ask(site, asked).await? {
        Reply::Done { services } => Ok(ok(&OrderReport::new(services, None))),
        _ => Err(unexpected()),
    }
}

async fn ask(site: &Site, asked: Ask) -> Result<Reply, Refusal> {
    site.inside.ask(asked).await.map_err(|problem| site.refused(problem))
}

fn ok(value: &impl Serialize) -> Response<Body> {
    body::json(StatusCode::OK, value)
}

fn unexpected() -> Refusal {
    Refusal::unavailable("the group did not answer")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
