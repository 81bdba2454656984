//! The page without its group for a while, and nobody who looks at the page.

use std::time::Duration;

use super::{Browser, all_rows, login_address, port_of};
use crate::harness::{Project, Stream, detach, down, wait_for_within};

/// How long the page lets go after nobody has looked, and some time more.
const LETS_GO: Duration = Duration::from_secs(90);

const COUNTING: &str = r#"
name = "shop"
[web]
[services]
api = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done"
web = "i=0; while :; do i=$((i+1)); echo page $i; sleep 0.07; done"
"#;

fn newest(project: &Project, service: &str) -> u64 {
    let told = Stream::ask(project, &["logs", service, "-n", "1", "--raw"]).stdout;
    told.split_whitespace().last().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The numbers behind a word, without a gap and each once.
fn assert_each_once(rows: &[String], word: &str) {
    let numbers: Vec<u64> = rows.iter().filter_map(|row| row.strip_prefix(word)?.trim().parse().ok()).collect();
    assert!(numbers.len() > 200, "{numbers:?}");
    let wrong: Vec<_> = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    assert!(wrong.is_empty(), "{word} {wrong:?}");
}

#[test]
fn ten_seconds_without_the_group_lose_and_double_no_line() {
    let project = Project::new(COUNTING);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let url = login_address(&project);
    let relay = browser.relay(port_of(&url));
    let ours = url.replace(&port_of(&url).to_string(), &relay.to_string());
    let context = browser.context(true, (1280, 800));
    let merged = browser.page(context, &ours);
    browser.wait_for_text(merged, "#log", "line");
    let single = browser.page(context, &format!("http://127.0.0.1:{relay}/"));
    browser.wait_for_text(single, "#log", "line");
    browser.press(merged, "a");
    browser.wait_for_text(merged, "#log", "page");

    browser.cut(relay);
    browser.wait_for_text(merged, "#connection", "connection lost · reconnecting");
    let then = newest(&project, "api");
    // Ten seconds at the least: each line takes 50 ms.
    wait_for_within(LETS_GO, "the services have gone on for ten seconds", || newest(&project, "api") > then + 200);
    browser.join(relay);
    for page in [merged, single] {
        browser.wait(page, "the banner is gone", "document.querySelector('#connection').innerText === ''");
        let last = newest(&project, "api");
        let has_it = format!(
            "[...document.querySelectorAll('#log .text')].some((row) => Number(row.textContent.match(/^line (\\d+)$/)?.[1]) > {last})"
        );
        browser.wait(page, "new lines have come", &has_it);
    }
    assert_each_once(&all_rows(&mut browser, single), "line");
    let rows = all_rows(&mut browser, merged);
    assert_each_once(&rows, "line");
    assert_each_once(&rows, "page");
    browser.assert_quiet(merged);
    down(&project);
}

#[test]
fn what_nobody_looks_at_is_let_go() {
    let project = Project::new(COUNTING);
    let Some(mut browser) = Browser::start() else { return };
    detach(&project);
    let url = login_address(&project);
    let relay = browser.relay(port_of(&url));
    let context = browser.context(true, (1280, 800));
    let page = browser.page(context, &url.replace(&port_of(&url).to_string(), &relay.to_string()));
    browser.wait_for_text(page, "#log", "line");
    assert_eq!(browser.streams(relay), 1);
    let look = |is_hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {is_hidden}, configurable: true }}); \
             void document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.evaluate(page, &look(true));
    wait_for_within(LETS_GO, "the stream is let go", || browser.streams(relay) == 0);
    let last = newest(&project, "api");
    browser.evaluate(page, &look(false));
    wait_for_within(LETS_GO, "the stream is there again", || browser.streams(relay) == 1);
    let has_it =
        format!("[...document.querySelectorAll('#log .text')].some((row) => row.textContent === 'line {}')", last + 5);
    browser.wait(page, "what came meanwhile is there", &has_it);
    assert_each_once(&all_rows(&mut browser, page), "line");
    browser.assert_quiet(page);
    down(&project);
}
